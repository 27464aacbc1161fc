"""A system call of hermes-compile fails: it says so and leaves whole files, or the publish is complete."""
import itertools, unittest

from injection import COMPILE, LONG, READS, WRITES, Fault, calls, inject, strace

ERRORS = {
    "openat": ("EIO", "ENOSPC", "EROFS", "EMFILE", "EINTR", "ENOMEM"),
    "mkdir": ("EIO", "ENOSPC", "EROFS"),
    "write": ("EIO", "ENOSPC", "EINTR", "nothing written", "EDQUOT"),
    "writev": ("EIO", "ENOSPC", "EINTR", "nothing written", "EDQUOT"),
    "fsync": ("EIO", "ENOSPC", "EINTR"),
    "fchmod": ("EIO", "EPERM"),
    "renameat": ("EIO", "ENOSPC", "EROFS", "EINTR"),
    "unlinkat": ("EIO", "EROFS"),
    "close": ("EIO", "EINTR"),
    "flock": ("EIO", "EINTR", "ENOLCK"),
    "pread64": ("EIO", "EINTR"),
    "read": ("EIO", "EINTR"),
    "fcntl": ("EIO",),
    "newfstatat": ("EIO", "ENOMEM"),
    "getdents64": ("EIO",),
    "mmap": ("ENOMEM",),
}
if b"__asan_init" in COMPILE.read_bytes():  # its own allocator would give up in its own way
    del ERRORS["mmap"]


class Errors(Fault):
    def test_at_every_call(self):
        for home in self.homes():
            points = [call for call in calls(home, WRITES + READS) if call.name in ERRORS]
            turns = {name: itertools.cycle(errors) for name, errors in ERRORS.items()}
            for i, call in enumerate(points):
                if not LONG and call.name in READS and i % 5 != 0:
                    continue
                for error in ERRORS[call.name] if LONG else [next(turns[call.name])]:
                    home.back()
                    with self.subTest(call=call, error=error):
                        self.one(home, call, error)

    def test_what_waits_for_the_disk_beside_another(self):
        """The calls of the process alone, or the first one of each of its threads, too."""
        for home in self.homes():
            for threads, ordinal in (("-f",), 1), ((), 1), ((), 2):
                for error in ERRORS["fsync"]:
                    home.back()
                    with self.subTest(threads=threads, ordinal=ordinal, error=error):
                        prefix = strace(home.root / "strace.log", *threads, "-e", "trace=fsync", "-e",
                                        f"inject=fsync:error={error}:when={ordinal}")
                        self.ends(home, *home.compile(prefix=prefix)[::2])

    def test_a_reset_keeps_what_it_cannot_read(self):
        for home in self.homes():
            self.assertEqual(home.compile()[0], 0)
            memory = home.bytes_of("compiled/cooldowns.json")
            prefix = strace(home.root / "strace.log", "-P", home.path / "compiled/cooldowns.json", "-e", "trace=openat",
                            "-e", "inject=openat:error=EIO")
            code, _, said = home.compile("--reset", "deepseek", prefix=prefix)
            self.assertEqual((code, "error[unreadable]" in said), (4, True), said)
            self.assertEqual(home.bytes_of("compiled/cooldowns.json"), memory)

    def one(self, home, call, error):
        code, said = inject(home, call, "retval=0" if error == "nothing written" else "error=" + error)
        printing = call.name == "write" and call.text.startswith(("1,", "2,"))
        self.ends(home, code, said, printing, call.name != "unlinkat")

    def ends(self, home, code, said, printing=False, clean=True):
        self.assertIn(code, (0, 4), said)
        if code == 4 and not printing:
            self.assertRegex(said, r"error\[|out of memory")
        if code == 0 or printing:
            self.assertEqual(home.derived(), home.new)
        self.assertEqual(home.temporary_files() if clean else [], [])
        self.whole(home)
        self.finishes(home)


if __name__ == "__main__":
    unittest.main()
