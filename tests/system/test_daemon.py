"""hermes-watch as a daemon: it can always say how it is, to systemd, to the journal, to programs and to Prometheus."""
import fcntl, json, os, pathlib, re, select, shutil, signal, socket, stat, subprocess, sys, termios
import time, unittest

from harness import PATIENCE, Home, Watch, fingerprint, has_own_mounts

KEYS = ("sk-test-daemon-1", "sk-test-daemon-2", "sk-test-daemon-3")


def config(key):
    return f"model:\n  provider: xiaomi\n  api_key: {key}\n"


def huge(key):
    return config(key) + "".join(f"section{i}: {{name: some words of a usual length {i}}}\n" for i in range(40000))


def parse_metrics(text):
    """The text form of Prometheus, as strictly as its own parser: {(name, ((label, value), ...)): number}."""
    values, typed = {}, set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if comment := re.fullmatch(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line):
            if comment[1] == "TYPE":
                assert comment[3] == "gauge" and comment[2] not in typed, line
                typed.add(comment[2])
            continue
        sample = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} (\S+)', line)
        assert sample and sample[1] in typed, line
        labels = re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', sample[2])
        unescape = lambda value: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
        key = sample[1], tuple((name, unescape(value)) for name, value in labels)
        assert key not in values, line
        values[key] = float(sample[3])
    return values


