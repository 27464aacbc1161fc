"""Places where nothing can be written: a full disk, a read-only one, files that cannot be replaced, other users'
homes."""
import os, shutil, subprocess, unittest

from injection import COMPILE, CONFIG, NEW, OWN_MOUNTS, Fault, Home, Pending

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Places(Fault):
    def setUp(self):
        self.home = Pending()
        self.addCleanup(self.home.close)

    def needs(self, *command):
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
            self.skipTest("SKIP: refused here: " + " ".join(command))

    def in_own_mounts(self, script):
        """What SCRIPT, in a mount namespace of its own, wrote: `$1` is the home, `$2` a folder outside of it."""
        self.needs(*OWN_MOUNTS, "true")
        out = self.home.root / "out"
        out.mkdir()
        done = subprocess.run([*OWN_MOUNTS, "sh", "-euc", script, "sh", self.home.path, out, COMPILE],
                              env=self.home.env,
                              capture_output=True, text=True)
        self.home.printed += (done.stdout + done.stderr).encode()
        if done.returncode == 99:
            self.skipTest("SKIP: mount is refused here")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr, out

    def test_full_disk(self):
        for free in (0, 8):  # KiB: with some left, the write of a long snapshot is cut short first
            with self.subTest(free=free):
                home = self.home
                home.back()
                home.write("config.yaml", CONFIG % NEW + f"note: {'x' * 60000}\n")
                out, err, copied = self.in_own_mounts(f"""
                    cp -a "$1" "$2/before" && mount -t tmpfs -o size=512k,mode=0700 full "$1" || exit 99
                    cp -a "$2/before/." "$1"
                    touch "$1/auth.lock"
                    head -c {free}K /dev/zero >"$1/spare"
                    cat /dev/zero >"$1/filler" 2>/dev/null || true
                    rm "$1/spare"
                    code=0; "$3" --home "$1" || code=$?
                    echo "code $code"
                    cp -a "$1/compiled" "$1/auth.json" "$2"
                    rm "$1/filler"
                    "$3" --home "$1"
                    cp -a "$1/." "$2/after"
                """)
                self.assertIn("code 4\n", out)
                self.assertIn("error[write-failed]", err)
                self.assertIn("make room on the disk", err)
                for name in ("compiled/snapshot.json", "auth.json"):
                    self.assertEqual((copied / name.split("/")[-1] if name == "auth.json"
                                      else copied / name).read_bytes(),
                                     (copied / "before" / name).read_bytes())
                self.assertEqual(list(copied.rglob(".hermes-compile.*")), [])
                self.assertIn(NEW, (copied / "after/auth.json").read_text())
                self.assertIn(NEW, (copied / "after/compiled/snapshot.json").read_text())
                shutil.rmtree(copied)

    def test_read_only(self):
        out, err, _ = self.in_own_mounts("""
            mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99
            code=0; "$3" --home "$1" || code=$?
            echo "code $code"
        """)
        self.assertIn("code 4\n", out)
        self.assertIn("Read-only file system", err)
        self.assertEqual(self.home.derived(), self.home.old)
        self.finishes(self.home)

    def test_files_that_cannot_be_replaced(self):
        for name in ("compiled/snapshot.json", "auth.json", "compiled/cooldowns.json"):
            with self.subTest(name=name):
                self.home.back()
                path = self.home.path / name
                self.needs("chattr", "+i", path)
                try:
                    code, _, said = self.home.compile()
                finally:
                    subprocess.run(["chattr", "-i", path], check=True)
                self.assertEqual(code, 4)
                self.assertIn("error[write-failed]", said)
                self.assertEqual(self.home.derived()[name], self.home.old[name])
                self.assertEqual(self.home.temporary_files(), [])
                self.finishes(self.home)

    def test_a_home_of_another_user(self):
        self.needs(*NOBODY, "true")
        self.home.root.chmod(0o755)
        code, _, said = self.home.compile(prefix=NOBODY)
        self.assertEqual(code, 4)
        self.assertRegex(said, r"error\[(foreign-home|no-home)\]")
        self.assertEqual(self.home.derived(), self.home.old)

    def owned_by_nobody(self):
        self.needs(*NOBODY, "true")
        home = Home()
        self.addCleanup(home.close)
        home.root.chmod(0o755)
        home.write("config.yaml", CONFIG % NEW)
        for path in (home.path, home.path / "config.yaml"):
            os.chown(path, 65534, 65534)
        return home

    def test_a_pool_that_only_root_may_read(self):
        home = self.owned_by_nobody()
        home.write("auth.json", '{"version": 1, "providers": {}}')
        code, _, said = home.compile(prefix=NOBODY)
        self.assertEqual(code, 0)
        self.assertIn("auth.json: warning[unreadable]", said)
        self.assertEqual(home.bytes_of("auth.json"), b'{"version": 1, "providers": {}}')
        self.assertEqual(home.generation(), 1)

    def test_a_folder_that_only_root_may_enter(self):
        home = self.owned_by_nobody()
        (home.path / "compiled").mkdir(mode=0o700)
        code, _, said = home.compile(prefix=NOBODY)
        self.assertEqual(code, 4)
        self.assertIn("error[write-failed]", said)
        self.assertIsNone(home.bytes_of("auth.json"))


if __name__ == "__main__":
    unittest.main()
