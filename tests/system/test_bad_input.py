"""Every bad input ends in its diagnostic: the last good snapshot and auth.json stay, byte for byte, and no key is
shown."""
import fcntl, os, shutil, subprocess, unittest

from harness import BUILD, COMPILE, PATIENCE, Home

GOOD = "model:\n  provider: xiaomi\n  default: mimo\n  api_key: sk-test-good-0001\n"
KEYS = ("sk-test", "0001", "42798")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class BadInput(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.write("config.yaml", GOOD)
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-env-0001\n")
        self.assertEqual(self.home.compile()[0], 0)
        self.before = self.derived()

    def tearDown(self):
        for key in KEYS:
            self.assertNotIn(key.encode(), self.home.printed)
        self.home.close()

    def derived(self):
        return self.home.bytes_of("compiled/snapshot.json"), self.home.bytes_of("auth.json")

    def refused(self, status, *diagnostic, **kwargs):
        for mode in ((), ("--check",), ("--diff",)):
            code, _, err = self.home.compile(*mode, **kwargs)
            self.assertEqual(code, status, err)
            for piece in diagnostic:
                self.assertIn(piece, err)
        self.assertEqual(self.derived(), self.before)
        self.assertEqual([name for name in os.listdir(self.home.path / "compiled") if "tmp" in name], [])

    def config(self, text):
        self.home.write("config.yaml", text)

    def test_nothing_to_compile(self):
        (self.home.path / "config.yaml").unlink()
        (self.home.path / ".env").unlink()
        self.refused(1, "error[no-sources]", "has neither config.yaml nor .env")
        self.assertNotIn("no-config", self.home.compile()[2])

    def test_no_config_but_env(self):
        (self.home.path / "config.yaml").unlink()
        code, _, err = self.home.compile("--check")
        self.assertEqual(code, 0)
        self.assertIn("config.yaml: warning[no-config]: there is no config.yaml", err)
        self.assertEqual(self.home.compile("--check", "--strict")[0], 1)

    def test_empty_config(self):
        self.config("")
        code, _, err = self.home.compile("--check")
        self.assertEqual(code, 0)
        self.assertIn("config.yaml: warning[empty-config]: config.yaml is empty", err)

    def test_directory_in_its_place(self):
        (self.home.path / "config.yaml").unlink()
        (self.home.path / "config.yaml").mkdir()
        self.refused(1, "config.yaml: error[not-a-file]: config.yaml is a directory, not a file")

    def test_not_utf_8(self):
        self.config(GOOD.encode() + b"name: caf\xe9\n")
        self.refused(1, "config.yaml:5:10: error[not-utf-8]")

    def test_syntax_error(self):
        self.config("model:\n  provider: xiaomi\n api_key: sk-test-x-0001\n")
        self.refused(1, "config.yaml:3:2: error[yaml-syntax]: this line is indented by 1, which fits no setting above",
                     "    3 |  api_key: ***")

    def test_root_is_no_map(self):
        self.config("- a\n- b\n")
        self.refused(1, "config.yaml:1:1: error[not-a-mapping]: config.yaml is a list, not a mapping")

    def test_unresolved_reference(self):
        self.config("model:\n  provider: xiaomi\n  api_key: ${NOT_THERE}\n")
        self.refused(1, "config.yaml:3:12: error[unresolved-reference]: ${NOT_THERE} is not set in any env file",
                     "    3 |   api_key: ${NOT_THERE}\n      |            ^~~~~~~~~~~~\n",
                     "  help: add NOT_THERE to .env")

    def test_control_characters_stay_out_of_the_terminal(self):
        self.config("model:\n  provider: xiaomi\n  \x1b[31m: x\n")
        self.refused(1, "config.yaml:3:3: error[yaml-syntax]: control characters are not allowed")
        self.config(GOOD)
        self.home.write(".env", "A='x\x1b[2J' y\nB\x07=1\nB\x07=2\n")
        self.home.compile("--check")
        self.home.write("config.yaml",
                        'custom_providers: [{name: "a\\u009bb\\u202ec", base_url: "http://h/v1", '
                        'api_key: sk-test-c1}]\n')
        for command in (), ("--status",), ("--explain", "custom_providers[0]"), ("--diff",):
            self.home.compile(*command)
        self.assertFalse([c for c in self.home.printed.decode() if ord(c) < 32 and c != "\n" or c in "\x9b\u202e"])

    def test_what_repeats_costs_no_more_than_its_length(self):
        """Each of these took minutes once: the harness's patience is the limit."""
        self.config("x: '" + "${NOPE} " * 120000 + "'\n")
        self.assertEqual(self.home.compile("--check")[0], 0)
        self.config("x: [" + ",".join(f"'${{NOPE{i}}}'" for i in range(40000)) + "]\n"
                    + "".join(f"A{i}: x\n" for i in range(80000)))
        self.assertEqual(self.home.compile("--check")[0], 0)
        self.config("".join(f"1{'0' * 400}{i}: 1\n" for i in range(20000)))
        self.assertEqual(self.home.compile("--check")[0], 0)
        self.config("".join(f"k{i}: ${{XIAOMI_API_KEY{i}}}\n" for i in range(60000)))
        self.home.write(".env", "".join(f"XIAOMI_API_KE{i}=x\n" for i in range(60000)))
        self.assertEqual(self.home.compile("--check")[0], 0)

    def test_placeholder(self):
        self.config("model:\n  provider: xiaomi\n  api_key: changeme\n")
        code, _, err = self.home.compile()
        self.assertEqual(code, 0, err)  # Hermes goes on with the variable
        self.assertIn("config.yaml:3:12: warning[unusable-key]: model.api_key is a placeholder", err)
        keys = [c["secret"] for c in self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"]]
        self.assertEqual(keys, ["sk-test-env-0001"])

    def test_each_form_of_a_reference_in_each_state(self):
        forms = ("${env:GOOD}", "${ GOOD }", "${env: GOOD }", "${env:}", "${ }", "${}", "${env", "${vault:a/b#c}",
                 "${vault:", "${env:env:GOOD}",
                 "${${GOOD}}", "${a${env:GOOD}}", "op://a/b", "op:", "ENC[x]", "ENC[", "bws://x", "vault:", "vault:x",
                 "file:///etc/passwd", "$GOOD", "%(GOOD)s")
        good = "sk-test-good-value-01"
        for form in forms:
            for place in ("model:\n  provider: xiaomi\n  api_key: '{}'\n",
                          "custom_providers:\n- name: lab\n  base_url: https://lab.example/v1\n  api_key: '{}'\n",
                          "fallback_providers:\n- provider: deepseek\n  model: m\n  api_key: '{}'\n",
                          "model_aliases:\n  q:\n    base_url: https://q.example\n    api_key: '{}'\n"):
                with self.subTest(form=form, place=place):
                    self.config(place.format(form))
                    self.home.write(".env", f"GOOD={good}\nXIAOMI_API_KEY=sk-test-env-0001\nXAI_API_KEY={form}\n")
                    code, _, err = self.home.compile()
                    self.assertIn(code, (0, 1), err)
                    if code == 0:
                        keys = [c["secret"] for p in self.home.snapshot()["content"]["providers"].values()
                                for c in p["credentials"]]
                        self.assertLessEqual(set(keys), {good, "sk-test-env-0001"}, err)
        self.config("x:\n" + "".join(f"- '{form * 5}'\n" for form in forms) * 100)
        self.assertIn(self.home.compile()[0], (0, 1))

    def test_key_that_yaml_made_a_number(self):
        self.config("model:\n  provider: xiaomi\n  api_key: 0123456\n")
        self.refused(1, "config.yaml:3:12: error[not-text]: model.api_key is a number, not a string",
                     "help: put it in quotes")

    def test_a_command_that_helps_can_be_pasted(self):
        home = self.home.root / "it's a home"
        home.mkdir()
        config = home / "config.yaml"
        config.write_text("model: {provider: xiaomi, default: m, api_key: sk-test-pasted-one}\n")
        config.chmod(0o666)
        said = self.home.compile("--home", home)[2]
        command = next(line for line in said.splitlines() if "chmod" in line).split("help: ")[1]
        subprocess.run(["sh", "-c", command], check=True, timeout=PATIENCE)
        self.assertEqual(config.stat().st_mode & 0o777, 0o664)

    def test_file_that_others_may_write(self):
        os.chmod(self.home.path / "config.yaml", 0o666)
        self.refused(1, "config.yaml: error[unsafe-mode]: anyone may write to config.yaml (mode 0666", "chmod o-w")

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root to plant another user's link")
    def test_link_that_another_user_made(self):
        """However many links of our own lead to it."""
        store, planted, ours = (self.home.root / name for name in ("store", "planted", "ours"))
        self.config("model: {provider: xiaomi}\n")
        os.rename(self.home.path / "config.yaml", store)
        os.symlink("store", planted)
        os.symlink(planted, ours)
        os.symlink("../ours", self.home.path / "config.yaml")
        self.assertEqual(self.home.compile("--check")[0], 0)
        os.chown(planted, 65534, 65534, follow_symlinks=False)
        self.refused(1, "config.yaml: error[unsafe-link]")
        (self.home.path / "config.yaml").unlink()

    def test_too_large(self):
        self.config(b"# " + b"x" * (17 * 1024 * 1024))
        self.refused(1, "config.yaml: error[too-large]: config.yaml has 17825794 bytes; the limit is 16 MiB")

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("setpriv"), "SKIP: needs root and setpriv")
    def test_unreadable(self):
        for name in (".", "config.yaml", ".env", "auth.json", "auth.lock", "compiled", "compiled/snapshot.json",
                     "compiled/compile.lock"):
            os.chown(self.home.path / name, 65534, 65534)
        os.chmod(self.home.root, 0o755)
        os.chmod(self.home.path / "config.yaml", 0)
        self.refused(4, "config.yaml: error[unreadable]: config.yaml cannot be read: Permission denied", prefix=NOBODY)

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root")
    def test_home_of_somebody_else(self):
        os.chown(self.home.path, 65534, 65534)
        self.refused(4, "error[foreign-home]", "belongs to user 65534", "help: sudo -u nobody hermes-compile --home")

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root")
    def test_reset_in_the_home_of_somebody_else(self):
        """What root leaves there its owner could not write any more."""
        fresh = self.home.root / "fresh"
        fresh.mkdir(mode=0o700)
        os.chown(fresh, 65534, 65534)
        code, _, err = self.home.compile("--home", fresh, "--reset", "xiaomi")
        self.assertEqual(code, 4)
        self.assertIn("error[foreign-home]", err)
        self.assertEqual(os.listdir(fresh), [])

    def test_a_home_that_is_not_there(self):
        for home, why in ("/nowhere", "No such file or directory"), (self.home.path / "config.yaml", "Not a directory"):
            for mode in (), ("--check",), ("--status",), ("--reset", "xiaomi"):
                code, _, err = self.home.compile("--home", home, *mode)
                self.assertEqual(code, 4)
                self.assertIn(f"error[no-home]: there is no Hermes home {home}: {why}\n", err)
        self.assertIn("help: the ~ was not expanded", self.home.compile("--home", "~/.hermes")[2])

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("setpriv"), "SKIP: needs root and setpriv")
    def test_a_folder_that_another_user_left_in_the_home(self):
        for name in (".", "config.yaml", ".env", "auth.json", "auth.lock"):
            os.chown(self.home.path / name, 65534, 65534)
        os.chmod(self.home.root, 0o755)
        for mode in (), ("--reset", "all"):
            code, _, err = self.home.compile(*mode, prefix=NOBODY)
            self.assertEqual(code, 4)
            self.assertIn(f"help: it belongs to user 0: sudo chown -R nobody {self.home.path}/compiled\n", err)

    def test_strict(self):
        self.config(GOOD.replace("good-0001", "good-0002"))
        code, out, err = self.home.compile("--strict")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("nothing published (--strict: there are warnings); generation 1 stays active\n", err)
        self.assertEqual(self.derived(), self.before)

    def test_a_link_to_itself(self):
        (self.home.path / "config.yaml").unlink()
        (self.home.path / "config.yaml").symlink_to("config.yaml")
        self.refused(4, "config.yaml: error[unreadable]: config.yaml cannot be read: Too many levels")
        self.assertIn("\nnothing published; generation 1 stays active\n", self.home.compile()[2])

    def test_pool_that_is_no_json(self):
        for text in ("", "\ufeff{}", "{", "[]", '{"providers": {}} x', '{"credential_pool": 1}', "[" * 5000, "{}",
                     b'{"providers": {"x": "\xff"}}'):
            path = self.home.write("auth.json", text)
            self.config(GOOD.replace("0001", f"{len(text)}aa"))
            code, _, err = self.home.compile()
            self.assertEqual(code, 0, err)
            self.assertIn("auth.json: warning[pool-unreadable]", err)
            self.assertEqual(path.read_bytes(), text if isinstance(text, bytes) else text.encode())

    def test_pool_that_would_crash_hermes(self):
        for entry in ('1', '{"id": "a", "priority": null}', '{"id": "a", "priority": "1"}'):
            text = '{"providers": {}, "credential_pool": {"xiaomi": [%s]}}' % entry
            path = self.home.write("auth.json", text)
            code, _, err = self.home.compile()
            self.assertEqual(code, 0, err)
            self.assertIn("warning[pool-left-alone]: the pool of xiaomi is not changed", err)
            self.assertEqual(path.read_text(), text)

    def test_lock_held_for_longer_than_the_limit(self):
        self.config(GOOD.replace("0001", "new-0001"))
        with open(self.home.path / "auth.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            code, _, err = self.home.compile()
        self.assertEqual(code, 4)
        self.assertIn("error[pool-locked]", err)
        self.assertRegex(err, fr"note: process {os.getpid()} \(\S+\) holds it")
        self.assertEqual(self.home.generation(), 2)  # the snapshot does not wait
        self.assertEqual(self.home.bytes_of("auth.json"), self.before[1])
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual([entry["access_token"] for entry in self.home.pool()],
                         ["sk-test-good-new-0001", "sk-test-env-0001"])

    def test_another_compile_that_does_not_end_is_named(self):
        self.config(GOOD.replace("0001", "new-0001"))
        with open(self.home.path / "compiled/compile.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            code, _, err = self.home.compile()
        self.assertEqual(code, 4)
        self.assertIn("error[home-locked]: another process is still compiling this home", err)
        self.assertRegex(err, fr"note: process {os.getpid()} \(\S+\) holds it")
        self.assertEqual((self.home.bytes_of("compiled/snapshot.json"), self.home.bytes_of("auth.json")), self.before)
        self.assertEqual(self.home.compile()[0], 0)

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root for a mount")
    def test_full_disk(self):
        script = """set -e
            mount -t tmpfs -o size=64k,mode=0700 none "$1"
            printf '%s' "$3" >"$1/config.yaml"; chmod 600 "$1/config.yaml"
            "$2" --home "$1" --quiet 2>/dev/null
            cp -a "$1/compiled/snapshot.json" "$1/auth.json" "$4"
            sed 's/0001/0002/' "$1/config.yaml" >"$4/new"; dd if="$4/new" of="$1/config.yaml" conv=notrunc 2>/dev/null
            for i in 1 2 3; do head -c 100000 /dev/zero >"$1/filler$i" 2>/dev/null || true; done
            code=0; "$2" --home "$1" || code=$?
            cmp "$1/compiled/snapshot.json" "$4/snapshot.json"; cmp "$1/auth.json" "$4/auth.json"
            ls -a "$1/compiled" | grep -c hermes-compile && exit 9
            exit $code"""
        out, home = self.home.root / "out", self.home.root / "disk"
        out.mkdir()
        home.mkdir(mode=0o700)
        done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", home, COMPILE,
                               GOOD,
                               out], capture_output=True, text=True, timeout=PATIENCE, env=self.home.env)
        if "unshare:" in done.stderr or "mount:" in done.stderr:
            self.skipTest("SKIP: no mounts of our own here")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("error[write-failed]", done.stderr)
        self.assertIn("No space left on device", done.stderr)

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root for a mount")
    def test_a_disk_full_of_what_a_killed_compile_left(self):
        script = """set -e
            mount -t tmpfs -o size=64k,mode=0700 none "$1"
            printf '%s' "$3" >"$1/config.yaml"; chmod 600 "$1/config.yaml"
            "$2" --home "$1" --quiet 2>/dev/null
            printf '%s' "$4" >"$1/config.yaml"
            head -c 100000 /dev/zero >"$1/compiled/.hermes-compile.snapshot.json.99999999.0" 2>/dev/null || true
            "$2" --home "$1" """
        home = self.home.root / "disk"
        home.mkdir(mode=0o700)
        done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", home, COMPILE,
                               GOOD,
                               GOOD.replace("0001", "0002")], capture_output=True, text=True, timeout=PATIENCE,
                               env=self.home.env)
        if "unshare:" in done.stderr or "mount:" in done.stderr:
            self.skipTest("SKIP: no mounts of our own here")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("generation 2:", done.stdout)

    def test_wrong_usage(self):
        for arguments in (("--nonsense",), ("--check", "--diff"), ("extra",), ("--color", "pink"), ("--explain",)):
            self.assertEqual(self.home.compile(*arguments)[0], 2)
        self.assertEqual(self.home.compile("--explain", "xiaomi", "--reveal")[0], 2)  # not to a terminal

    def test_nothing_to_do_writes_nothing(self):
        inode = os.stat(self.home.path / "compiled/snapshot.json").st_ino, os.stat(self.home.path / "auth.json").st_ino
        self.assertEqual(self.home.compile()[0], 0)
        after = os.stat(self.home.path / "compiled/snapshot.json").st_ino, os.stat(self.home.path / "auth.json").st_ino
        self.assertEqual(inode, after)
        self.assertEqual(self.home.compile("--diff")[0], 0)
        self.config(GOOD.replace("0001", "other"))
        self.assertEqual(self.home.compile("--diff")[0], 3)


if __name__ == "__main__":
    unittest.main()
