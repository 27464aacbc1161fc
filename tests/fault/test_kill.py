"""hermes-compile killed at every system call of its publishing."""
import unittest

from injection import WRITES, Fault, calls, inject, strace


class Kill(Fault):
    def test_at_every_call(self):
        for home in self.homes():
            points = calls(home, WRITES)
            self.assertGreater(len(points), 20)
            for call in points:
                home.back()
                with self.subTest(call=call):
                    self.killed(home, inject(home, call, "signal=SIGKILL")[0])

    def test_where_several_wait_for_the_disk(self):
        for home in self.homes():
            for threads, ordinal in (("-f",), 1), ((), 1), ((), 2):
                home.back()
                with self.subTest(threads=threads, ordinal=ordinal):
                    prefix = strace(home.root / "strace.log", *threads, "-e", "trace=fsync", "-e",
                                    f"inject=fsync:signal=SIGKILL:when={ordinal}")
                    self.killed(home, home.compile(prefix=prefix)[0])

    def killed(self, home, code):
        self.assertIn(code, (-9, 137))
        self.whole(home)
        for name in home.temporary_files():
            self.assertEqual((home.path / name).stat().st_mode & 0o777, 0o600)
        self.finishes(home)


if __name__ == "__main__":
    unittest.main()
