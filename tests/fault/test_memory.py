"""Memory runs out: hermes-compile says so and leaves whole files; the runtime library, a guest in its process, returns
the error to it."""
import contextlib, resource, signal, subprocess, unittest

from injection import COMPILE, CONFIG, LONG, NEW, PRELOAD, READER, Fault, Pending, Watch

ROUNDS = 1000000 if LONG else 24  # of each


class Memory(Fault):
    def run_with(self, home, program, *args, number=0, **kwargs):
        count = home.root / "count"
        env = dict(home.env, LD_PRELOAD=str(PRELOAD), FAIL_ALLOCATION=str(number), COUNT_ALLOCATIONS=str(count))
        done = subprocess.run([program, *args], env=env, capture_output=True, text=True, **kwargs)
        home.printed += (done.stderr if program == READER else done.stdout + done.stderr).encode()
        return done, int(count.read_text()) if number == 0 else None

    def numbers(self, count):
        self.assertGreater(count, 10)
        return range(1, count + 1, max(1, count // ROUNDS))

    def test_each_allocation_of_a_compile(self):
        for home in self.homes():
            _, count = self.run_with(home, COMPILE, "--home", home.path)
            for number in self.numbers(count):
                home.back()
                with self.subTest(allocation=number, of=count):
                    done, _ = self.run_with(home, COMPILE, "--home", home.path, number=number)
                    self.assertIn(done.returncode, (0, 4), done.stderr)
                    if done.returncode == 4:
                        self.assertRegex(done.stderr, "out of memory|Cannot allocate memory")
                    else:
                        self.assertEqual(home.derived(), home.new)
                    self.whole(home)
                    self.finishes(home)

    @contextlib.contextmanager
    def watched(self, home, number):
        """The allocation of this number fails."""
        home.back()
        faults = dict(LD_PRELOAD=str(PRELOAD), FAIL_ALLOCATION=str(number), COUNT_ALLOCATIONS=str(home.root / "count"))
        home.env.update(faults)
        try:
            watch = Watch(home)
        finally:
            for name in faults:
                del home.env[name]
        try:
            yield watch
            self.assertEqual(home.compile()[0], 0)  # nothing stays locked
        except BaseException:
            watch.abandon()
            raise
        watch.close()
        self.assertEqual(home.temporary_files(), [])

    def edited_while_watched(self, home, edits=1, number=0, hurry=True):
        """How many allocations that takes. HURRY: what failed is tried again when it is asked for."""
        with self.watched(home, number) as watch:
            for edit in range(edits):
                home.write("config.yaml", CONFIG % f"sk-test-edit-{edit:06}")
                while f"sk-test-edit-{edit:06}".encode() not in home.bytes_of("auth.json"):
                    if "out of memory" in watch.wait(lambda status: True) and hurry:
                        watch.process.send_signal(signal.SIGUSR1)
        return int((home.root / "count").read_text())

    def test_each_allocation_while_it_is_watched(self):
        """That compile fails, or what follows it; hermes-watch goes on."""
        home = Pending()
        self.addCleanup(home.close)
        first, count = self.edited_while_watched(home, edits=0), self.edited_while_watched(home)
        for number in range(first, count + 1):
            with self.subTest(allocation=number, of=count):
                self.edited_while_watched(home, number=number)
        with self.subTest("by itself"):
            self.edited_while_watched(home, number=(first + count) // 2, hurry=False)

    def test_each_allocation_of_the_start(self):
        """hermes-watch says that it cannot start, or goes on; what it says is said when it is ready."""
        home = Pending()
        self.addCleanup(home.close)
        for number in self.numbers(self.edited_while_watched(home, edits=0)):
            with self.subTest(allocation=number):
                try:
                    with self.watched(home, number) as watch:
                        self.assertNotEqual(watch.status, "")
                except AssertionError as error:
                    self.assertRegex(str(error), r"ended; .*\n(.*\n)*hermes.*([Oo]ut of|allocate) memory\n$")

    def test_each_allocation_of_a_reader(self):
        for home in self.homes():
            home.compile()
            home.cool_down(NEW)
            home.compile()
            undisturbed = subprocess.run([READER, home.path], env=home.env, input="\n", capture_output=True,
                                         text=True).stdout
            self.assertNotIn(NEW, undisturbed)
            _, count = self.run_with(home, READER, home.path, input="\n\n")
            for number in self.numbers(count):
                with self.subTest(allocation=number, of=count):
                    done, _ = self.run_with(home, READER, home.path, input="\n\n", number=number)
                    self.assertIn(done.returncode, (0, 1))
                    if done.returncode == 1:
                        self.assertEqual(done.stderr, "reader: Cannot allocate memory\n")
                    else:
                        self.assertEqual(done.stdout.splitlines(True)[-1], undisturbed)

    def test_less_and_less_address_space(self):
        for home in self.homes():
            codes = set()
            for kilobytes in range(3000, 9000, 16 if LONG else 200):
                limit = (kilobytes * 1024,) * 2
                home.back()
                with self.subTest(kilobytes=kilobytes):
                    code, _, said = home.compile(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit))
                    codes.add(code)
                    if code == 127 or "cannot allocate" in said or "failed to map" in said:
                        continue  # the loader's
                    self.assertIn(code, (0, 4), said)
                    self.whole(home)
                    self.finishes(home)
            self.assertIn(0, codes)


if __name__ == "__main__":
    unittest.main()
