#!/usr/bin/env python3
"""First, do no harm, asked of a real Hermes:
no_harm.py CHECKOUT [--homes N] [--seed S] [--jobs N] [--held] [--bin FOLDER]

Makes homes from seeds, asks the Hermes of CHECKOUT which key goes to which URL before and after hermes-compile, and
says each difference with the smallest home that shows it. Differences that a diagnostic of hermes-compile or README's
table "Where this differs from Hermes" tells of are counted by the rule of EXPLAINED that knows them. Ends with 1 when
there are others. Without a CHECKOUT it ends with 77: no copy of Hermes belongs to this project."""
import argparse, collections, concurrent.futures, json, os, shutil, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import homes
from explained import declared, explanation, key_of, of_table

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = 200  # one home in so many is asked in a process of its own as well, and once with a pool that is held
RESET_CHANGES_NOT = ("error", "failed", "sent")
SHRUNK = 3  # homes of one kind that are cut down


class Witness:
    """A Hermes that answers questions; see witness.py."""

    def __init__(self, checkout):
        self.checkout = checkout
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "witness.py"), checkout], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(self, question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def ask_once(self, question):
        """The same, of a Hermes that has never been asked before."""
        done = subprocess.run([sys.executable, os.path.join(HERE, "witness.py"), self.checkout, "--once"], text=True,
                              input=json.dumps(question), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        return json.loads(done.stdout)


class Trial:
    """One home, written and asked without and with hermes-compile."""

    def __init__(self, witness, compiler, home):
        self.witness, self.compiler, self.home = witness, compiler, home
        self.folder = tempfile.mkdtemp(prefix="no-harm-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.now, self.diagnostics, self.refused, self.root_refused = time.time(), [], False, False

    def written(self, name, home=None):
        return homes.write(home or self.home, os.path.join(self.folder, name), self.now)

    def question(self, written, status=None, **more):
        return {"home": written[0], "managed": written[1], "asks": self.home["asks"], "status": status} | more

    def command(self, written, path):
        return [self.compiler, "--home", path, "--format", "json"], {
            "PATH": "/usr/bin:/bin", "HOME": written[0], "HERMES_MANAGED_DIR": written[1]}

    def ask(self, question):
        """A plugin is known to a process for all of its life."""
        return (self.witness.ask_once if self.home["plugin"] else self.witness.ask)(question)

    def clone(self, written):
        """What stands in the root, copied into the profile, in the place of what was there; without the sources, which
        the profile has of its own."""
        root, profile = written[2]
        names = ["auth.json"] + (["compiled"] if self.home["clone"] == "home" else [])
        for name in names if self.home["clone"] else ():
            source, target = os.path.join(root, name), os.path.join(profile, name)
            if os.path.isfile(target):
                os.unlink(target)
            if os.path.isdir(source):
                shutil.copytree(source, target)
            elif os.path.exists(source):
                shutil.copy2(source, target)

    def compile(self, written, first=True):
        for path in written[2]:
            if first and path != written[2][0]:
                self.clone(written)
            command, environment = self.command(written, path)
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode < 0 or done.returncode > 1:
                raise RuntimeError(f"hermes-compile ended with {done.returncode}: {done.stderr}")
            self.diagnostics += json.loads(done.stdout)["diagnostics"]
            self.refused = done.returncode == 1
            self.root_refused = self.root_refused or (self.refused and path != written[0])

    def before(self):
        """Plain Hermes: of a home that has known earlier versions of this program, without their rows."""
        written = self.written("before", homes.plain(self.home))
        if self.home["clone"]:
            self.clone(written)
        return self.ask(self.question(written, self.home["status"]))

    def after(self):
        """At the first load behind a compile; or, settled, at a later one, when Hermes has put its own rows in."""
        written = self.written("after")
        self.compile(written)
        if self.home["settled"]:
            self.ask(self.question(written, only_load=True))
            self.compile(written, first=False)
        if self.home["removed"]:
            self.remove_ours(written[0])
            self.compile(written, first=False)
        return self.ask(self.question(written, self.home["status"]))

    def remove_ours(self, path):
        """As `hermes auth remove` does it."""
        file = os.path.join(path, "auth.json")
        if os.path.exists(file):
            with open(file, encoding="utf-8") as old:
                auth = json.load(old)
            homes.drop_ours(auth)
            with open(file, "w", encoding="utf-8") as new:
                json.dump(auth, new, indent=2)

    def held(self, name, compiles):
        """Pools that are held while the home is edited and hermes-compile runs, or does not; then they are marked, and
        somebody else loads."""
        now = homes.plain(self.home)
        written = self.written(name, homes.earlier(now))
        if compiles and self.home["settled"]:
            self.compile(written, first=False)
            self.refused = self.root_refused = False
        said = os.path.join(self.folder, "said")
        commands = [[*self.command(written, path), said + str(number)]
                    for number, path in enumerate(written[2]) if compiles]
        if compiles and self.home["reset"]:
            command, environment = self.command(written, written[0])
            commands.append([command + ["--reset", "all"], environment, os.devnull])
        first = self.ask(self.question(written, self.home["status"], held=True, compile=commands,
                                       edits=homes.sources(written[0], now), second=self.home["second"]))
        for number, _ in enumerate(written[2] if compiles else ()):
            with open(said + str(number), encoding="utf-8") as document:
                self.diagnostics += json.load(document)["diagnostics"]
        if compiles:
            self.compile(written, first=False)
        return first, self.ask(self.question(written))

    def differences(self):
        before, after = self.before(), self.after()
        if self.root_refused:
            return []  # nothing came to be of the root's sources, and what it left there earlier stays
        if not self.refused:
            return self.told(compared(self.home, before, after), before)
        default = [said for said, ask in zip(before, self.home["asks"]) if ask == ["", ""]]
        if "failed" in before or not any(map(works, default)):
            return []
        codes = sorted({said["code"] for said in self.diagnostics if said["severity"] == "error"})
        return self.told([{"ask": "", "field": "refused", "before": "works", "after": ", ".join(codes)}], before)

    def live_differences(self):
        without, with_us, earlier = self.held("alone", False), self.held("beside", True), homes.earlier(self.home)
        failed = "failed" in without[0] or "failed" in with_us[0]
        known = declared(earlier) | of_table(earlier) | {pair for pair, _ in pairs(() if failed else without[0])}
        found = [] if self.refused or self.root_refused else [
            difference | {"field": f"{when} {difference['field']}"} for when, alone, beside in
                 zip(("held", "later"), without, with_us) for difference in compared(self.home, alone, beside, known)]
        found = [difference for difference in found
                 if failed or not follows(difference, self.home["asks"], without[0], with_us[0])]
        if self.home["reset"]:  # plain Hermes saw none: what is usable again may go before what was used
            found = [difference for difference in found if difference["field"].endswith(RESET_CHANGES_NOT)]
        return self.told(found, without[0], earlier)

    def told(self, found, before, *earlier):
        """The home before its edit explains what is left of it."""
        unique = {json.dumps(difference, sort_keys=True): difference for difference in found}.values()
        for difference in unique:
            rules = (explanation(home, difference, self.diagnostics, before) for home in (self.home, *earlier))
            difference["rule"] = next(filter(None, rules), None)
        return list(unique)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def works(said):
    """A key goes out to a URL; a URL without a scheme leads nowhere."""
    return said.get("error") is None and said.get("key") is not None and "://" in said["url"]


def compared(home, before, after, known=frozenset()):
    """What is worse in AFTER than in BEFORE; both are lists of answers, one for each of the asks."""
    if "failed" in before or "failed" in after:
        failed = [said.get("failed") if isinstance(said, dict) else None for said in (before, after)]
        return [] if failed[0] == failed[1] else [
            {"ask": "", "field": "failed", "before": failed[0], "after": failed[1]}]
    found = []
    turns = bool(home["config"].get("credential_pool_strategies"))  # each question moves what the next one is told
    for (_, name), old, new in zip(home["asks"], before, after) if not turns else ():
        found += [{"ask": name, "field": field, "before": a, "after": b} for field, a, b in changes(old, new)]
    return found + sent_elsewhere(before, after, declared(home) | known)


def follows(difference, asks, without, with_us):
    """Where another key went out and was marked, which is told by itself, another one is left later."""
    marked = [name for (_, name), alone, beside in zip(asks, without, with_us)
              if any(alone.get(one) != beside.get(one) for one in ("pool", "second"))]
    asked = difference["ask"] in marked or (difference["ask"] == "" and marked)
    return asked and difference["field"] in ("later key", "later pool", "later url")


def changes(old, new):
    """The first thing that is worse: which key goes where, what the pool says, what comes after its key's failure."""
    for field in ("error", "key", "url") if works(old) else ():
        if old[field] != new.get(field):
            yield (field, [old["key"], old["url"]], [new["key"], new["url"]]) if field == "url" else (
                field, old[field], new.get(field))
            return
    if not same_entry(old, new):
        yield "pool", old.get("pool"), new.get("pool")
    elif "next" in old and "next" in new:
        if key_of(old["next"]) != key_of(new["next"]):
            yield "next", old["next"], new["next"]
        elif (new["rests"] is None and old["rests"] is not None) or (new["rests"] or 0) > (old["rests"] or 1 << 40):
            yield "rests", old["rests"], new["rests"]


def same_entry(old, new):
    """What goes out anyway may be in the pool; and an entry without a URL goes to that of config.yaml."""
    before, after = (side if side and side[0] else None for side in (old.get("pool"), new.get("pool")))
    if before is None and after is not None:
        return after == [old["key"], old["url"]]
    return before == after or (before is not None and after is not None and before[0] == after[0] and before[1] == "")


def pairs(answers):
    """(key, URL) of each row and each answer, with the ask it belongs to."""
    for number, said in enumerate(answers):
        for key, url in said.get("rows", []):
            yield (key, url), number
        if works(said):
            yield (said["key"], said["url"]), number


def sent_elsewhere(before, after, known):
    """Keys at a URL where they were not before, and that their entry does not name. An entry without a URL is for
    wherever the provider's requests go."""
    known |= {pair for pair, _ in pairs(before)}
    known |= {pair for pair, _ in pairs(after) if (pair[0], "") in known}
    urls = lambda key: sorted(url for other, url in known if other == key)
    return [{"ask": number, "field": "sent", "before": urls(pair[0]), "after": list(pair)}
            for pair, number in pairs(after) if pair not in known]


# --- one process -----------------------------------------------------------------------------------------------------

def tried(witness, compiler, home, live):
    trial = Trial(witness, compiler, home)
    try:
        return trial.live_differences() if live else trial.differences()
    finally:
        trial.close()


def kind(home, difference):
    """What two differences have in common that are most likely of one cause."""
    name = difference["ask"] if isinstance(difference["ask"], str) else home["asks"][difference["ask"]][1]
    sort = "default" if not name else "registry" if name in homes.REGISTRY else "custom"
    shape = ["none" if side in (None, []) else "some" for side in (difference["before"], difference["after"])]
    if difference["field"].split()[-1] in ("refused", "error", "failed", "rests"):
        shape = [str(difference["before"]), str(difference["after"])]
    return " ".join([difference["field"], sort, "->".join(shape)])


def kinds(home, differences):
    """A key at another host is told only where nothing else is: it comes with most of the others."""
    unexplained = [difference for difference in differences if difference["rule"] is None]
    return {kind(home, difference) for difference in unexplained
            if not difference["field"].endswith("sent") or len(unexplained) == 1}


def shrunk(witness, compiler, home, wanted, live):
    """HOME without everything that the difference of kind WANTED does not need."""
    def shows(cut):
        try:
            return wanted in kinds(cut, tried(witness, compiler, cut, live))
        except (RuntimeError, KeyError, TypeError, AttributeError, ValueError):
            return False
    before = None
    while before != home:
        before = home
        for cut in homes.cuts(home):
            smaller = cut(home)
            if smaller is not None and smaller != home and shows(smaller):
                home = smaller
    return home


def unequal(witness, trial_home):
    """Whether the long-lived witness says something else than a fresh process."""
    trial = Trial(witness, None, trial_home)
    try:
        once = trial.question(trial.written("once", homes.plain(trial_home)), trial_home["status"])
        return trial.before() != witness.ask_once(once)
    finally:
        trial.close()


def run(checkout, compiler, seeds, held):
    """(counts, {kind: count}); the first homes of each kind are cut down and printed at once."""
    witness, counts, unexplained, told = Witness(checkout), collections.Counter(), collections.Counter(), set()
    for seed in seeds:
        home = homes.make(seed)
        counts["homes"] += 1
        counts["witness unequal"] += seed % SAMPLE == 0 and unequal(witness, home)
        for live in (True,) if held else (False, True) if seed % SAMPLE % 10 == 0 else (False,):
            differences = tried(witness, compiler, home, live)
            counts["live"] += live
            counts["homes with a difference"] += bool(differences)
            counts.update(f"explained: {rule}" for rule in {found["rule"] for found in differences} - {None})
            for wanted in sorted(kinds(home, differences)):
                unexplained[wanted] += 1
                if unexplained[wanted] <= SHRUNK:
                    small = shrunk(witness, compiler, home, wanted, live)
                    if homes.form(small) not in told:
                        print(example(wanted, seed, live, small, tried(witness, compiler, small, live)), flush=True)
                    told.add(homes.form(small))
    return counts, unexplained


# --- the report ------------------------------------------------------------------------------------------------------

def shown(home):
    """The files of HOME as text."""
    lines = []
    for part, name in (("managed config", "managed/config.yaml"), ("config", "config.yaml")):
        lines += [f"--- {name}", homes.text_of(home[part]).rstrip()] if home[part] else []
    for part in ("managed .env", ".env", ".op.env"):
        lines += [f"--- {part}", *home[part]] if home[part] else []
    for pool, rows in home["auth"].get("credential_pool", {}).items():
        lines += [f"--- auth.json {pool}"]
        lines += ["  " + json.dumps({name: said for name, said in row.items() if said is not None}) for row in rows]
    if home["auth"].get("suppressed_sources"):
        lines += [f"--- suppressed {home['auth']['suppressed_sources']}"]
    lines += [f"--- {part}: {home[part]}" for part in ("clone", "removed", "plugin") if home.get(part)]
    if home["root"] is not None:
        lines += ["=== the root above", shown(home["root"] | {"managed config": {}, "managed .env": [], "root": None})]
    return "\n".join(lines)


def example(wanted, seed, live, home, differences):
    how = f"seed {seed}{', held' if live else ''}{', settled' if home['settled'] else ''}, status {home['status']}"
    how += f", {home['edit']}, reset {home['reset']}, second {home['second']}" if live else ""
    lines = [f"\n##### {wanted}", f"## {how}, asks {home['asks']}", shown(home)]
    for found in differences:
        lines.append(f"   {found['field']} [{found['ask']}]: {found['before']} -> {found['after']}"
                     + (f"   ({found['rule']})" if found["rule"] else ""))
    return "\n".join(lines)


def report(counts, unexplained):
    for table in (unexplained, counts):
        print("\n" + "\n".join(f"{count:7} {name}" for name, count in sorted(table.items(), key=lambda row: -row[1])))
    print(f"{sum(unexplained.values()):7} unexplained, of {len(unexplained)} kinds")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", nargs="?")
    parser.add_argument("--homes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--held", action="store_true", help="only with pools that are held, and of each home")
    parser.add_argument("--bin", default=os.environ.get("HERMES_BUILD", os.path.join(HERE, "../../build/release")))
    options = parser.parse_args()
    if options.checkout is None:
        print("SKIP: no CHECKOUT of Hermes was named")
        return 77
    compiler = os.path.abspath(os.path.join(options.bin, "hermes-compile"))
    seeds = range(options.seed, options.seed + options.homes)
    began, counts, unexplained = time.time(), collections.Counter(), collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as processes:
        for some, found in processes.map(run, *zip(*[(options.checkout, compiler, seeds[job::options.jobs],
                                                      options.held) for job in range(options.jobs)])):
            counts.update(some)
            unexplained.update(found)
    report(counts, unexplained)
    print(f"{time.time() - began:7.0f} s")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