class Daemon(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.finish)
        self.home.write("config.yaml", config(KEYS[0]))

    def finish(self):
        for name in ("status.json", "metrics.prom"):
            self.home.printed += self.home.bytes_of("compiled/" + name) or b""
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def start(self, *args):
        watch = Watch(self.home, *args)
        self.addCleanup(watch.close)
        return watch

    def until(self, fits):
        """These files tell nobody when they are replaced: look until they say so."""
        end = time.monotonic() + PATIENCE
        while not (found := fits()):
            self.assertLess(time.monotonic(), end, (self.state(), self.metrics()))
            os.sched_yield()
        return found

    def state(self):
        text = self.home.bytes_of("compiled/status.json")
        return json.loads(text) if text else {}

    def metrics(self):
        text = self.home.bytes_of("compiled/metrics.prom")
        return parse_metrics(text.decode()) if text else {}

    def metric(self, name, **labels):
        key = "hermes_watch_" + name, (("home", str(self.home.path)), *labels.items())
        return self.metrics().get(key)

    def test_status_json(self):
        watch = self.start()
        state = self.until(self.state)
        self.assertEqual([state[name]
                          for name in ("format", "pid", "home", "state", "status", "generation", "providers",
                                                   "drift")],
                         [1, watch.process.pid, str(self.home.path), "ok", watch.status, 1, 1, []])
        self.assertRegex(state["started_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(stat.S_IMODE(os.stat(self.home.path / "compiled/status.json").st_mode), 0o600)
        self.home.write("config.yaml", config(KEYS[1]) + "  broken: [\n")
        broken = self.until(lambda: self.state().get("state") == "invalid" and self.state())
        self.assertEqual(broken["generation"], 1)
        self.assertLess(broken["last_success_at"], broken["last_compile_at"])
        self.assertGreater(broken["last_compile_at"], state["last_compile_at"])
        _, text, _ = self.home.compile("--check", "--format", "json")
        self.assertEqual(broken["diagnostics"], json.loads(text)["diagnostics"])
        _, text, _ = self.home.compile("--status")
        self.assertIn(f"hermes-watch: running (process {watch.process.pid})\n"
                      "  invalid: generation 1 kept: config.yaml:4", text)
        self.home.write("config.yaml", config(KEYS[1]))
        self.until(lambda: self.state()["state"] == "ok" and self.state()["generation"] == 2)

    def states(self):
        """What each way to ask says of the state, without what they add to it."""
        shown = re.search(r"hermes-watch: running .*\n  ([a-z-]+): ", self.home.compile("--status")[1])
        told = [dict(pairs)["state"] for (name, pairs), value in self.metrics().items()
                if name == "hermes_watch_state" and value == 1 and ("home", str(self.home.path)) in pairs]
        return [shown and shown[1], self.state().get("state"), *told]

    def test_metrics_and_status_use_the_same_words(self):
        self.start()
        self.until(lambda: self.states() == ["ok"] * 3)
        self.home.write("config.yaml", "model: [\n")
        self.until(lambda: self.states() == ["invalid"] * 3)
        self.assertEqual({dict(pairs)["state"] for name, pairs in self.metrics() if name == "hermes_watch_state"},
                         {"ok", "invalid", "held", "waiting", "degraded", "failed", "no-home"})

    def test_no_status_is_left_behind(self):
        watch = Watch(self.home)
        self.until(self.state)
        watch.close()
        self.assertEqual(self.state(), {})
        self.assertEqual(self.metric("running"), 0)
        self.assertIn("hermes-watch: not running", self.home.compile("--status")[1])

    def test_metrics(self):
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-daemon-env\n")
        self.start()
        self.until(self.metrics)
        self.assertEqual([self.metric(name) for name in ("running", "last_compile_success", "generation", "errors",
                                                         "drift_findings")], [1, 1, 1, 0, 0])
        self.assertEqual(self.metric("keys", provider="xiaomi"), 2)
        self.assertEqual(self.metric("usable_keys", provider="xiaomi"), 2)
        self.assertAlmostEqual(self.metric("last_compile_timestamp_seconds"), time.time(), delta=PATIENCE)
        modified = os.stat(self.home.path / "config.yaml").st_mtime
        path = str(self.home.path / "config.yaml")
        self.assertAlmostEqual(self.metric("source_modified_timestamp_seconds", path=path), modified, delta=0.001)
        self.home.write("config.yaml", "model: [\n")
        self.until(lambda: self.metric("last_compile_success") == 0)
        self.assertEqual([self.metric("generation"), self.metric("errors")], [1, 1])

    def test_a_cooling_key_is_not_usable_until_it_is(self):
        watch = self.start()
        store = json.loads((self.home.path / "auth.json").read_text())
        until = time.time() + 2
        store["credential_pool"]["xiaomi"][0].update(last_status="exhausted", last_status_at=time.time(),
                                                     last_error_code=429, last_error_reset_at=until)
        (self.home.path / "new").write_text(json.dumps(store))
        os.rename(self.home.path / "new", self.home.path / "auth.json")
        self.until(lambda: self.metric("usable_keys", provider="xiaomi") == 0)
        self.until(lambda: self.metric("usable_keys", provider="xiaomi") == 1)
        self.assertGreaterEqual(time.time(), until)
        self.assertTrue(watch.status)

    def test_labels_are_escaped(self):
        self.home.path = self.home.root / 'a "home" with \\ in it'
        self.home.path.mkdir(mode=0o700)
        self.home.write("config.yaml", config(KEYS[0]))
        self.start()
        self.until(self.metrics)
        self.assertEqual(self.metric("generation"), 1)

    def test_what_did_not_change_is_not_written_again(self):
        watch = self.start()
        self.until(self.metrics)
        self.until(self.state)
        before = [os.stat(self.home.path / "compiled" / name).st_ino for name in ("status.json", "metrics.prom")]
        for i in range(20):
            self.home.write(f"state-{i}.db", "Hermes writes here all day")
        other = self.home.root / "other"
        other.mkdir(mode=0o700)
        (other / "config.yaml").write_text(config(KEYS[1]))
        after = [os.stat(self.home.path / "compiled" / name).st_ino for name in ("status.json", "metrics.prom")]
        self.assertEqual(after, before)
        self.assertTrue(watch.status)

    def test_a_compile_that_changes_nothing_writes_nothing(self):
        """Else the daemon would be woken by its own files, for ever where they overflow its queue."""
        other = self.home.root / "other"
        other.mkdir(mode=0o700)
        (other / "config.yaml").write_text(config(KEYS[1]))
        watch = self.start("--home", self.home.path, "--home", other)
        state = lambda: json.loads((other / "compiled/status.json").read_text())
        self.until(lambda: self.metrics() and self.state() and (other / "compiled/status.json").exists() and
                   state()["drift_looked_at"] and self.state()["drift_looked_at"])
        names = os.listdir(self.home.path / "compiled")
        before = [os.stat(self.home.path / "compiled" / name).st_ino for name in names]
        os.chmod(self.home.path / "config.yaml", 0o400)  # an event that may mean a change
        for i in (2, 3):  # told at most once a second: what is told the second time comes after the other home's turn
            (other / "config.yaml").write_text(config(KEYS[i % 2]))
            self.until(lambda: state()["generation"] == i)
        self.assertEqual([os.stat(self.home.path / "compiled" / name).st_ino for name in names], before)
        self.assertTrue(watch.status)

    @unittest.skipUnless(shutil.which("strace"), "SKIP: needs strace")
    def test_a_signal_at_the_start_does_not_end_it(self):
        self.home.env["ASAN_OPTIONS"] = "detect_leaks=0"  # it cannot look for leaks beside a tracer
        for number in ("SIGHUP", "SIGUSR1"):
            watch = Watch(self.home, prefix=("strace", "-D", "-o", "/dev/null", "-e", "trace=epoll_create1", "-e",
                                             f"inject=epoll_create1:signal={number}:when=1"))
            self.assertIn("generation 1", watch.status if number == "SIGUSR1"
                          else watch.wait(lambda s: "generation" in s))
            watch.close()

    def test_drift_is_looked_at_and_told(self):
        (self.home.root / ".bashrc").write_text("export XIAOMI_API_KEY=sk-test-daemon-shell\n")
        watch = self.start()
        watch.wait(lambda status: "drift: 1 place differs" in status)
        finding = self.until(lambda: self.state()["drift"])[0]
        self.assertEqual(finding["found"], fingerprint("sk-test-daemon-shell"))
        self.assertIn(".bashrc", finding["where"])
        self.until(lambda: self.metric("drift_findings") == 1)
        looked = self.state()["drift_looked_at"]
        self.assertGreater(looked, self.state()["started_at"])
        self.assertIn(f"drift: 1 finding, last looked at {looked}", self.home.compile("--status")[1])

    def test_quiet_says_nothing_but_errors(self):
        (self.home.root / ".bashrc").write_text("export XIAOMI_API_KEY=sk-test-daemon-shell\n")
        watch = self.start("--quiet", "--home", self.home.path)
        watch.wait(lambda status: "drift: 1 place differs" in status)
        (self.home.root / ".bashrc").unlink()
        self.home.write("config.yaml", config(KEYS[1]) + "  base_url: ${NOWHERE}\n")
        watch.wait(lambda status: "unresolved-reference" in status)
        self.home.write("config.yaml", config(KEYS[2]))
        watch.wait(lambda status: status.startswith("generation 2,") and "drift" not in status)
        self.until(lambda: self.metric("drift_findings") == 0)
        said = [line for line in (self.home.root / "watch.log").read_text().splitlines() if not line.startswith(" ")]
        self.assertEqual([line.split(": ")[1] for line in said], ["error[unresolved-reference]"], said)

    def test_reload_says_when(self):
        watch = self.start()
        os.kill(watch.process.pid, signal.SIGHUP)
        datagram = watch.socket.recv(65536)
        self.assertRegex(datagram.decode(), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertIn(b"READY=1", watch.socket.recv(65536).splitlines())

    def test_sigusr1_compiles(self):
        watch = self.start()
        before = self.until(self.state)["last_compile_at"]
        os.kill(watch.process.pid, signal.SIGUSR1)
        self.until(lambda: self.state()["last_compile_at"] > before)

    def test_the_watchdog_is_answered_where_there_is_one(self):
        self.home.env["WATCHDOG_USEC"] = "200000"
        watch = self.start()
        while b"WATCHDOG=1" not in watch.socket.recv(65536):
            pass
        while b"WATCHDOG=1" not in watch.socket.recv(65536):
            pass

    def compiles_long(self, watch):
        """Returns while a compile is under way."""
        self.home.write("config.yaml", huge(KEYS[1]))
        tasks = pathlib.Path(f"/proc/{watch.process.pid}/task")
        self.until(lambda: len(list(tasks.iterdir())) > 1)

    def test_a_reload_is_not_through_with_a_compile_that_began_before_it(self):
        watch = self.start()
        self.compiles_long(watch)
        self.home.write("config.yaml", huge(KEYS[2]))
        os.kill(watch.process.pid, signal.SIGHUP)
        watch.wait(lambda status: status == "reloaded")
        self.assertEqual(self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]["secret"], KEYS[2])

    def test_what_another_program_is_writing_is_left_alone(self):
        """It may be one of another container, of whose process nothing can be seen here."""
        watch = self.start()
        beside = self.home.path / "compiled/.hermes-compile.snapshot.json.4194304.0"
        with open(self.home.path / "compiled/compile.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            beside.touch()
            self.home.write("config.yaml", config(KEYS[1]))
            self.until(lambda: self.state().get("state") == "waiting")
            self.assertTrue(beside.exists())
        watch.wait_generation(2)
        self.until(lambda: not beside.exists())

    def test_a_lock_that_cannot_be_had_is_told_once(self):
        """What holds nothing makes room for it."""
        lock = self.home.path / "compiled/watch.lock"
        lock.parent.mkdir(mode=0o700)
        for make, told in ((lambda: (lock / "inside").mkdir(parents=True), 1), (lock.mkdir, 0),
                           (lambda: lock.symlink_to("elsewhere"), 0)):
            make()
            watch = Watch(self.home)
            before = self.home.generation()
            self.home.write("config.yaml", config(KEYS[before % len(KEYS)]))
            watch.wait_generation(before + 1)
            said = (self.home.root / "watch.log").read_text()
            self.assertEqual(said.count(f"{lock} cannot be locked (Is a directory): a second hermes-watch would"),
                             told)
            self.assertEqual(lock.is_file(), not told)
            os.rename(lock, self.home.root / f"lock-{before}")
            watch.close()
            (self.home.root / "watch.log").unlink()

    def test_a_warning_is_said_when_it_comes_not_after_each_edit(self):
        watch = self.start()
        for number, more in ((2, "modle: 1\n"), (3, "modle: 1\nagnet: 1\n"), (4, "")):
            self.home.write("config.yaml", config(KEYS[0]) + more)
            watch.wait_generation(number)
        said = (self.home.root / "watch.log").read_text()  # each edit's before the next one's status
        for each in "[hermes-ignores]", "did you mean `model`", "did you mean `agent`":
            self.assertEqual(said.count(each), 1, said)

    def test_the_end_comes_at_once_mid_compile(self):
        watch = Watch(self.home)
        self.until(self.state)
        self.compiles_long(watch)
        watch.close()
        self.assertEqual((self.state(), self.metric("running")), ({}, 0))
        self.assertIn(self.home.generation(), (1, 2))
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual([name for name in os.listdir(self.home.path / "compiled") if name.startswith(".hermes")], [])

    def test_a_held_lock_does_not_delay_the_end(self):
        watch = Watch(self.home)
        with open(self.home.path / "auth.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.home.write("config.yaml", config(KEYS[1]))
            watch.wait(lambda status: "waiting for auth.lock" in status)
            self.until(lambda: self.state().get("state") == "waiting")
            watch.close()

    def test_a_manager_that_reads_no_more_delays_nothing(self):
        watch = Watch(self.home)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    other.sendto(b"STATUS=of somebody else", str(self.home.root / "notify"))
        for i in (2, 3, 4):
            self.home.write("config.yaml", config(f"sk-test-daemon-manager-{i}"))
            self.until(lambda: self.home.generation() == i)
        os.kill(watch.process.pid, signal.SIGHUP)
        self.assertEqual(self.home.compile()[0], 0)
        watch.ready = False
        watch.wait_generation(4)  # it reads again, and is told how things are by now
        self.assertTrue(watch.ready)
        watch.close()

    def test_a_terminal_that_is_stopped_delays_nothing(self):
        """^S, or a pager that nobody scrolls."""
        screen = self.home.root / "screen"
        os.mkfifo(screen)
        reader = os.open(screen, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        fcntl.fcntl(reader, getattr(fcntl, "F_SETPIPE_SZ", 1031), 4096)
        watch = Watch(self.home, prefix=("sh", "-c", 'exec "$@" 2>"$0"', screen))
        for i in range(2, 60):
            self.home.write("config.yaml", config(f"sk-test-daemon-screen-{i}"))
            watch.wait_generation(i)
        self.assertEqual(self.home.compile()[0], 0)  # no lock is held meanwhile
        said = os.read(reader, 65536)
        self.home.write("config.yaml", config("sk-test-daemon-screen-60"))
        while not re.search(rb" lines were lost: [^\n]*\n(.*\n)?generation 60\n", said, re.S):
            self.assertTrue(select.select([reader], [], [], PATIENCE)[0], said)
            said += os.read(reader, 65536)
        self.home.printed += said
        for i in range(61, 120):
            self.home.write("config.yaml", config(f"sk-test-daemon-screen-{i}"))
            watch.wait_generation(i)
        watch.close()

    @unittest.skipUnless(has_own_mounts(), "SKIP: needs a process namespace of its own")
    def test_one_that_cannot_be_seen_is_running(self):
        """A container has processes of its own."""
        self.start()
        self.until(self.state)
        container = ("unshare", "--pid", "--fork", "--mount-proc")
        said = self.home.compile("--status", prefix=container)[1]
        self.assertIn("hermes-watch: running (in another container)\n  ok: generation 1", said)
        self.assertIn("hermes-watch (running in another container) would put the entries back",
                      self.home.compile("--withdraw", prefix=container)[2])
        self.assertNotIn("not running", "".join(self.home.compile("--check", "--live", prefix=container)[1:]))

    def test_a_folder_that_is_opened_is_closed_again(self):
        self.start()
        folder = self.home.path / "compiled"
        for mode in (0o755, 0o770):
            folder.chmod(mode)
            self.until(lambda: stat.S_IMODE(folder.stat().st_mode) == 0o700)

    def test_it_ends_with_its_terminal_unless_it_is_to_stay(self):
        for prefix, stays in ((), False), (("nohup",), True):
            ours, terminal = os.openpty()
            watch = Watch(self.home, prefix=prefix, stdin=terminal, start_new_session=True,
                          preexec_fn=lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0))
            os.close(terminal)
            os.close(ours)
            if stays:
                before = self.home.generation()
                self.home.write("config.yaml", config(KEYS[before % len(KEYS)]))
                watch.wait_generation(before + 1)
                self.assertIsNone(watch.process.poll())
            else:
                self.assertEqual(watch.process.wait(PATIENCE), 0)
            watch.close()

    def test_a_profile_of_another_watcher_is_taken_up_when_that_ends(self):
        (self.home.path / "profiles/coder").mkdir(mode=0o700, parents=True)
        self.home.write("profiles/coder/config.yaml", config(KEYS[1]))
        (self.home.path / "profiles/coder/compiled").mkdir(mode=0o700)
        with open(self.home.path / "profiles/coder/compiled/watch.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            watch = Watch(self.home, "--home", self.home.path, "--profiles")
            self.addCleanup(watch.close)
            self.assertIn(f"process {os.getpid()} already watches", watch.status)
        watch.wait(lambda status: status.startswith("coder: generation 1,"))


def parse_entry(data):
    """journald's native protocol: NAME=value lines, or NAME, a length and that many bytes."""
    fields = {}
    while data:
        line, data = data.split(b"\n", 1)
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(data[:8], "little")
            value, data = data[8:8 + size], data[9 + size:]
        fields[name.decode()] = value.decode()
    return fields


class Journal(unittest.TestCase):
    """In a mount namespace with a /run/systemd/journal of our own."""

    def test_fields(self):
        folder = pathlib.Path("/run/systemd/journal")
        folder.mkdir(parents=True, exist_ok=True)
        journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        journal.bind(str(folder / "socket"))
        journal.settimeout(PATIENCE)
        self.addCleanup(journal.close)
        home = Home()
        self.addCleanup(home.close)
        home.write("config.yaml", config(KEYS[0]))
        log = open(home.root / "watch.log", "ab")
        self.addCleanup(log.close)
        where = os.fstat(log.fileno())
        home.env["JOURNAL_STREAM"] = f"{where.st_dev}:{where.st_ino}"
        watch = Watch(home)

        def entry(**wanted):
            while True:
                data = journal.recv(1 << 16)
                home.printed += data
                fields = parse_entry(data)
                if wanted.items() <= fields.items():
                    return fields

        added = entry(HERMES_PROVIDER="xiaomi")
        self.assertEqual(added["MESSAGE"], f"xiaomi: added {fingerprint(KEYS[0])} (config.yaml:3:12 model.api_key)")
        self.assertEqual([added["HERMES_HOME"], added["HERMES_GENERATION"], added["HERMES_FINGERPRINT"],
                          added["PRIORITY"],
                          added["SYSLOG_IDENTIFIER"]], [str(home.path), "1", fingerprint(KEYS[0]), "6", "hermes-watch"])
        home.write("config.yaml", config(KEYS[1]))
        rotated = entry(HERMES_GENERATION="2", HERMES_PROVIDER="xiaomi")
        self.assertIn(f"rotated {fingerprint(KEYS[0])} -> {fingerprint(KEYS[1])}", rotated["MESSAGE"])
        home.write("config.yaml", "model: [\n")
        broken = entry(HERMES_CODE="yaml-syntax")
        self.assertEqual([broken[name] for name in ("PRIORITY", "HERMES_GENERATION", "HERMES_SOURCE", "HERMES_LINE")],
                         ["3", "2", f"{home.path}/config.yaml", "1"])
        self.assertIn("config.yaml:1:8: error[yaml-syntax]", broken["MESSAGE"])
        watch.close()
        self.assertNotIn(b"sk-test", home.printed)


def namespace():
    inside = ["unshare", "-m", "--propagation", "private", "sh", "-c",
              'mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && exec "$@"', "sh"]
    works = os.geteuid() == 0 and shutil.which("unshare") and not subprocess.run([*inside, "true"],
                                                                                 capture_output=True).returncode
    return inside if works else None


if __name__ == "__main__":
    if "Journal" in sys.argv:
        unittest.main()
    inside = namespace()
    code = subprocess.run([*inside, sys.executable, __file__, "Journal"]).returncode if inside else 0
    if not inside:
        print("SKIP: no mount namespace can be made here, so no journal")
    unittest.main(argv=[sys.argv[0], *(sys.argv[1:] or ["Daemon"])], exit=False) if code else unittest.main(
        argv=[sys.argv[0], *(sys.argv[1:] or ["Daemon"])])
    sys.exit(code)
