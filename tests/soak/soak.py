"""Random edits by every way a file can change, random faults, and an oracle: when all is quiet, what hermes-watch
published is what hermes-compile makes of a copy of the final state, and the pool has nothing left to change.
    python3 tests/soak/soak.py [SECONDS [SEED]]      15 seconds of seed 1 without arguments"""
import fcntl, json, mmap, os, pathlib, random, shutil, signal, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from harness import COMPILE, OWN_MOUNTS, WATCH, Home, has_own_mounts

PATIENCE = 60
SECONDS, SEED = (float(sys.argv[1]), int([*sys.argv, 1][2])) if len(sys.argv) > 1 else (15, 1)
MOUNTS = has_own_mounts()
if MOUNTS and os.environ.get("SOAK_INSIDE") is None:
    os.execvpe(OWN_MOUNTS[0], [*OWN_MOUNTS, sys.executable, *sys.argv], dict(os.environ, SOAK_INSIDE="1"))
NAMESPACES = subprocess.run(["unshare", "-Ur", "true"], capture_output=True).returncode == 0
dice = random.Random(SEED)


def texts(number):
    """A key in each place where one can stand; now and then a file has none."""
    key = lambda place: f"sk-test-soak-{place}-{number:07}"
    config = f"model:\n  provider: xiaomi\n  api_key: {key('c')}\nhermes_watch:\n  env_files: [extra.env]\n"
    env = f"XIAOMI_API_KEY={key('e')}\n" if dice.random() < 0.9 else "# nothing\n"
    return {"config.yaml": config + "# filler\n" * dice.randrange(50), ".env": env + f"OTHER={number}\n",
            "extra.env": f"DEEPSEEK_API_KEY={key('x')}\n"}


# --- ways to edit: each leaves TEXT, whole, at PATH ---

