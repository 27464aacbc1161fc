#!/usr/bin/env python3
"""Asks the Hermes of a checkout what it makes of a home: witness.py CHECKOUT

One question a line on standard input, one answer a line on standard output, both JSON. Hermes is imported once. What it
remembers it keeps by path, and each home has a path of its own; now and then a fresh child takes over all the same.
A question names the home, the managed folder, the providers to ask for ([name of the pool, name that is requested]) and
what the provider is said to answer: {"home", "managed", "asks", "status", "held", "edits", "compile", "second"}. With a
status each pool's key is marked with it after the question; with `held`, the pools are loaded before the files of
`edits` are written and the commands of `compile` run; with `second`, a status, a process that begins then marks what it
selects with that one at the end; with `only_load`, that is all.
--once: one question, of a Hermes that was never asked before."""
import contextlib, copy, gc, hashlib, importlib, inspect, json, logging, os, signal, socket, subprocess, sys, time

LIMIT = 30  # seconds for one question
QUESTIONS = 40  # of one child: a fork costs as much as an answer
RESTS = (0, 61, 301, 3601, 86401)  # the cooldowns of every version, and a little
LEAVES = (str, int, float, bool, type(None))


def fingerprint(key):
    if not isinstance(key, str) or not key:
        return "a command" if callable(key) else None
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def copied(value, memo=None, deepcopy=copy.deepcopy):
    """copy.deepcopy for what YAML and JSON make: the same result, in a tenth of the time."""
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    if type(value) is list:
        return [copied(item) for item in value]
    return value if isinstance(value, LEAVES) else deepcopy(value, memo)


def refuse(*_, **__):
    raise FileNotFoundError("the witness has no network and no programs: no installs, no gh, no key commands")


