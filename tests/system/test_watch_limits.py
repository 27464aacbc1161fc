"""What cannot be watched is looked at, exactly that is said, and it ends by itself when the limit is lifted."""
import os, pathlib, shutil, subprocess, time, unittest

from harness import BUILD, PATIENCE, Home, Watch


def config(key):
    return f"model:\n  provider: xiaomi\n  api_key: {key}\n"


class Limits(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.finish)  # after the watcher's own clean-up
        self.home.write("config.yaml", config("sk-test-limits-1"))

    def finish(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def start(self, *prefix):
        self.watch = Watch(self.home, prefix=prefix)
        self.addCleanup(self.watch.close)
        self.assertEqual(self.home.generation(), 1)

    def said(self):
        return (self.home.root / "watch.log").read_text()

    def becomes(self, number):
        self.home.write("config.yaml", config(f"sk-test-limits-{number}"))
        self.watch.wait_generation(number)

    def limited(self, limit, value):
        """In a user namespace of its own, whose limits are ours to set."""
        if subprocess.run(["unshare", "-Ur", "true"], capture_output=True).returncode != 0:
            self.skipTest("SKIP: no user namespaces here")
        self.start("unshare", "-Ur", "sh", "-c", f'echo {value} >/proc/sys/user/{limit} && exec "$@"', "sh")

    def lift(self, limit):
        subprocess.run(["nsenter", "-t", str(self.watch.process.pid), "-U", "--preserve-credentials", "sh", "-c",
                        f"echo 10000 >/proc/sys/user/{limit}"], check=True, timeout=PATIENCE)
        while "everything can be watched again" not in self.said():
            time.sleep(0.02)
        before = self.said()
        self.becomes(3)
        self.becomes(4)
        self.assertEqual(self.said()[len(before):].count("cannot be watched"), 0)

    def test_no_watches_left(self):
        self.limited("max_inotify_watches", 2)
        self.assertIn(f"{self.home.path} cannot be watched in full (no watch left", self.said())
        self.becomes(2)
        self.lift("max_inotify_watches")

    def test_no_instance_left(self):
        self.limited("max_inotify_instances", 0)
        self.assertIn("no inotify instance or descriptor left", self.said())
        self.becomes(2)
        self.lift("max_inotify_instances")

    def test_a_few_watches_left_are_used(self):
        """Half watched, half looked at: a new file of a folder that has no watch is found as well."""
        self.limited("max_inotify_watches", 4)
        while b'"state":"degraded"' not in (self.home.bytes_of("compiled/status.json") or b""):
            time.sleep(0.02)
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-limits-env\n")
        self.watch.wait_generation(2)
        self.becomes(3)

    def test_a_limit_on_the_size_of_files_ends_nothing(self):
        """No status is left that says otherwise."""
        self.start()
        status = self.home.path / "compiled/status.json"
        while not status.exists():
            time.sleep(0.02)
        process = f"--pid={self.watch.process.pid}"
        limit = lambda size: subprocess.run(["prlimit", process, f"--fsize={size}"], check=True)
        limit("100:unlimited")
        self.home.write("config.yaml", config("sk-test-limits-2"))
        self.watch.wait(lambda line: line.startswith("generation 1 kept") and "File too large" in line)
        while status.exists():
            time.sleep(0.02)
        limit("unlimited")
        self.watch.wait_generation(2)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("setpriv"), "SKIP: needs root to become nobody")
    def test_memory_that_cannot_be_locked_is_said_once(self):
        if "asan" in BUILD.name:
            self.skipTest("SKIP: the sanitizer answers for the kernel")
        for path in (self.home.root, self.home.path, self.home.path / "config.yaml"):
            os.chown(path, 65534, 65534)
        self.addCleanup(os.umask, os.umask(0))
        self.start("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "prlimit", "--memlock=0")
        for number in (2, 3):
            (self.home.path / "config.yaml").write_text(config(f"sk-test-limits-{number}"))
            self.watch.wait_generation(number)
        while self.said().count("generation 3") == 0:
            time.sleep(0.02)
        self.assertEqual(self.said().count("cannot be locked"), 1)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("setpriv"), "SKIP: needs root to become nobody")
    def test_a_folder_that_may_not_be_read(self):
        """Folders on the way need no watch, only the files in one that cannot be read are looked at."""
        closed, inner = self.home.root / "closed", self.home.root / "closed/inner"
        inner.mkdir(parents=True)
        os.rename(self.home.path, inner / "home")
        self.home.path = inner / "home"
        (closed / "key").write_text(config("sk-test-limits-1"))
        (self.home.path / "config.yaml").unlink()
        os.symlink(closed / "key", self.home.path / "config.yaml")
        for path in (self.home.path, closed / "key"):
            os.chown(path, 65534, 65534)
        os.chmod(closed / "key", 0o600)
        os.chmod(closed, 0o711)
        os.chmod(inner, 0o711)
        os.chmod(self.home.root, 0o777)
        self.addCleanup(os.umask, os.umask(0))  # nobody writes to the notify socket, too
        self.start("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        self.assertEqual(self.said().count("cannot be watched"), 1)
        self.assertIn(f"{closed} cannot be watched in full (Permission denied)", self.said())
        beside = closed / "key.new"
        beside.write_text(config("sk-test-limits-2"))
        os.chown(beside, 65534, 65534)
        os.chmod(beside, 0o600)
        os.rename(beside, closed / "key")
        self.watch.wait_generation(2)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("bindfs") and os.path.exists("/dev/fuse"),
                         "SKIP: needs root, bindfs and /dev/fuse")
    def test_a_file_system_that_others_change(self):
        """FUSE: what is changed behind it gives no event, and no lease knows of who changes it."""
        mounted = self.home.root / "mounted"
        mounted.mkdir()
        os.rename(self.home.path, self.home.root / "behind")
        subprocess.run(["bindfs", "-o", "attr_timeout=0,entry_timeout=0", self.home.root / "behind", mounted],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", mounted])
        behind, self.home.path = self.home.root / "behind", mounted
        self.start()
        self.assertIn(f"{mounted} cannot be watched in full (fuse)", self.said())
        (behind / "config.yaml").write_text(config("sk-test-limits-2"))
        self.watch.wait_generation(2)
        fd = os.open(behind / "config.yaml", os.O_WRONLY | os.O_TRUNC)
        for byte in config("sk-test-limits-3").encode():
            os.write(fd, bytes([byte]))
            os.fsync(fd)
        self.assertEqual(self.home.generation(), 2)
        os.close(fd)
        self.watch.wait_generation(3)

    def test_a_lost_queue_loses_no_watch(self):
        """An overflow also loses what tells of a folder that was deleted and made again."""
        store = self.home.root / "store"
        store.mkdir()
        os.rename(self.home.path / "config.yaml", store / "config.yaml")
        os.symlink(store / "config.yaml", self.home.path / "config.yaml")
        self.start()
        self.watch.stop()
        self.watch.overflow()
        shutil.rmtree(store)
        store.mkdir()
        (store / "config.yaml").write_text(config("sk-test-limits-2"))
        os.chmod(store / "config.yaml", 0o600)
        self.watch.resume()
        self.watch.wait_generation(2)
        (store / "config.yaml").write_text(config("sk-test-limits-3"))
        self.watch.wait_generation(3)


if __name__ == "__main__":
    unittest.main()
