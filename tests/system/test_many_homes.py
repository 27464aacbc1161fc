"""Many homes in one hermes-watch: each is compiled for itself, and trouble in one is nobody else's."""
import fcntl, json, os, pathlib, shutil, signal, subprocess, time, unittest

from harness import PATIENCE, WATCH, Home, Watch, fingerprint


def config(key):
    return f"model:\n  provider: xiaomi\n  api_key: {key}\n"


class ManyHomes(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.finish)

    def finish(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def make(self, name, text):
        folder = self.home.path / name
        folder.mkdir(mode=0o700, parents=True)
        self.home.write(name + "/config.yaml", text)
        return folder

    def start(self, *args):
        watch = Watch(self.home, *args)
        self.addCleanup(watch.close)
        return watch

    def snapshot(self, name):
        return json.loads((self.home.path / name / "compiled/snapshot.json").read_text())

    def key(self, name):
        return self.snapshot(name)["content"]["providers"]["xiaomi"]["credentials"][0]["secret"]

    def two(self):
        a, b = self.make("a", config("sk-test-many-a1")), self.make("b", config("sk-test-many-b1"))
        return a, b, self.start("--home", a, "--home", b)

    def test_an_edit_reaches_its_own_home_only(self):
        a, b, watch = self.two()
        before = os.stat(b / "compiled/snapshot.json").st_ino
        self.home.write("a/config.yaml", config("sk-test-many-a2"))
        watch.wait(lambda status: status.startswith(f"{a}: generation 2"))
        self.assertEqual(self.key("a"), "sk-test-many-a2")
        self.assertEqual(os.stat(b / "compiled/snapshot.json").st_ino, before)

    def test_a_broken_home_delays_no_other(self):
        a, b, watch = self.two()
        self.home.write("a/config.yaml", "model: [\n")
        watch.wait(lambda status: status.startswith(f"{a}: generation 1 kept: config.yaml:"))
        self.home.write("b/config.yaml", config("sk-test-many-b2"))
        status = watch.wait(lambda status: status.startswith(f"{b}: generation 2"))
        self.assertIn("2 homes, 1 with problems", status)
        self.assertIn(f"({a}: generation 1 kept", status)

    def test_a_locked_home_delays_no_other(self):
        a, b, watch = self.two()
        with open(a / "auth.lock", "w") as pool, open(a / "compiled/compile.lock", "w") as compile_lock:
            fcntl.flock(pool, fcntl.LOCK_EX)
            fcntl.flock(compile_lock, fcntl.LOCK_EX)
            self.home.write("a/config.yaml", config("sk-test-many-a2"))
            self.home.write("b/config.yaml", config("sk-test-many-b2"))
            watch.wait(lambda status: status.startswith(f"{b}: generation 2"))
            self.assertEqual(self.snapshot("a")["meta"]["generation"], 1)
        watch.wait(lambda status: status.startswith(f"{a}: generation 2,") and "waiting" not in status)
        self.assertEqual(self.key("a"), "sk-test-many-a2")

    def test_a_home_held_back_delays_no_other(self):
        a, b, watch = self.two()
        (a / "config.yaml").unlink()
        watch.wait(lambda status: status.startswith(f"{a}: generation 1 kept"))
        self.home.write("b/config.yaml", config("sk-test-many-b2"))
        watch.wait(lambda status: status.startswith(f"{b}: generation 2"))

    def test_a_huge_home_delays_no_other(self):
        huge = config("sk-test-many-a1") + "".join(
            f"section{i}:\n  name: some words of a usual length {i}\n  list: [one, two, three]\n" for i in range(60000))
        a, b = self.make("a", huge), self.make("b", config("sk-test-many-b1"))
        watch = self.start("--home", a, "--home", b)
        self.home.write("a/config.yaml", huge + "more: 1\n")
        self.home.write("b/config.yaml", config("sk-test-many-b2"))
        first = watch.wait(lambda status: "generation 2" in status.split(";")[0])
        self.assertTrue(first.startswith(f"{b}:"), first)
        watch.wait(lambda status: status.startswith(f"{a}: generation 2"))

    def test_many_huge_homes_take_turns(self):
        """Each has a thread and memory while it is compiled, and a thread for each file but one that goes to the disk;
        else a managed file would cost as much as all homes at once."""
        arguments = []
        for i in range(16):
            arguments += ["--home", self.make(f"{i}", config(f"sk-test-many-{i}") + "".join(
                f"section{k}: {{name: some words of a usual length {k}}}\n" for k in range(6000)))]
        watch = self.start(*arguments)
        managed, most = self.home.root / "managed", 0
        managed.mkdir()
        (managed / ".env").write_text("DEEPSEEK_API_KEY=sk-test-many-managed\n")
        while any(self.snapshot(f"{i}")["meta"]["generation"] == 1 for i in range(16)):
            most = max(most, len(os.listdir(f"/proc/{watch.process.pid}/task")))
        self.assertLessEqual(most, 1 + 4 * 3)

    def test_more_homes_than_descriptors(self):
        """Each has its lock open; those that cannot are compiled without one, and named."""
        self.home.write("config.yaml", config("sk-test-many-root"))
        names = [f"profiles/p{i:02}" for i in range(60)]
        for name in names:
            self.make(name, config(f"sk-test-many-{name[-3:]}"))
        watch = Watch(self.home, "--home", self.home.path, "--profiles", prefix=("prlimit", "--nofile=64:64"))
        self.addCleanup(watch.close)
        self.assertEqual([self.key(name) for name in names], [f"sk-test-many-{name[-3:]}" for name in names])
        unlocked = [name for name in names if f"{name}/compiled/watch.lock cannot be locked (Too many open files)" in
                    (self.home.root / "watch.log").read_text()]
        self.assertGreater(len(unlocked), 0)
        self.home.write(f"{unlocked[0]}/config.yaml", config("sk-test-many-later"))
        watch.wait(lambda status: status.startswith(f"{unlocked[0][-3:]}: generation 2"))
        self.assertEqual(self.key(unlocked[0]), "sk-test-many-later")

    def test_managed_sources_are_everybodys(self):
        _, _, watch = self.two()
        managed = self.home.root / "managed"
        managed.mkdir()
        (managed / ".env").write_text("XIAOMI_API_KEY=sk-test-many-managed\n")
        watch.wait(lambda status: all(self.snapshot(name)["meta"]["generation"] == 2 for name in "ab"))

    def test_profiles_appear_and_vanish(self):
        self.home.write("config.yaml", config("sk-test-many-root"))
        self.make("profiles/coder", config("sk-test-many-coder"))
        watch = self.start("--home", self.home.path, "--profiles")
        self.assertIn("2 homes", watch.status)
        self.assertEqual(self.key("profiles/coder"), "sk-test-many-coder")
        self.make("profiles/writer", config("sk-test-many-writer"))
        watch.wait(lambda status: status.startswith("writer: generation 1,"))
        self.assertEqual(self.key("profiles/writer"), "sk-test-many-writer")
        self.make("profiles/NotAProfile", config("sk-test-many-no"))
        os.rename(self.home.path / "profiles/coder", self.home.root / "coder")
        watch.wait(lambda status: "; 2 homes, 0 with problems" in status)
        self.assertFalse((self.home.path / "profiles/NotAProfile/compiled").exists())
        os.rename(self.home.path / "profiles", self.home.root / "profiles")
        watch.wait(lambda status: "homes" not in status)
        self.make("profiles/writer", config("sk-test-many-writer-2"))
        watch.wait(lambda status: status.startswith("writer: generation 1,"))
        self.home.write("config.yaml", config("sk-test-many-root-2"))
        watch.wait(lambda status: status.startswith(f"{self.home.path}: generation 2"))

    def test_a_profile_that_is_called_like_a_key(self):
        name = "hf_" + "abcdefghijklmnopqrstuvwxyzabcdef"
        self.home.write("config.yaml", config("sk-test-many-root"))
        self.make("profiles/" + name, config("sk-test-many-coder"))
        watch = self.start("--home", self.home.path, "--profiles")
        self.assertTrue(watch.status.startswith(fingerprint(name) + ": generation 1,"), watch.status)
        self.assertEqual(self.key("profiles/" + name), "sk-test-many-coder")
        os.kill(watch.process.pid, signal.SIGSTOP)
        shutil.rmtree(self.home.path / "profiles" / name / "compiled")
        (self.home.path / "profiles" / name / "compiled").write_text("no folder")
        self.home.write(f"profiles/{name}/config.yaml", config("sk-test-many-later"))
        os.kill(watch.process.pid, signal.SIGCONT)
        watch.wait(lambda status: "cannot be used" in status)
        os.rename(self.home.path / "profiles" / name, self.home.root / "away")
        watch.wait(lambda status: "homes" not in status)
        self.assertNotIn(name.encode(), self.home.printed)
        self.assertNotIn(name, watch.lines())

    def test_a_profile_that_vanishes_while_it_is_compiled(self):
        """Also when it is back before that compile is through."""
        self.home.write("config.yaml", config("sk-test-many-root"))
        watch = self.start("--home", self.home.path, "--profiles")
        folder, away = self.make("profiles/coder", config("sk-test-many-coder") + "".join(
            f"section{i}: {{name: some words of a usual length {i}}}\n" for i in range(60000))), self.home.root / "away"
        watch.wait(lambda status: status.startswith("coder: generation 1,"))
        os.kill(watch.process.pid, signal.SIGUSR1)
        tasks = pathlib.Path(f"/proc/{watch.process.pid}/task")
        end = time.monotonic() + PATIENCE
        while len(list(tasks.iterdir())) == 1 and time.monotonic() < end:
            os.sched_yield()
        os.rename(folder, away)
        watch.wait(lambda status: "homes" not in status)
        os.rename(away, folder)
        watch.wait(lambda status: status.startswith("coder: generation 1,"))
        self.home.write("config.yaml", config("sk-test-many-root-2"))
        watch.wait(lambda status: status.startswith(f"{self.home.path}: generation 2"))

    def test_a_home_that_is_watched_already_is_waited_for(self):
        a, b, watch = self.two()
        second = Watch(self.home, "--home", self.make("c", config("sk-test-many-c1")), "--home", b, name="second")
        second.close()
        self.assertEqual(self.key("c"), "sk-test-many-c1")
        log = (self.home.root / "watch.log").read_text()
        self.assertIn(f"process {watch.process.pid} already watches {b}; waiting for it to end", log)

    def test_reload_looks_at_all(self):
        a, b, watch = self.two()
        (a / "compiled/snapshot.json").unlink()
        os.kill(watch.process.pid, signal.SIGHUP)
        watch.wait(lambda status: status == "reloaded")
        self.assertEqual(self.key("a"), "sk-test-many-a1")


if __name__ == "__main__":
    unittest.main()