def run(command, environment, said):
    output = [(os.POSIX_SPAWN_OPEN, 1, said, os.O_WRONLY | os.O_CREAT, 0o600),
              (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    os.waitpid(os.posix_spawn(command[0], command, environment, file_actions=output), 0)


def named_by_providers(name):
    return name.startswith("HERMES_") or name.endswith(("_API_KEY", "_TOKEN", "_BASE_URL", "_URL"))


class Hermes:
    """What is asked of one version of Hermes; the names it has are those of its own modules."""

    def __init__(self, checkout):
        sys.path.insert(0, checkout)
        import httpx
        logging.disable(logging.CRITICAL)
        socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
        subprocess.Popen.__init__ = httpx.Client.__init__ = refuse
        time.sleep = lambda _: None
        from hermes_cli import env_loader, runtime_provider
        from agent import credential_pool
        self.environment = {name: value for name, value in os.environ.items() if not named_by_providers(name)}
        self.load_env, self.resolve = env_loader.load_hermes_dotenv, runtime_provider.resolve_runtime_provider
        self.load_pool = credential_pool.load_pool
        copy.deepcopy = copy.deepcopy if "--once" in sys.argv else copied

    def runtime(self, provider):
        """(fingerprint, URL, error)"""
        try:
            found = self.resolve(requested=provider or None)
        except Exception as problem:
            return None, None, type(problem).__name__
        key = found.get("api_key")
        return fingerprint(key), (found.get("base_url") or "").rstrip("/"), None

    def entry(self, row):
        if row is None:
            return None
        return [fingerprint(row.runtime_api_key), (row.runtime_base_url or row.base_url or "").rstrip("/")]

    def pool(self, name, status, held=None):
        """What the pool NAME selects, all of its rows, and what comes of its selected key's STATUS."""
        pool = held or self.load_pool(name)
        selected = pool.select()
        said = {"pool": self.entry(selected),
                "rows": sorted(filter(lambda row: row[0], map(self.entry, pool.entries())))}
        if status and selected is not None:
            said |= self.marked(pool, selected, status)
        return said

    def marked(self, pool, row, status):
        known = inspect.signature(pool.mark_exhausted_and_rotate).parameters
        hints = {"api_key_hint": row.runtime_api_key, "credential_id": row.id}
        following = pool.mark_exhausted_and_rotate(status_code=status,
                                                   **{name: hint for name, hint in hints.items() if name in known})
        return {"next": self.entry(following), "rests": self.rests(pool)}

    def rests(self, pool):
        """The seconds until the pool has a key again. What Hermes writes down at those times is taken back."""
        clock, path = time.time, os.path.join(os.environ["HERMES_HOME"], "auth.json")
        before = open(path, "rb").read() if os.path.exists(path) else None
        try:
            for rest in RESTS:
                time.time = lambda: clock() + rest
                with contextlib.suppress(LookupError):
                    if pool.select() is not None:
                        return rest
            return None
        finally:
            time.time = clock
            if before is not None:
                with open(path, "wb") as file:
                    file.write(before)

    def answer(self, question):
        self.load_env()
        asks = question["asks"]
        held = {pool: self.load_pool(pool) for pool, _ in asks if pool and question.get("held")}
        for path, text in question.get("edits", {}).items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for command, environment, said in question.get("compile", []):
            run(command, environment, said)
        if question.get("edits"):
            self.load_env()
        if question.get("only_load"):
            return [self.load_pool(pool) and None for pool, _ in asks if pool]
        others = [self.load_pool(pool) for pool in held] if question.get("second") else []
        answers = [dict(zip(("key", "url", "error"), self.runtime(name))) for _, name in asks]
        for said, (pool, _) in zip(answers, asks):
            try:
                said |= self.pool(pool, question.get("status"), held.get(pool)) if pool else {}
            except Exception as problem:
                said["pool_error"] = type(problem).__name__
        for said, pool in zip((said for said, (pool, _) in zip(answers, asks) if pool), others):
            with contextlib.suppress(Exception):
                selected = pool.select()
                said["second"] = self.entry(selected)
                self.marked(pool, selected, question["second"])
        return answers


def answered(hermes, question):
    for name in list(os.environ):
        if name not in hermes.environment:
            del os.environ[name]
    os.environ |= hermes.environment | {"HOME": question["home"], "HERMES_HOME": question["home"],
                                        "HERMES_MANAGED_DIR": question["managed"]}
    os.chdir(question["home"])
    try:
        return hermes.answer(question)
    except BaseException as problem:
        return {"failed": f"{type(problem).__name__}: {problem}"}


def read_question(questions):
    """The next line; the next one is asked only when this one is answered, so that nothing is read too early."""
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(questions, 65536)
        if not more:
            return None
        line += more
    return json.loads(line)


def child(hermes, question, questions, answers, imported):
    """Answers some questions, each of a home that it has not seen, and says which modules that needed."""
    known = set(sys.modules)
    for number in range(QUESTIONS):
        question = question if number == 0 else read_question(questions)
        if question is None:
            break
        signal.alarm(LIMIT)
        os.write(answers, json.dumps(answered(hermes, question)).encode() + b"\n")
    os.write(imported, "\n".join(set(sys.modules) - known).encode())
    os._exit(0)


def serve(hermes, questions, answers):
    while (question := read_question(questions)) is not None:
        reader, writer = os.pipe()
        process = os.fork()
        if process == 0:
            child(hermes, question, questions, answers, writer)
        os.close(writer)
        with open(reader, encoding="utf-8") as names:
            import_what_was_needed(names.read().split("\n"))
        if os.waitpid(process, 0)[1] != 0:
            os.write(answers, b'{"failed": "no answer"}\n')


def import_what_was_needed(names):
    """Hermes imports much only when it is asked; the next child shall have it."""
    for name in filter(None, names):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
            gc.freeze()


def main():
    answers = os.dup(1)
    os.dup2(2, 1)  # what Hermes prints is no answer
    hermes = Hermes(os.path.abspath(sys.argv[1]))
    if "--once" in sys.argv:
        os.write(answers, json.dumps(answered(hermes, json.load(sys.stdin))).encode())
    else:
        serve(hermes, 0, answers)


if __name__ == "__main__":
    main()