def in_place(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(fd, data)
    os.close(fd)


def slowly(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    while data:
        piece = dice.randrange(1, 40)
        os.write(fd, data[:piece])
        os.fsync(fd)
        time.sleep(dice.random() * 0.01)
        data = data[piece:]
    os.close(fd)


def over_it(path, data):
    beside = path.with_name(path.name + ".new")
    in_place(beside, data)
    os.rename(beside, path)


def vim_like(path, data):
    if path.exists():
        os.rename(path, path.with_name(path.name + "~"))
    in_place(path, data)


def deleted_first(path, data):
    path.unlink(missing_ok=True)
    time.sleep(dice.random() * 0.05)
    in_place(path, data)


def through_a_hard_link(path, data):
    if path.is_symlink() or not path.exists():
        return in_place(path, data)
    other = path.parent.parent / f"hard-{path.name}"
    other.unlink(missing_ok=True)
    os.link(path, other)
    in_place(other, data)


def mapped(path, data):
    with open(path, "r+b" if path.exists() else "w+b") as file:
        file.truncate(len(data))
        os.fchmod(file.fileno(), 0o600)
        memory = mmap.mmap(file.fileno(), len(data))
    for at in range(0, len(data), 64):
        memory[at:at + 64] = data[at:at + 64]
        time.sleep(dice.random() * 0.005)
    memory.close()


def cut_by_path(path, data):
    in_place(path, data + b"# too much\n")
    os.truncate(path, len(data))


def in_a_burst(path, data):
    for _ in range(dice.randrange(5, 60)):
        in_place(path, data + b"# %d\n" % dice.randrange(1000))
    dice.choice([in_place, over_it])(path, data)


def through_links(path, data):
    """As Kubernetes does it: the file leads over ..data, which is swapped."""
    store = path.parent.parent / f"store-{path.name}"
    version = store / f"..{dice.randrange(1 << 30)}"
    version.mkdir(parents=True)
    in_place(version / path.name, data)
    os.symlink(version.name, store / "..data_tmp")
    os.rename(store / "..data_tmp", store / "..data")
    for old in store.glob("..*"):
        if old.name not in (version.name, "..data"):
            shutil.rmtree(old)
    if not path.is_symlink():
        os.symlink(store / "..data" / path.name, path.with_name("link.new"))
        os.rename(path.with_name("link.new"), path)


def broken_first(path, data):
    in_place(path, b"model: [\n" + data)
    time.sleep(dice.random() * 0.1)
    over_it(path, data)


def from_git(path, data):
    git = ["git", "-C", path.parent, "-c", "user.name=t", "-c", "user.email=t@t.invalid"]
    run = lambda *args: subprocess.run([*git, *args], check=True, capture_output=True)
    if path.is_symlink():
        return over_it(path, data)
    if not (path.parent / ".git").exists():
        run("init", "-q")
    in_place(path, data)
    run("add", "-f", path.name)
    run("commit", "-q", "--allow-empty", "-m", "x")
    run("stash", "clear")
    in_place(path, data + b"# not committed\n")
    run("stash", "-q")


WAYS = [in_place, slowly, over_it, vim_like, deleted_first, through_a_hard_link, mapped, cut_by_path, in_a_burst,
        through_links, broken_first, from_git]


class Far:
    """A second home, behind a server of FUSE that hangs and dies."""

    def __init__(self, root):
        self.below, self.above = root / "below", root / "above"
        self.path, self.key, self.server = self.above / "far", None, None
        (self.below / "far").mkdir(mode=0o700, parents=True)
        self.above.mkdir()
        self.mount()
        self.edit()

    def mount(self):
        self.server = subprocess.Popen(["bindfs", "-f", self.below, self.above], stderr=subprocess.DEVNULL)
        while not os.path.ismount(self.above):
            assert self.server.poll() is None, "bindfs does not run here"
            time.sleep(0.002)

    def edit(self, folder=None):
        self.key = f"sk-test-soak-far-{dice.randrange(10 ** 9):09}"
        over_it((folder or self.path) / "config.yaml", f"model:\n  provider: xiaomi\n  api_key: {self.key}\n".encode())

    def hangs(self):
        self.server.send_signal(signal.SIGSTOP)
        time.sleep(dice.choice([0, 0.1, 1, 4]) * dice.random())
        self.server.send_signal(signal.SIGCONT)
        self.edit(dice.choice([None, self.below / "far"]))

    def dies(self):
        self.server.kill()
        self.server.wait()
        time.sleep(dice.choice([0, 0.1, 1]) * dice.random())
        subprocess.run(["umount", "-l", self.above])
        time.sleep(dice.choice([0, 0.1]) * dice.random())
        self.mount()
        self.edit()

    def agrees(self):
        try:
            return self.key in (self.below / "far/compiled/snapshot.json").read_text()
        except OSError:
            return False

    def close(self):
        self.server.kill()
        self.server.wait()
        subprocess.run(["umount", "-l", self.above])


class Soak:
    def __init__(self):
        self.home = Home()
        self.root = self.home.root
        if MOUNTS:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", self.root], check=True)
            self.home.path.mkdir(mode=0o700)
        self.log = open(self.root / "watch.log", "ab+") if not MOUNTS else open("/dev/null", "ab")
        self.edits = self.checks = self.number = self.kills = 0
        self.process, self.sizes, self.worst = None, [], (0, 0)
        self.counts = {}
        self.far = Far(self.root) if MOUNTS and shutil.which("bindfs") and os.path.exists("/dev/fuse") else None
        for name, text in texts(0).items():
            self.home.write(name, text)
        self.start()

    def start(self):
        """Every other one may watch a few things only, in a user namespace of its own, and must look at the rest."""
        few = ["unshare", "-Ur", "sh", "-c",
               f'echo {dice.randrange(14)} >/proc/sys/user/max_inotify_watches && exec "$@"', "sh"]
        prefix = few if NAMESPACES and self.kills % 2 == 1 else []
        homes = [self.home.path, *([self.far.path] if self.far else [])]
        self.process = subprocess.Popen([*prefix, WATCH, *(f"--home={home}" for home in homes)], env=self.home.env,
                                        stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log)
        self.started, self.sizes = time.monotonic(), []

    # --- faults ---

    def killed(self):
        if time.monotonic() < self.started + SECONDS / 10:
            return  # each is to live long enough to show a leak
        self.process.kill()
        self.process.wait()
        self.kills += 1
        self.start()

    def killed_in_a_container(self):
        """Where the processes have the same numbers at every start."""
        if not MOUNTS:
            return
        namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self.all_anew()
        with subprocess.Popen([*namespace, COMPILE, "--quiet", "--home", self.home.path], env=self.home.env,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            time.sleep(dice.random() * 0.02)
            process.kill()

    def far_edited(self):
        if self.far:
            self.far.edit()

    def far_hangs(self):
        if self.far:
            self.far.hangs()

    def far_dies(self):
        if self.far:
            self.far.dies()

    def lock_held(self):
        with open(self.home.path / "auth.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.edit()
            time.sleep(dice.random() * 0.3)

    def hermes_writes(self):
        path = self.home.path / "auth.json"
        with open(self.home.path / "auth.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                return
            store = json.loads(path.read_text())
            store["counter"] = store.get("counter", 0) + 1
            for entries in store.get("credential_pool", {}).values():
                for entry in entries:
                    entry["request_count"] = entry.get("request_count", 0) + 1
                    if dice.random() < 0.1:
                        entry.update(last_status="exhausted", last_status_at=time.time(), last_error_code=429)
            beside = self.home.path / "auth.json.tmp.1"
            beside.write_text(json.dumps(store, indent=2) + "\n")
            beside.chmod(0o600)
            os.rename(beside, path)

    def disk_full(self):
        if not MOUNTS:
            return
        with open(self.root / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 65536)
            except OSError:
                pass
            try:
                while True:
                    filler.write(b"x" * 512)
            except OSError:
                pass
        try:
            for name, text in texts(self.number).items():
                with open(self.home.path / name, "r+b") as file:  # room for as many bytes is there
                    file.write(text.encode()[:1])
        except OSError:
            pass
        time.sleep(dice.random() * 0.2)
        (self.root / "filler").unlink()
        self.all_anew()

    def home_moved(self):
        away = self.root / "away"
        os.rename(self.home.path, away)
        time.sleep(dice.random() * 0.1)
        in_place(away / ".env", texts(self.number)[".env"].encode())
        os.rename(away, self.home.path)

    def home_deleted(self):
        shutil.rmtree(self.home.path, ignore_errors=True)
        shutil.rmtree(self.home.path, ignore_errors=True)  # our own writing was in between
        self.home.path.mkdir(mode=0o700, exist_ok=True)
        self.all_anew()

    def derived_deleted(self):
        shutil.rmtree(self.home.path / "compiled", ignore_errors=True)

    def hung_up(self):
        if self.sizes:  # it is through its start, and minds signals
            self.process.send_signal(signal.SIGHUP)

    # --- edits and the oracle ---

    def all_anew(self):
        self.number += 1
        for name, text in texts(self.number).items():
            over_it(self.home.path / name, text.encode())

    def edit(self):
        self.number += 1
        name, text = dice.choice(list(texts(self.number).items()))
        way = dice.choice(WAYS)
        if way is broken_first and name != "config.yaml":
            way = in_place
        self.counts[way.__name__] = self.counts.get(way.__name__, 0) + 1
        way(self.home.path / name, text.encode())
        self.edits += 1

    def fault(self):
        faults = [(self.hermes_writes, 12), (self.lock_held, 3), (self.killed, 1), (self.disk_full, 1),
                  (self.home_moved, 1), (self.home_deleted, 1), (self.derived_deleted, 1), (self.hung_up, 2),
                  (self.killed_in_a_container, 2), (self.far_edited, 3), (self.far_hangs, 1), (self.far_dies, 1)]
        fault = dice.choices([f for f, _ in faults], [w for _, w in faults])[0]
        self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
        fault()

    def expected(self):
        copy = Home()
        try:
            for name in ("config.yaml", ".env", "extra.env"):
                source = self.home.path / name
                if source.exists():
                    copy.write(name, source.read_bytes()).chmod(source.stat().st_mode & 0o777)
            code, _, said = copy.compile("--quiet")
            assert code == 0, said
            text = json.dumps(copy.snapshot()["content"])  # help texts name the home
            return json.loads(text.replace(str(copy.path), str(self.home.path)).replace(str(copy.root), str(self.root)))
        finally:
            copy.close()

    def published(self):
        try:
            return self.home.snapshot()["content"]
        except (FileNotFoundError, ValueError):
            return None

    def agrees(self, expected):
        return self.published() == expected and self.home.compile("--diff", "--quiet")[0] == 0

    def check(self):
        expected, deadline = self.expected(), time.monotonic() + PATIENCE
        while not self.agrees(expected) or (self.far and not self.far.agrees()):
            assert self.process.poll() is None, f"hermes-watch ended with {self.process.returncode}"
            if time.monotonic() > deadline:
                assert not self.far or self.far.agrees(), "the home behind FUSE is not as it should be"
                live = self.published()
                differs = [name for name in expected if live is None or live.get(name) != expected[name]]
                raise AssertionError(f"{differs} differ after {PATIENCE} s: {self.home.compile('--diff')}")
            time.sleep(0.02)
        self.checks += 1
        self.measure()

    def measure(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        rss = int(status.split("VmRSS:")[1].split()[0])
        fds = 0
        for fd in os.listdir(f"/proc/{self.process.pid}/fd"):
            try:  # a home that is away is not locked
                fds += not os.readlink(f"/proc/{self.process.pid}/fd/{fd}").endswith("watch.lock")
            except OSError:
                pass
        self.sizes.append((rss, fds))
        half = len(self.sizes) // 2
        if half >= 10:  # the least of each half: more is open, and in memory, while it compiles
            grown = [min(size[i] for size in self.sizes[half:]) - min(size[i] for size in self.sizes[:half])
                     for i in (0, 1)]
            self.worst = max(self.worst[0], grown[0]), max(self.worst[1], grown[1])

    def run(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for _ in range(dice.randrange(1, 12)):
                self.edit() if dice.random() < 0.8 else self.fault()
                time.sleep(dice.choice([0, 0, 0.001, 0.02, 0.05]) * dice.random() * 2)
            self.check()
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0
        self.all_anew()
        assert self.home.compile("--quiet")[0] == 0
        left = [path for path in self.home.path.rglob(".hermes-compile.*")]
        assert not left, left
        assert b"sk-test" not in self.home.printed

    def close(self):
        self.process.kill()
        self.process.wait()
        if self.far:
            self.far.close()
        if MOUNTS:
            subprocess.run(["umount", "-l", self.root])
        self.home.close()


soak = Soak()
try:
    soak.run()
except BaseException:
    print(f"seed {SEED}, after {soak.edits} edits: {soak.counts}")
    raise
finally:
    soak.close()
print(f"{soak.edits} edits, {soak.checks} times quiet and as the oracle says, {soak.kills} kills; "
      f"grown by {soak.worst[0]} KB and "
      f"{soak.worst[1]} descriptors\n{soak.counts}")
# A sanitizer keeps what was freed.
assert (soak.worst[0] < 1024 or "asan" in str(WATCH)) and soak.worst[1] == 0, "a leak"
