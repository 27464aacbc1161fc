"""hermes-watch outlives a disk that fails for a while: it says so, and publishes by itself when the disk is back."""
import subprocess, unittest

from injection import CONFIG, NEW, PATIENCE, WATCH, Fault, Pending, Watch, strace

FAULTS = ("fsync:error=EIO:when=1..2", "fsync:error=ENOSPC:when=2", "renameat:error=EROFS:when=1",
          "renameat:error=EIO:when=2", "renameat:error=ENOSPC:when=3")


class Recovery(Fault):
    def test_publishes_when_the_disk_is_back(self):
        homes = [Pending() for _ in FAULTS]
        for home in homes:
            self.addCleanup(home.close)
        watches = [self.watch(home, fault) for home, fault in zip(homes, FAULTS)]
        for home, watch, fault in zip(homes, watches, FAULTS):
            with self.subTest(fault=fault):
                self.assertIn("error[write-failed]", watch.status)
                watch.wait_generation(3)
                self.assertEqual(home.derived(), home.new)
                self.assertEqual(home.reader(), NEW)
                watch.close()  # who may be writing its metrics
                self.assertEqual(home.temporary_files(), [])
                self.assertNotIn(b"sk-test", home.printed)

    def test_a_kernel_that_is_short_of_memory_in_a_storm_of_events(self):
        """The queue is taken out of the loop for a moment, and must come back."""
        home = Pending()
        self.addCleanup(home.close)
        watch = self.watch(home, "epoll_ctl:error=ENOMEM:when=13..15")  # 1..11: its start; 12: the queue goes
        for i in range(300):
            home.write("config.yaml", CONFIG % f"sk-test-storm-{i:03}")
        while b"sk-test-storm-299" not in home.bytes_of("auth.json"):
            watch.wait(lambda status: True)
        watch.close()

    def test_killed_and_started_again(self):
        for home in self.homes():
            for name, ordinal in (("fsync", 1), ("renameat", 1), ("renameat", 2), ("fsync", 2)):
                home.back()
                with self.subTest(name=name, ordinal=ordinal):
                    kill = ("-e", f"trace={name}", "-e", f"inject={name}:signal=SIGKILL:when={ordinal}")
                    command = [*strace(home.root / "strace.log", *kill), WATCH, "--home", home.path]
                    done = subprocess.run(command, env=home.env, capture_output=True, timeout=PATIENCE)
                    home.printed += done.stdout + done.stderr
                    self.assertIn(done.returncode, (-9, 137))
                    self.whole(home)
                    watch = Watch(home)
                    watch.close()
                    self.assertEqual(home.derived(), home.new)
                    self.assertEqual(home.temporary_files(), [])

    def watch(self, home, fault):
        name = fault.split(":")[0]
        # -D: the process that was started is hermes-watch, strace hangs on
        return Watch(home,
                     prefix=strace(home.root / "strace.log", "-D", "-e", "trace=" + name, "-e", "inject=" + fault))


if __name__ == "__main__":
    unittest.main()
