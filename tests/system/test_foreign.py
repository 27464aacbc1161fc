"""A home behind a server that hangs or dies (FUSE, as sshfs is): nobody else waits, and it is found again."""
import ctypes, os, pathlib, shutil, signal, subprocess, time, unittest

from harness import PATIENCE, Home, Watch

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNS, REC, PRIVATE, DETACH = 0x20000, 0x4000, 1 << 18, 2
RDONLY, REMOUNT, BIND = 1, 32, 4096


def config(key):
    return f"model:\n  provider: xiaomi\n  api_key: {key}\n"


def setUpModule():
    if os.getuid() != 0 or not shutil.which("bindfs") or not os.path.exists("/dev/fuse"):
        raise unittest.SkipTest("SKIP: needs root, bindfs and /dev/fuse")
    if LIBC.unshare(NEWNS) < 0 or LIBC.mount(b"none", b"/", None, REC | PRIVATE, None) < 0:
        raise unittest.SkipTest("SKIP: no mounts of one's own here")


class Foreign(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.below, self.above = self.home.root / "below", self.home.root / "above"
        (self.below / "far").mkdir(mode=0o700, parents=True)
        self.above.mkdir()
        self.put(self.below / "far", "sk-test-foreign-far-1")
        self.put(self.home.path, "sk-test-foreign-near-1")
        self.mount()
        self.addCleanup(LIBC.umount2, os.fsencode(self.above), DETACH)

    def mount(self):
        self.server = self.serve(self.below, self.above)

    def serve(self, below, above):
        mounted = len(open("/proc/self/mounts").readlines())
        server = subprocess.Popen(["bindfs", "-f", below, above], stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        while len(open("/proc/self/mounts").readlines()) == mounted:
            self.assertIsNone(server.poll())
            os.sched_yield()
        return server

    def stop(self):
        """The server takes nothing more: what it has taken already, it would hold on to even when its caller is
        killed."""
        self.server.send_signal(signal.SIGSTOP)
        tasks = [task / "stat" for task in pathlib.Path(f"/proc/{self.server.pid}/task").iterdir()]
        while any(task.read_text().rpartition(")")[2].split()[0] != "T" for task in tasks):
            os.sched_yield()

    def put(self, folder, key):
        beside = folder / "beside"
        beside.write_text(config(key))
        beside.chmod(0o600)
        os.rename(beside, folder / "config.yaml")

    def arrives(self, folder, key):
        until = time.monotonic() + PATIENCE
        while True:
            try:
                if key in (folder / "compiled/snapshot.json").read_text():
                    return
            except OSError:
                pass
            self.assertLess(time.monotonic(), until, key)
            time.sleep(0.01)

    def start(self):
        watch = Watch(self.home, "--home", self.above / "far", "--home", self.home.path)
        self.addCleanup(watch.close)
        self.arrives(self.below / "far", "sk-test-foreign-far-1")
        return watch

    def test_a_server_that_hangs_stops_its_own_home_only(self):
        watch = self.start()
        self.stop()
        self.addCleanup(self.server.send_signal, signal.SIGCONT)
        status = watch.wait(lambda status: "does not answer" in status)
        self.assertIn(f"{self.above}", status)
        self.put(self.home.path, "sk-test-foreign-near-2")
        self.arrives(self.home.path, "sk-test-foreign-near-2")
        os.kill(watch.process.pid, signal.SIGHUP)
        watch.wait(lambda status: status == "reloaded")
        self.server.send_signal(signal.SIGCONT)
        self.put(self.below / "far", "sk-test-foreign-far-2")
        self.arrives(self.below / "far", "sk-test-foreign-far-2")
        watch.wait(lambda status: "0 with problems" in status)
        self.stop()
        watch.wait(lambda status: "does not answer" in status)
        watch.process.terminate()
        self.assertEqual(watch.process.wait(PATIENCE), 0)

    def start_behind_two(self):
        """The outer server waits itself for the one that is stopped, with what it has taken."""
        outer = self.home.root / "outer"
        outer.mkdir()
        self.serve(self.above, outer)
        self.addCleanup(LIBC.umount2, os.fsencode(outer), DETACH)
        watch = Watch(self.home, "--home", outer / "far", "--home", self.home.path)
        self.arrives(self.below / "far", "sk-test-foreign-far-1")
        self.stop()
        self.addCleanup(self.server.send_signal, signal.SIGCONT)
        watch.wait(lambda status: "does not answer" in status)
        return watch

    def test_what_a_server_holds_when_it_is_killed_holds_nobody_else(self):
        watch = self.start_behind_two()
        watch.process.kill()
        watch.process.wait()
        watch.socket.close()
        watch.log.close()
        again = Watch(self.home, name="again")
        self.addCleanup(again.close)
        self.put(self.home.path, "sk-test-foreign-near-2")
        self.arrives(self.home.path, "sk-test-foreign-near-2")

    def test_it_says_of_itself_what_others_see(self):
        self.start()
        self.home.path = self.above / "far"
        while "ok: generation" not in self.home.compile("--status")[1]:
            time.sleep(0.02)

    def test_it_ends_although_a_server_has_taken_what_it_does_not_answer(self):
        """The kernel holds whoever waits for that, even when it is killed."""
        watch = self.start_behind_two()
        self.addCleanup(watch.close)
        watch.process.terminate()
        self.assertEqual(watch.process.wait(PATIENCE), 0)
        again = Watch(self.home, name="again")
        self.assertNotIn("already watches", again.status)  # no lock is held any more
        again.close()

    def test_it_starts_beside_a_server_that_hangs(self):
        self.stop()
        self.addCleanup(self.server.send_signal, signal.SIGCONT)
        watch = Watch(self.home, "--home", self.above / "far", "--home", self.home.path)
        self.addCleanup(watch.close)
        self.assertEqual(self.home.generation(), 1)

    def test_a_source_behind_it_is_named_where_the_home_can_be_written(self):
        os.rename(self.home.path / "config.yaml", self.below / "config.yaml")
        os.symlink(self.above / "config.yaml", self.home.path / "config.yaml")
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        self.stop()
        self.addCleanup(self.server.send_signal, signal.SIGCONT)
        watch.wait(lambda status: "does not answer" in status)
        while '"state":"waiting"' not in (self.home.path / "compiled/status.json").read_text():
            os.sched_yield()
        self.assertIn(f"{self.above}", (self.home.path / "compiled/status.json").read_text())

    def test_one_that_hangs_while_it_is_read_is_named_and_so_is_what_is_in_force(self):
        extra = self.above / "extra.env"
        (self.below / "extra.env").write_text("DEEPSEEK_API_KEY=sk-test-foreign-extra\n")
        (self.below / "extra.env").chmod(0o600)
        text = config("sk-test-foreign-near-1") + f"hermes_watch:\n  env_files: [{extra}]\n"
        self.home.write("config.yaml", text)
        (self.home.root / "link.env").symlink_to(extra)
        watch = Watch(self.home)
        try:
            self.stop()
            self.addCleanup(self.server.send_signal, signal.SIGCONT)
            self.home.write("config.yaml", text + "# an edit\n")
            self.assertIn(f"{self.above}", watch.wait(lambda status: "does not answer" in status))
        finally:
            watch.close()
        self.home.write("config.yaml", text.replace(str(extra), f"{self.home.root}/link.env"))
        again = Watch(self.home, name="again")
        self.addCleanup(again.close)
        self.assertRegex(again.status, "(/above.*|link.env) does not answer: .*; generation 1 stays active")

    def test_a_home_that_cannot_be_written_names_what_is_in_force(self):
        self.assertEqual(self.home.compile()[0], 0)
        path = os.fsencode(self.home.path)
        self.assertEqual(LIBC.mount(path, path, None, BIND, None), 0)
        self.addCleanup(LIBC.umount2, path, DETACH)
        self.assertEqual(LIBC.mount(path, path, None, BIND | REMOUNT | RDONLY, None), 0)
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        self.assertTrue(watch.status.startswith("generation 1 kept: "), watch.status)
        self.assertIn("Read-only file system", watch.status)

    def test_a_file_system_is_made_read_only_and_writable_again(self):
        """Which the kernel refuses for as long as a file in it is open for writing."""
        path = os.fsencode(self.home.path)
        self.assertEqual(LIBC.mount(b"none", path, b"tmpfs", 0, b"mode=0700"), 0)
        self.addCleanup(LIBC.umount2, path, DETACH)
        self.put(self.home.path, "sk-test-foreign-near-1")
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        until = time.monotonic() + PATIENCE
        while LIBC.mount(b"none", path, None, REMOUNT | RDONLY, None) != 0:  # what it still writes is through soon
            self.assertLess(time.monotonic(), until, os.strerror(ctypes.get_errno()))
            os.sched_yield()
        os.kill(watch.process.pid, signal.SIGHUP)
        watch.wait(lambda status: status.startswith("generation 1 kept: ") and "Read-only file system" in status)
        self.assertEqual(LIBC.mount(b"none", path, None, REMOUNT, None), 0)
        self.put(self.home.path, "sk-test-foreign-near-2")
        watch.wait_generation(2)
        self.arrives(self.home.path, "sk-test-foreign-near-2")

    def test_a_server_that_died_and_came_back(self):
        watch = self.start()
        self.server.kill()
        self.server.wait()
        watch.wait(lambda status: "Transport endpoint is not connected" in status)
        LIBC.umount2(os.fsencode(self.above), DETACH)
        self.mount()
        self.put(self.above / "far", "sk-test-foreign-far-2")
        self.arrives(self.below / "far", "sk-test-foreign-far-2")
        self.put(self.above / "far", "sk-test-foreign-far-3")
        self.arrives(self.below / "far", "sk-test-foreign-far-3")


if __name__ == "__main__":
    unittest.main()
