"""What the fault tests share: a home that is about to be published, the system calls of that run, and the same run
again with a fault at one of them. strace does the injecting; it counts each system call by its name, in each thread."""
import os, pathlib, re, shutil, subprocess, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
# noqa: F401: the tests take them from here
from harness import BUILD, COMPILE, OWN_MOUNTS, PATIENCE, READER, WATCH, Home, Watch

LONG = "HERMES_FAULT_LONG" in os.environ  # every error at every call, every allocation
PRELOAD = BUILD / "tests/libfail-allocation.so"
OLDER, OLD, NEW = "sk-test-older-0001", "sk-test-old-000001", "sk-test-new-000001"
ENV, MANUAL = "sk-test-env-000001", "sk-test-manual-0001"
WRITES = ("openat", "mkdir", "write", "writev", "fsync", "fchmod", "renameat", "unlinkat", "close", "flock")
# No thread can be had: what waits for the disk does so one after the other, and each call has one number.
ALONE = ("-e", "inject=clone,clone3:error=EAGAIN")
READS = ("pread64", "read", "fcntl", "newfstatat", "getdents64", "mmap")
CONFIG = "model:\n  provider: xiaomi\n  api_key: %s\n"
# Hermes's own, with all that is easily lost: numbers that no double holds, members nobody knows, an entry that cools.
THEIRS = """{"version": 1, "providers": {"nous": {"tokens": [1.10, 12345678901234567890]}},
  "credential_pool": {"xiaomi": [{"id": "abc123", "label": "by hand", "auth_type": "api_key", "priority": 0,
    "source": "manual", "access_token": "%s", "last_status": "exhausted", "last_status_at": 4102444800.25,
    "last_error_code": 429, "last_error_reset_at": 4102444800.50, "unknown": 1e3,
    "base_url": "https://a.example.com/v1"}]}}
""" % MANUAL


def needs_strace():
    probe = [shutil.which("strace") or "/nonexistent/strace", "-qq", "-o", "/dev/null", "true"]
    try:
        works = subprocess.run(probe, capture_output=True).returncode == 0
    except OSError:
        works = False
    if not works:
        raise unittest.SkipTest("SKIP: strace cannot be had here")


class Call:
    def __init__(self, name, ordinal, text):
        self.name, self.ordinal, self.text = name, ordinal, text

    def __repr__(self):
        return f"{self.name} #{self.ordinal}: {self.text}"


def strace(log, *options):
    return ("strace", "-q", "-s", "0", "-o", str(log), *options)


def ended(lines):
    """Each call of the threads where it returned."""
    begun = {}
    for line in lines:
        thread, said = line.split(maxsplit=1)
        if said.endswith(" <unfinished ...>"):
            begun[thread] = said.removesuffix(" <unfinished ...>")
        elif said.startswith("<... "):
            yield begun.pop(thread) + said.split(" resumed>", 1)[1]
        else:
            yield said


def calls(home, names, *how):
    """The calls among NAMES that a compile makes, from the first one on the home (before it, the loader is at work).
    HOW: -f for those of all threads, else they are none."""
    log = home.root / "strace.log"
    traced = ",".join((*names, "clone", "clone3"))
    code, _, said = home.compile(prefix=strace(log, "-e", "trace=" + traced, *(how or ALONE)))
    assert code == 0, said
    counts, found, ours = {}, [], False
    lines = log.read_text().splitlines()
    for line in ended(lines) if how else lines:
        match = re.match(r"(\w+)\((.*)", line)
        if match is None or match[1] not in names:
            continue
        name = match[1]
        counts[name] = counts.get(name, 0) + 1
        ours = ours or str(home.path) in line
        said = name == "write" and match[2].startswith("2,")
        if ours and not (said and found and found[-1].text.startswith("2,")):
            found.append(Call(name, counts[name], match[2]))
    return found


def inject(home, call, fault):
    """Its return value, what it said on standard error; FAULT in strace's words."""
    where = f"inject={call.name}:{fault}:when={call.ordinal}"
    prefix = strace(home.root / "strace.log", "-e", f"trace={call.name},clone,clone3", "-e", where, *ALONE)
    code, _, said = home.compile(prefix=prefix)
    return code, said


