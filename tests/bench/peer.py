"""What hermes-watch does for one home, as somebody would write it in Python: python3 peer.py HOME LOADER says a byte
when it watches, and one after each publish. The snapshot has the same content but for the warnings, which it does not
look for (bench.py compares), and the pool the same entries; what it remembers of the pool is less."""
import contextlib, datetime, fcntl, hashlib, json, os, re, stat, sys

import yaml
from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

HOME, LOADER = sys.argv[1], getattr(yaml, sys.argv[2])
BASE_URL = {"xiaomi": "https://api.xiaomimimo.com/v1"}
VARIABLE = {"xiaomi": "XIAOMI_API_KEY"}
REFERENCE = re.compile(r"\$\{(\w+)\}")
OURS = "manual:hermes-watch:"
STATE = ("last_status", "last_status_at", "last_error_code", "last_error_reason", "last_error_message",
         "last_error_reset_at")


@contextlib.contextmanager
def locked(name):
    fd = os.open(f"{HOME}/{name}", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    yield
    os.close(fd)


def read(name):
    with open(f"{HOME}/{name}", "rb") as file:
        before = os.fstat(file.fileno())
        if before.st_uid != os.getuid() or before.st_mode & stat.S_IWOTH:
            raise PermissionError(name)
        data = file.read()
        if os.fstat(file.fileno()).st_mtime_ns != before.st_mtime_ns:
            raise BlockingIOError(name)
    return data


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def write_beside(name, text):
    fd = os.open(f"{HOME}/{name}.peer", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(fd, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(fd)


def put_in_place(name):
    os.rename(f"{HOME}/{name}.peer", f"{HOME}/{name}")
    fd = os.open(os.path.dirname(f"{HOME}/{name}"), os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def load(text):
    """The value and its tree, which knows the places."""
    loader = LOADER(text)
    tree = loader.get_single_node()
    return loader.construct_document(tree), tree


def place(tree, *keys):
    for key in keys:
        tree = next(value for name, value in tree.value if name.value == key)
    return {"line": tree.start_mark.line + 1, "column": tree.start_mark.column + 1}


def expand(value, env):
    if isinstance(value, dict):
        return {key: expand(item, env) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, env) for item in value]
    return REFERENCE.sub(lambda match: env[match[1]], value) if isinstance(value, str) else value


def read_env(text):
    values, places = {}, {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            values[name.strip()] = value.strip().strip("'\"")
            places[name.strip()] = {"line": number, "column": len(name) + 2}
    return values, places


def credential(secret, label, path, place, key):
    whole = hashlib.sha256(secret.encode()).hexdigest()
    identity = hashlib.sha256(b"xiaomi\0" + secret.encode()).hexdigest()[:6]
    return {"id": identity, "label": label, "auth_type": "api_key", "secret": secret, "fingerprint": "sha256:"
            + whole[:16],
            "origins": [{"path": path, **place, "key": key}]}


def compile_home():
    sources = {"config.yaml": read("config.yaml"), ".env": read(".env")}
    config, tree = load(sources["config.yaml"].decode())
    env, places = read_env(sources[".env"].decode())
    config = expand(config, env)
    model = config["model"]
    provider, variable = model["provider"], VARIABLE[model["provider"]]
    credentials = [credential(model["api_key"], "config.yaml model.api_key", "config.yaml",
                              place(tree, "model", "api_key"),
                              "model.api_key")]
    if variable in env and env[variable] != model["api_key"]:
        credentials.append(credential(env[variable], f".env {variable}", ".env", places[variable], variable))
    shadowed = [{"provider": provider, "fingerprint": c["fingerprint"], "by": credentials[0]["id"],
                 "origins": c["origins"]}
                for c in credentials[1:]]
    return {
        "sources": [{"path": name, "kind": kind, "digest": digest(sources[name]), "bytes": len(sources[name])}
                    for name, kind in (("config.yaml", "config"), (".env", "env"))],
        "config": config, "env": env, "default_provider": provider, "fallbacks": [],
        "providers": {provider: {"base_url": BASE_URL[provider], "strategy": "fill_first", "auth": "bearer",
                                 "credentials": credentials}},
        "shadowed": shadowed, "warnings": []}


def entry(credential, base_url, priority, known):
    """A key of .env has the entry that Hermes makes of it, one of config.yaml an entry of ours."""
    key, before = credential["origins"][0]["key"], known.get(credential["secret"], {})
    of_hermes = key == VARIABLE["xiaomi"]
    return {"id": credential["id"], "label": key if of_hermes else credential["label"], "auth_type": "api_key",
            "priority": priority, "source": ("env:" if of_hermes else OURS) + key,
            "access_token": credential["secret"], **{name: before.get(name) for name in STATE}, "base_url": base_url,
            **({} if of_hermes else {"request_count": before.get("request_count", 0)})}


def project(content):
    store = json.loads(read("auth.json"))
    for name, provider in content["providers"].items():
        entries = store["credential_pool"].get(name, [])
        known = {e["access_token"]: e for e in entries}
        ours = [entry(c, provider["base_url"], i, known) for i, c in enumerate(provider["credentials"])]
        mine = {e["source"] for e in ours}
        others = [e for e in entries if e["source"] not in mine and not e["source"].startswith(OURS)]
        store["credential_pool"][name] = ours + others
    store["updated_at"] = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return json.dumps(store, indent=2)


def remember(content):
    """Which keys have an entry of ours; none is exhausted in these homes."""
    placed = [f"{name} {c['fingerprint']}" for name, provider in content["providers"].items()
              for c in provider["credentials"] if c["origins"][0]["key"] != VARIABLE[name]]
    return json.dumps({"format": 1, "cooldowns": {}, "placed": placed}, indent=2)


def publish():
    with locked("compiled/compile.lock"):
        content = compile_home()
        previous = json.loads(read("compiled/snapshot.json"))
        if previous["content"] == content:
            return
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        meta = {"format": 1, "generation": previous["meta"]["generation"] + 1, "home": HOME,
                "compiled_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
                "content_bytes": len(text.encode()), "digest": digest(text.encode())}
        write_beside("compiled/snapshot.json", '{"meta":%s,"content":%s}' % (json.dumps(meta), text))
        with locked("auth.lock"):
            write_beside("auth.json", project(content))
            write_beside("compiled/cooldowns.json", remember(content))
            put_in_place("compiled/cooldowns.json")
            put_in_place("compiled/snapshot.json")
            put_in_place("auth.json")


class Handler(FileSystemEventHandler):
    def on_closed(self, event):
        if event.src_path == HOME + "/config.yaml":
            publish()
            os.write(1, b".")


observer = Observer()
observer.schedule(Handler(), HOME)
observer.start()
os.write(1, b".")
observer.join()
