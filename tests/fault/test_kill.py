"""hermes-compile killed at every system call of its publishing."""
import unittest

from injection import WRITES, Fault, calls, inject


class Kill(Fault):
    def test_at_every_call(self):
        for home in self.homes():
            points = calls(home, WRITES)
            self.assertGreater(len(points), 20)
            for call in points:
                home.back()
                with self.subTest(call=call):
                    code, _ = inject(home, call, "signal=SIGKILL")
                    self.assertIn(code, (-9, 137))
                    self.whole(home)
                    for name in home.temporary_files():
                        self.assertEqual((home.path / name).stat().st_mode & 0o777, 0o600)
                    self.finishes(home)


if __name__ == "__main__":
    unittest.main()
