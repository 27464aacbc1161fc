"""Keys stay in memory and in the files that are for them, whatever happens to the process."""
import resource, unittest

from injection import Fault, strace

PAYLOADS = "trace=!write,writev,read,pread64,pwrite64"


def allow_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)


class Secrets(Fault):
    def test_no_call_but_reads_and_writes_carries_a_key(self):
        for home in self.homes():
            log = home.root / "all.log"
            self.assertEqual(home.compile(prefix=("strace", "-v", "-s", "65536", "-o", log, "-e", PAYLOADS))[0], 0)
            self.assertIn(b"execve", log.read_bytes())
            self.assertNotIn(b"sk-test", log.read_bytes())

    def test_files_that_are_for_them(self):
        for home in self.homes():
            self.assertEqual(home.compile()[0], 0)
            holding = {str(path.relative_to(home.path)) for path in home.path.rglob("*")
                       if path.is_file() and b"sk-test" in path.read_bytes()}
            self.assertEqual(holding, {"config.yaml", ".env", "auth.json", "compiled/snapshot.json"})
            for name in holding:
                self.assertEqual((home.path / name).stat().st_mode & 0o777, 0o600)

    def test_no_core(self):
        for home in self.homes():
            for signal in ("SIGSEGV", "SIGABRT", "SIGQUIT"):
                log = home.root / "strace.log"
                prefix = strace(log, "-e", "trace=renameat", "-e", f"inject=renameat:signal={signal}:when=1")
                home.back()
                home.compile(prefix=prefix, cwd=home.root, preexec_fn=allow_cores)
                self.assertIn("killed by " + signal, log.read_text())
                self.assertNotIn("core dumped", log.read_text())
                self.finishes(home)


if __name__ == "__main__":
    unittest.main()
