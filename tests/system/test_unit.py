"""hermes-watch.service under a real user manager, in a mount namespace of its own: start, state, an edit, reload, a broken
file, restart after a kill, stop. The journal's sockets are ours, so that every byte that would reach the journal is seen."""
import os, pathlib, shutil, signal, socket, subprocess, sys, tempfile, threading, time, unittest

from harness import BUILD, PATIENCE, WATCH, Home

MANAGER = pathlib.Path("/lib/systemd/systemd")
KEYS = ("sk-test-unit-aaaa-1", "sk-test-unit-bbbb-2", "sk-test-unit-cccc-3")


def config(key):
    return f"model:\n  provider: xiaomi\n  default: mimo\n  api_key: {key}\n"


class Journal:
    """What journald would be sent: the stream of standard output and the datagrams of the native protocol."""

    def __init__(self, folder):
        folder.mkdir()
        self.seen = b""
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.bind(str(folder / "stdout"))
        self.stream.listen(16)
        self.native = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.native.bind(str(folder / "socket"))
        threading.Thread(target=self.accept, daemon=True).start()
        threading.Thread(target=self.read, args=(self.native,), daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.read, args=(self.stream.accept()[0],), daemon=True).start()

    def read(self, end):
        with end:
            while data := end.recv(65536):
                self.seen += data


class Unit(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.path = self.home.root / ".hermes"
        self.home.path.mkdir(mode=0o700)
        self.home.write("config.yaml", config(KEYS[0]))
        folder = self.home.root / ".config/systemd/user"
        folder.mkdir(parents=True)
        shutil.copy(BUILD / "hermes-watch.service", folder)
        (folder / "hermes-watch.service.d").mkdir()
        # LeakSanitizer would trace its own process, which the unit's filter forbids.
        (folder / "hermes-watch.service.d/here.conf").write_text(
            f"[Service]\nExecStart=\nExecStart={WATCH.resolve()}\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n")
        self.journal = Journal(pathlib.Path("/run/systemd/journal"))
        self.runtime = tempfile.mkdtemp(prefix="hermes-runtime-", dir="/run")
        self.env = dict(self.home.env, XDG_RUNTIME_DIR=self.runtime)
        self.manager = subprocess.Popen([MANAGER, "--user"], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        private = pathlib.Path(self.runtime, "systemd/private")
        self.until(private.exists)

    def tearDown(self):
        self.systemctl("exit", check=False)
        self.manager.wait(PATIENCE)
        self.manager.stdout.close()
        shutil.rmtree(self.runtime, ignore_errors=True)
        self.home.close()

    def until(self, fits):
        """The manager tells nobody when it has read a datagram: ask until it says so."""
        end = time.monotonic() + PATIENCE
        while not fits():
            self.assertLess(time.monotonic(), end, self.show() + "\n" + self.journal.seen.decode(errors="replace")[-3000:])

    def systemctl(self, *args, check=True):
        done = subprocess.run(["systemctl", "--user", *args], env=self.env, capture_output=True, text=True)
        self.home.printed += (done.stdout + done.stderr).encode()
        if check:
            self.assertEqual(done.returncode, 0, done.stderr + self.journal.seen.decode(errors="replace")[-3000:])
        return done.stdout

    def show(self, *names):
        names = names or ("ActiveState", "SubState", "StatusText", "NRestarts", "Result", "MainPID")
        return self.systemctl("show", "hermes-watch", "-p", ",".join(names), check=False)

    def status(self, *words):
        self.until(lambda: all(word in self.show("StatusText") for word in words))

    def main_pid(self):
        return int(self.show("MainPID").split("=")[1])

    def test_life(self):
        self.systemctl("start", "hermes-watch")
        self.assertIn("SubState=running", self.show())
        self.status("generation 1")
        self.home.write("config.yaml", config(KEYS[1]))
        self.status("generation 2")
        first = self.main_pid()
        self.home.printed += pathlib.Path(f"/proc/{first}/cmdline").read_bytes()
        self.systemctl("reload", "hermes-watch")
        self.assertEqual(self.main_pid(), first)
        self.home.write("config.yaml", config(KEYS[2]) + "  broken: [\n")
        self.status("kept", "yaml-syntax")
        self.until(lambda: b"config.yaml:6:1: error[yaml-syntax]" in self.journal.seen)
        os.kill(first, signal.SIGKILL)
        self.home.write("config.yaml", config(KEYS[2]))
        self.until(lambda: "NRestarts=1" in self.show() and "SubState=running" in self.show())
        self.status("generation 3")
        self.systemctl("stop", "hermes-watch")
        self.assertIn("Result=success", self.show())
        self.assertIn("ActiveState=inactive", self.show())
        everything = self.journal.seen + self.home.printed
        for key in (*KEYS, "sk-test"):
            self.assertNotIn(key.encode(), everything)
        self.assertIn(b"generation 3", self.journal.seen)


def enter():
    """A mount namespace with a /run/systemd and a cgroup tree of our own, and this test in it."""
    if os.geteuid() != 0 or not MANAGER.exists() or not shutil.which("unshare"):
        return "no systemd, or not root"
    probe = ["unshare", "-m", "--propagation", "private", "sh", "-c",
             "mount -t tmpfs tmpfs /run/systemd && umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup"]
    done = subprocess.run(probe, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


INSIDE = """
set -e
mkdir -p /run/systemd
mount -t tmpfs -o mode=755 tmpfs /run/systemd
mkdir /run/systemd/system
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
group=/sys/fs/cgroup/hermes-test-$$
mkdir $group $group/manager
home=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
echo $$ >$group/manager/cgroup.procs
set +e
python3 "$0" --inside
code=$?
echo $$ >$home/cgroup.procs
find $group -depth -type d -exec rmdir {} +
exit $code
"""

if __name__ == "__main__":
    if sys.argv[1:] == ["--inside"]:
        del sys.argv[1]
        unittest.main()
    elif why := enter():
        print("SKIP: no user manager can be run here:", why)
        sys.exit(77)
    else:
        sys.exit(subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", INSIDE, __file__]).returncode)