class Pending(Home):
    """A home with a publish ahead of it, and what an undisturbed run makes of it."""

    def __init__(self, published_before=True):
        super().__init__()
        self.env["ASAN_OPTIONS"] = "detect_leaks=0"  # it cannot look for leaks beside a tracer
        self.write(".env", f"XIAOMI_API_KEY={ENV}\n")
        if published_before:
            self.write("auth.json", THEIRS)
            # the memory of one cooldown is older than what is pending, that of the other part of it
            for key in (OLDER, OLD):
                self.write("config.yaml", CONFIG % key)
                assert self.compile()[0] == 0
                self.cool_down(key)
        self.write("config.yaml", CONFIG % NEW)
        self.old = self.derived()
        self.template = self.root / "template"
        shutil.copytree(self.path, self.template)
        assert self.compile()[0] == 0
        self.new = self.derived()
        assert all(self.old[name] != self.new[name] for name in self.new if self.new[name] is not None)
        self.back()

    def cool_down(self, key):
        """As Hermes marks an entry; the key itself goes with the next publish, its cooldown stays remembered."""
        path = self.path / "auth.json"
        text = path.read_text()
        at = text.index('"last_status": null', text.index(key))
        text = text[:at] + text[at:].replace('"last_status": null', '"last_status": "exhausted"', 1)
        self.write("auth.json", text.replace('"last_error_reset_at": null', '"last_error_reset_at": 4102444801.75', 1))

    def back(self):
        shutil.rmtree(self.path)
        shutil.copytree(self.template, self.path)

    def derived(self):
        """What is published, but for the clock."""
        files = {name: self.bytes_of(name)
                 for name in ("compiled/snapshot.json", "auth.json", "compiled/cooldowns.json")}
        clock = rb'"(compiled_at|updated_at|meta_digest)":( ?)"[^"]*"'
        files = {name: text and re.sub(clock, rb'"\1":\2""', text) for name, text in files.items()}
        # Which auth.json it was written beside; and what was rotated when, which only the compile that did it can note.
        noted = rb'" \d+\.\d+\.\d+"|,\n  "rotated": \[[^]]*\]'
        return {name: text and re.sub(noted, b"", text) for name, text in files.items()}

    def temporary_files(self):
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob(".hermes-compile.*"))

    def reader(self):
        """What a gateway on the runtime library would send: the key, or None when there is no snapshot."""
        done = subprocess.run([READER, self.path], input="\n", capture_output=True, text=True, env=self.env)
        if done.returncode == 1 and "there is no snapshot" in done.stderr:
            return None
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[1]


class Fault(unittest.TestCase):
    """Each file is the old or the new one, whole, at every moment; a plain compile finishes what is missing."""

    @classmethod
    def setUpClass(cls):
        needs_strace()

    def whole(self, home):
        now = home.derived()
        for name, text in now.items():
            self.assertIn(text, (home.old[name], home.new[name]), name)
        had = [home.old["compiled/snapshot.json"],
               home.new["compiled/snapshot.json"]].index(now["compiled/snapshot.json"])
        self.assertEqual(home.reader(), ((OLD if home.old["auth.json"] else None), NEW)[had])
        if now["auth.json"] == home.new["auth.json"]:  # never a pool that forgot before the memory knows
            self.assertEqual(now["compiled/cooldowns.json"], home.new["compiled/cooldowns.json"])
            self.assertEqual(now["compiled/snapshot.json"], home.new["compiled/snapshot.json"])

    def finishes(self, home):
        code, _, said = home.compile()
        self.assertEqual(code, 0, said)
        self.assertEqual(home.derived(), home.new)
        self.assertEqual(home.temporary_files(), [])
        self.assertEqual(home.reader(), NEW)

    def homes(self):
        for published_before in (True, False):
            home = Pending(published_before)
            try:
                yield home
                self.assertNotIn(b"sk-test", home.printed)
            finally:
                home.close()
