"""The units under a real user manager, in a mount namespace of its own: start, state, an edit, reload, a broken file,
restart after a kill and after a hang, stop; the template for profiles; --install and --uninstall; what hermes_watch
asks for from within the unit's filters. The journal's sockets are ours, so that every byte that would reach the journal
is seen."""
import http.server, os, pathlib, queue, shutil, signal, socket, subprocess, sys, tempfile, threading, time, unittest
import urllib.request

from harness import BUILD, PATIENCE, WATCH, Home, Loopback

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


class Case(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.path = self.home.root / ".hermes"
        self.home.path.mkdir(mode=0o700)
        self.home.write("config.yaml", config(KEYS[0]))
        self.units = self.home.root / ".config/systemd/user"
        self.units.mkdir(parents=True)
        self.prepare()
        self.journal = Journal(pathlib.Path("/run/systemd/journal"))
        self.runtime = tempfile.mkdtemp(prefix="hermes-runtime-", dir="/run")
        self.env = dict(self.home.env, XDG_RUNTIME_DIR=self.runtime)
        self.manager = subprocess.Popen([MANAGER, "--user"], env=self.env, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        private = pathlib.Path(self.runtime, "systemd/private")
        self.until(private.exists)

    def prepare(self):
        pass

    def drop_in(self, unit, text):
        folder = self.units / (unit + ".d")
        folder.mkdir(exist_ok=True)
        (folder / f"{len(list(folder.iterdir()))}.conf").write_text("[Service]\n" + text)

    def copy(self, unit, arguments=""):
        """As it is installed, but with the program of this build."""
        shutil.copy(BUILD / unit, self.units)
        # LeakSanitizer would trace its own process, which the unit's filter forbids.
        self.drop_in(unit,
                     f"ExecStart=\nExecStart={WATCH.resolve()}{arguments}\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n")

    def tearDown(self):
        self.systemctl("exit", check=False)
        self.manager.wait(PATIENCE)
        self.manager.stdout.close()
        shutil.rmtree(self.runtime, ignore_errors=True)
        everything = self.journal.seen + self.home.printed
        shutil.rmtree("/run/systemd/journal")
        self.home.close()
        for key in (*KEYS, "sk-test"):
            self.assertNotIn(key.encode(), everything)

    def until(self, fits):
        """The manager tells nobody when it has read a datagram: ask until it says so."""
        end = time.monotonic() + PATIENCE
        while not fits():
            self.assertLess(time.monotonic(), end, self.show() + "\n"
                            + self.journal.seen.decode(errors="replace")[-3000:])

    def systemctl(self, *args, check=True):
        done = subprocess.run(["systemctl", "--user", *args], env=self.env, capture_output=True, text=True)
        self.home.printed += (done.stdout + done.stderr).encode()
        if check:
            self.assertEqual(done.returncode, 0, done.stderr + self.journal.seen.decode(errors="replace")[-3000:])
        return done.stdout

    unit = "hermes-watch"

    def show(self, *names):
        names = names or ("ActiveState", "SubState", "StatusText", "NRestarts", "Result", "MainPID")
        return self.systemctl("show", self.unit, "-p", ",".join(names), check=False)

    def status(self, *words):
        self.until(lambda: all(word in self.show("StatusText") for word in words))

    def main_pid(self):
        return int(self.show("MainPID").split("=")[1])


class Unit(Case):
    def prepare(self):
        self.copy("hermes-watch.service")

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
        self.until(lambda: b"config.yaml:5:11: error[yaml-syntax]" in self.journal.seen)
        os.kill(first, signal.SIGKILL)
        self.home.write("config.yaml", config(KEYS[2]))
        self.until(lambda: "NRestarts=1" in self.show() and "SubState=running" in self.show())
        self.status("generation 3")
        self.systemctl("stop", "hermes-watch")
        self.assertIn("Result=success", self.show())
        self.assertIn("ActiveState=inactive", self.show())
        self.assertIn(b"generation 3", self.journal.seen)

    def test_a_hang_ends_in_a_restart(self):
        self.drop_in("hermes-watch.service", "WatchdogSec=1\n")
        self.systemctl("daemon-reload")
        self.systemctl("start", "hermes-watch")
        first = self.main_pid()
        os.kill(first, signal.SIGSTOP)
        self.until(lambda: "NRestarts=1" in self.show() and "SubState=running" in self.show())
        self.assertNotEqual(self.main_pid(), first)


class RelayUnit(Case):
    unit = "hermes-relay.service"

    def prepare(self):
        self.home.compile()
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        shutil.copy(BUILD / "hermes-relay.service", self.units)
        socket_unit = (pathlib.Path(__file__).parents[2] / "runtime/relay/hermes-relay.socket").read_text()
        (self.units / "hermes-relay.socket").write_text(socket_unit.replace(":4137", f":{self.port}"))
        # The home of a test lies below /tmp, which the unit has for itself; so may the programs.
        self.drop_in("hermes-relay.service",
                     f"ExecStart=\nExecStart={(BUILD / 'hermes-relay').resolve()}\nBindPaths={self.home.root}\n"
                     f"BindReadOnlyPaths={BUILD.resolve()}\n"
                     f"ReadWritePaths={self.home.path}\nEnvironment=ASAN_OPTIONS=detect_leaks=0\nWatchdogSec=3\n")

    def health(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=PATIENCE) as answer:
            return answer.status

    def test_it_runs_confined_and_is_restarted_when_it_hangs(self):
        self.systemctl("start", "hermes-relay.socket")
        self.assertEqual(self.health(), 200)
        self.until(lambda: "SubState=running" in self.show())
        self.assertTrue((self.home.path / "compiled/relay.token").exists())
        first = self.main_pid()
        os.kill(first, signal.SIGSTOP)
        self.until(lambda: "NRestarts=1" in self.show() and "SubState=running" in self.show())
        self.assertEqual(self.health(), 200)
        self.systemctl("stop", "hermes-relay.socket", "hermes-relay.service")
        self.assertIn("Result=success", self.show())


class Template(Case):
    unit = "hermes-watch@work"

    def prepare(self):
        profile = self.home.path / "profiles/work"
        profile.mkdir(parents=True, mode=0o700)
        self.home.write("profiles/work/config.yaml", config(KEYS[1]))
        self.copy("hermes-watch@.service", " --home %h/.hermes/profiles/%i")

    def test_a_profile(self):
        self.assertIn("/hermes-watch --home %h/.hermes/profiles/%i\n",
                      (self.units / "hermes-watch@.service").read_text())
        self.systemctl("start", self.unit)
        self.status("generation 1", "/profiles/work")
        self.assertIn("hermes-gateway-work.service", self.show("Before"))
        self.assertTrue((self.home.path / "profiles/work/compiled/snapshot.json").exists())
        self.assertFalse((self.home.path / "compiled").exists())


class Reactions(Case):
    """From within the unit's filters: hermes-http reaches the network, and a gateway is reloaded."""

    GATEWAY = """[Service]
Type=exec
ExecStart=/bin/sleep 1000
Environment=XIAOMI_API_KEY={key}
ExecReload=/bin/sh -c 'echo reloaded >>%h/reloads'
"""

    def prepare(self):
        self.copy("hermes-watch.service")
        (self.units / "hermes-gateway.service").write_text(self.GATEWAY.format(key=KEYS[0]))
        self.asked = queue.Queue()
        case = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                case.asked.put(self.path)
                self.send_response(401 if KEYS[2] in self.headers["Authorization"] else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = Loopback(Handler).start()

    def tearDown(self):
        self.server.close()
        super().tearDown()

    def write(self, key, more=""):
        self.home.write("config.yaml",
                        f"model:\n  provider: xiaomi\n  base_url: http://localhost:{self.server.port}/v1\n"
                                       f"hermes_watch: {{reload_unit: hermes-gateway.service, require_probe: true}}\n"
                                       + more)
        self.home.write(".env", f"XIAOMI_API_KEY={key}\n")

    def reloads(self):
        path = self.home.root / "reloads"
        return path.read_text().count("reloaded") if path.exists() else 0

    def test_probe_and_reload(self):
        self.write(KEYS[0])
        self.systemctl("start", "hermes-gateway", "hermes-watch")
        self.status("generation 1")
        self.write(KEYS[2])
        self.status("kept", "key-refused")
        self.assertEqual(self.asked.get(timeout=PATIENCE), "/v1/models")
        self.write(KEYS[1])  # the gateway was started with the old one
        self.until(lambda: self.reloads() == 1)
        self.assertIn(b"hermes-gateway.service was started with XIAOMI_API_KEY", self.journal.seen)
        self.status("generation 2")
        more = "agent:\n  max_turns: 3\n"
        self.write(KEYS[1], more)  # no key changed
        self.status("generation 3")
        self.write(KEYS[0], more)  # the one that the gateway has
        self.status("generation 4")
        route = "platforms: {api_server: {extra: {model_routes: {fast: {model: m, api_key: %s}}}}}\n"
        self.write(KEYS[0], more + route % "sk-test-route-0001")  # what its API server did not find
        self.until(lambda: self.reloads() == 2)
        self.assertIn(b"platforms.api_server.extra.model_routes.fast.api_key, which has changed", self.journal.seen)
        self.status("generation 5")
        self.write(KEYS[0], more + route % "sk-test-route-0001" + "timezone: UTC\n")  # it has been told
        self.status("generation 6")
        self.systemctl("stop", "hermes-gateway")
        self.write(KEYS[1], more + route % "sk-test-route-0002")  # there is nothing to reload
        self.status("generation 7")
        self.systemctl("stop", "hermes-watch")
        self.assertEqual(self.reloads(), 2)
        self.assertNotIn(b"cannot be reloaded", self.journal.seen)


class Install(Case):
    def watch(self, *args, env=None):
        done = subprocess.run([WATCH, *args], env=env or self.env, capture_output=True, text=True, timeout=PATIENCE)
        self.home.printed += (done.stdout + done.stderr).encode()
        return done.returncode, done.stdout, done.stderr

    def test_install_and_uninstall(self):
        unit = self.units / "hermes-watch.service"
        self.drop_in("hermes-watch.service", "Environment=ASAN_OPTIONS=detect_leaks=0\n")
        code, out, err = self.watch("--install", "--now")
        self.assertEqual((code, err.replace("Created symlink", "")[:1] in ("", " ")), (0, True), err)
        for line in ("daemon-reload", "enable hermes-watch.service", "restart hermes-watch.service"):
            self.assertIn(f"systemctl --user {line}\n", out)
        self.assertIn(f'\nExecStart="{WATCH.resolve()}"\n', unit.read_text())
        self.assertIn("WatchdogSec=", unit.read_text())
        self.status("generation 1")
        self.assertIn("enabled", self.systemctl("is-enabled", "hermes-watch"))
        first, inode = self.main_pid(), unit.stat().st_ino
        code, out, _ = self.watch("--install", "--now")
        self.assertEqual((code, self.main_pid(), unit.stat().st_ino), (0, first, inode))
        self.assertIn("is unchanged", out)
        other = self.home.root / "a home with % and $"
        other.mkdir(mode=0o700)
        (other / "config.yaml").write_text(config(KEYS[1]))
        self.assertEqual(self.watch("--install", "--now", "--home", other)[0], 0)
        self.status("generation 1", str(other))
        first = self.main_pid()
        self.assertEqual(self.watch("--install", "--home", other, "--profiles")[0], 0)
        self.assertEqual(self.main_pid(), first)
        self.assertEqual(self.watch("--install", "--home", other, "--profiles", "--now")[0], 0)  # as it is written now
        self.assertNotEqual(self.main_pid(), first)
        code, out, _ = self.watch("--uninstall")
        self.assertEqual(code, 0)
        self.assertIn("was removed\nThe pool keeps hermes-watch's entries; hermes-compile --withdraw removes them.\n",
                      out)
        self.assertFalse(unit.exists())
        self.assertIn("inactive", self.systemctl("is-active", "hermes-watch", check=False))
        self.assertEqual(list(self.units.glob("*.wants/*")), [])
        self.assertEqual(self.watch("--uninstall")[0], 0)

    def test_a_unit_that_is_a_link_to_a_folder_of_settings(self):
        unit, kept = self.units / "hermes-watch.service", self.home.root / "kept.service"
        self.assertEqual(self.watch("--install")[0], 0)
        os.rename(unit, kept)
        unit.symlink_to(kept)
        self.assertEqual(self.watch("--install", "--quiet")[0], 0)
        self.assertTrue(unit.is_symlink())
        self.assertIn(" --quiet\n", kept.read_text())
        code, out, err = self.watch("--uninstall")
        self.assertEqual((code, "hermes-watch:" in err), (0, False), err)
        self.assertIn(f"{unit} was removed\n", out)
        self.assertFalse(os.path.lexists(unit))

    def test_somebody_elses_unit_is_left_alone(self):
        unit = self.units / "hermes-watch.service"
        unit.write_text("[Service]\nExecStart=/bin/true\n")
        for option in ("--install", "--uninstall"):
            code, _, err = self.watch(option)
            self.assertEqual(code, 4)
            self.assertIn("was not written by --install", err)
        self.assertEqual(unit.read_text(), "[Service]\nExecStart=/bin/true\n")

    def test_without_a_user_manager(self):
        env = {name: value for name, value in self.env.items() if name != "XDG_RUNTIME_DIR"}
        code, out, err = self.watch("--install", "--now", env=env)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("when you are logged in, run:\nsystemctl --user daemon-reload\n", out)
        self.assertNotIn("waits for", out)
        self.assertIn("/nowhere does not exist yet; hermes-watch waits for it\n",
                      self.watch("--install", "--home", "/nowhere", env=env)[1])
        self.assertTrue((self.units / "hermes-watch.service").exists())
        self.assertEqual(list(self.units.glob("*.wants/*")), [])
        code, out, err = self.watch("--uninstall", env=env)
        self.assertEqual((code, err), (0, ""))
        self.assertTrue(out.endswith("when you are logged in, run:\nsystemctl --user stop hermes-watch.service\n"
                                     "systemctl --user disable hermes-watch.service\nsystemctl --user daemon-reload\n"),
                                     out)


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
