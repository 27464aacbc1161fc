"""What nobody does by mistake, and some do on purpose: derived files that were planted, pools of odd shape, keys in
places that are no key's."""
import hashlib, json, os, subprocess, unittest

from harness import Home, fingerprint

MAIN, LEAK = "sk-test-main-000001", "sk-test-leaked-0001"
CONFIG = f"model:\n  provider: xiaomi\n  api_key: {MAIN}\n"


def entry(**members):
    return {"id": "abc123", "auth_type": "api_key", "source": "manual", "priority": 0,
            "access_token": "sk-test-manual-0001",
            "base_url": "https://a.example.com/v1"} | members


class Hostile(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.write("config.yaml", CONFIG)
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-env-000001\n")

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.assertFalse([c for c in self.home.printed if c < 32 and c != 10])
        self.home.close()

    def store(self, text):
        self.home.write("auth.json", text if isinstance(text, str)
                        else json.dumps({"credential_pool": {"xiaomi": text}}))

    def every_mode(self):
        for mode in ((), ("--check",), ("--diff",), ("--status",), ("--explain", "xiaomi"),
                     ("--diff", "--format", "json"),
                     ("--explain", "xiaomi", "--format", "json")):
            self.assertIn(self.home.compile(*mode)[0], (0, 3))

    def test_priorities_that_no_double_can_say(self):
        for priority in ("1e999", "-1e999", "1" + "0" * 400):
            text = json.dumps({"credential_pool": {"xiaomi": [entry(priority=77)]}}).replace("77", priority)
            self.store(text)
            self.assertIn("warning[pool-left-alone]", self.home.compile()[2])
            self.assertEqual(self.home.bytes_of("auth.json").decode(), text)
        self.store([entry(priority=-1e308), entry(id="fff000", source="env:XIAOMI_API_KEY", priority=1.7e308)])
        self.home.compile()
        self.assertNotIn(b"inf", self.home.bytes_of("auth.json"))
        self.store(json.dumps({"credential_pool": {"xiaomi": [entry(priority=77)]}}).replace("77", "-1" + "0" * 80))
        self.home.compile()
        self.assertEqual(min(self.home.pool(), key=lambda e: e["priority"])["access_token"], MAIN)

    def test_a_memory_of_cooldowns_that_was_edited(self):
        self.home.compile()
        key = "sk-test-fresh-00001"
        memory = {"status": "exhausted", "until": 9999999999,
                  "raw": ['"exhausted"', "1}, garbage", "xx", "", "null", "9999999999"]}
        self.home.write("compiled/cooldowns.json",
                        json.dumps({"format": 1, "cooldowns": {"xiaomi": {fingerprint(key): memory}}}))
        self.home.write("config.yaml", CONFIG.replace(MAIN, key))
        self.home.compile()
        self.assertEqual(self.home.pool()[0]["access_token"], key)
        self.store([entry(source="env:XIAOMI_API_KEY", access_token="sk-test-env-000001", last_status="exhausted",
                          last_status_at=1,
                          last_error_reset_at=77)])
        path = self.home.path / "auth.json"
        path.write_text(path.read_text().replace("77", "1e999"))
        self.home.compile()
        json.loads(self.home.bytes_of("compiled/cooldowns.json") or b"{}", parse_constant=self.fail)

    def test_links_in_place_of_derived_files(self):
        victim = self.home.root / "victim"
        victim.write_text("precious")
        (self.home.path / "compiled").mkdir(mode=0o777)
        os.chmod(self.home.path / "compiled", 0o777)
        for name in ("snapshot.json", "cooldowns.json"):
            (self.home.path / "compiled" / name).symlink_to(victim)
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(victim.read_text(), "precious")
        self.assertFalse((self.home.path / "compiled/snapshot.json").is_symlink())
        self.assertEqual(os.stat(self.home.path / "compiled").st_mode & 0o777, 0o700)

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root for a folder of another user")
    def test_a_link_of_ones_own_to_another_users_folder(self):
        trap = self.home.root / "trap"
        trap.mkdir()
        os.chown(trap, 65534, 65534)
        (self.home.path / "compiled").symlink_to(trap)
        code, _, said = self.home.compile()
        self.assertEqual((code, list(trap.iterdir())), (4, []), said)
        os.chown(trap, 0, 0)
        self.assertEqual(self.home.compile()[0], 0)

    def test_a_pipe_in_place_of_the_snapshot_blocks_nobody(self):
        (self.home.path / "compiled").mkdir(mode=0o700)
        os.mkfifo(self.home.path / "compiled/snapshot.json")
        self.assertEqual(self.home.compile("--check")[0], 0)
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(self.home.generation(), 1)

    def test_a_pool_that_is_linked_to_no_file(self):
        (self.home.path / "auth.json").symlink_to("/dev/null")
        code, _, err = self.home.compile()
        self.assertEqual(code, 0, err)
        self.assertNotIn("error[", err)
        self.assertFalse(os.path.isfile("/dev/null"))

    def test_half_a_surrogate_pair_is_no_key(self):
        self.store([entry(access_token="sk-test-\ud800zz", label="\udfff")])
        self.assertEqual(self.home.compile()[0], 0)
        self.home.snapshot()

    def test_names_with_a_nul_are_nobodys(self):
        foreign = {"credential_pool": {"xiaomi": [entry()],
                                       "xiaomi\0": [entry(source="manual:hermes-watch:model.api_key\0z")]}}
        self.store(json.dumps(foreign))
        self.home.compile()
        pool = json.loads(self.home.bytes_of("auth.json"))["credential_pool"]
        self.assertEqual(pool["xiaomi\0"], foreign["credential_pool"]["xiaomi\0"])
        self.assertIn(MAIN, [e["access_token"] for e in pool["xiaomi"]])

    def test_a_pool_that_is_named_twice_is_left_alone(self):
        text = json.dumps({"credential_pool": {"xiaomi": [entry()], "X": []}}).replace('"X"', '"xiaomi"')
        self.store(text)
        self.assertIn("warning[pool-left-alone]: the pool of xiaomi is not changed: its name is given twice",
                      self.home.compile()[2])
        self.assertEqual(self.home.bytes_of("auth.json").decode(), text)

    def test_keys_in_places_that_are_no_keys(self):
        self.store([entry(id=LEAK, label=LEAK, source=f"manual:{LEAK}"),
                    entry(id="aaa000", source=f"manual:hermes-watch:{LEAK}"),
                    entry(id="bbb000", source="manual:hermes-watch:q", access_token="",
                          secret_fingerprint="sk-test-leaked-0001-xyz"),
                    entry(id="ccc000", label="a\x1b[31mX\x07")])
        self.every_mode()
        self.home.write("config.yaml", f"model:\n  provider: {LEAK}\n  base_url: https://u:{LEAK}@a.example.com/v1\n"
                        f"providers:\n  {LEAK}: {{api_key: {LEAK}-2, base_url: 'https://b.example.com/{LEAK}'}}\n"
                        f"custom_providers: [{{name: x, base_url: 'https://c.example.com?key={LEAK}', "
                        f"api_key: {LEAK}-3}}]\n"
                        f"auxiliary: {{{LEAK}: {{provider: xiaomi, api_key: {LEAK}-4}}}}\n")
        self.home.write(".env",
                        f"DEEPSEEK{LEAK}_API_KEY=é\nDEEPSEEK{LEAK}_API_KEY=b\n"
                        f"XIAOMI_BASE_URL=https://{LEAK}@h.example.com\n")
        self.every_mode()
        for what in ("model.base_url", "model.provider", "providers", "XIAOMI_BASE_URL", "x",
                     f"DEEPSEEK{LEAK}_API_KEY"):
            _, out, err = self.home.compile("--explain", what, "--format", "json")
            self.home.printed = self.home.printed.replace(what.encode(), b"")  # what was asked for by its own name

    def test_keys_that_everybody_may_read(self):
        os.chmod(self.home.path / "config.yaml", 0o644)
        self.store("{\"providers\": {}}")
        os.chmod(self.home.path / "auth.json", 0o644)
        _, _, err = self.home.compile()
        self.assertIn("config.yaml: warning[readable-by-others]", err)
        self.assertIn("auth.json: warning[readable-by-others]", err)
        self.assertEqual(os.stat(self.home.path / "auth.json").st_mode & 0o777, 0o640)
        self.home.write("config.yaml", 'model: {provider: xiaomi, api_key: "${XIAOMI_API_KEY}"}\n')
        self.assertNotIn("config.yaml: warning[readable", self.home.compile("--check")[2])

    def test_bombs_end_in_a_diagnostic(self):
        many = 100000
        for text, code in (("a: 1" + ":30" * many, "yaml-value"), ("a: 0x" + "f" * many, "yaml-value"),
                           ("[" * many, "nesting-limit"),
                           ("a: " + "1:" * many, "yaml-syntax"), ("[a?b, " * 20000, "nesting-limit"),
                           ("- " * many, "nesting-limit"),
                           ("a0: &a0 x\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n"
                                                    for i in range(1, 30)), "alias-limit"),
                           ("a0: &a0 {k: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n"
                                                         for i in range(1, 30)),
                            "alias-limit"), ("a: &a [*a]\n", "recursive-alias")):
            with self.subTest(text[:20]):
                self.home.write("config.yaml", text)
                code_of_exit, _, err = self.home.compile("--check")
                self.assertEqual(code_of_exit, 1)
                self.assertIn(f"error[{code}]", err)
        self.home.write("config.yaml", "model: x\n")
        for line, code in (("A=${A}${A}\n", "error[env-too-long]"),
                           ("A=${A}x\n", "error[env-too-long]")):
            with self.subTest(line):
                self.home.write(".env", "A=xxxxxxxxxx\n" + line * (100 if "${A}x" not in line else 20000))
                self.assertIn(code, self.home.compile("--check")[2])

    def test_thousands_of_keys_of_one_provider_change_at_once(self):
        for word in ("one", "two"):
            self.home.write(".env", f"DEEPSEEK_API_KEY=sk-test-{word}-00000000\n" +
                            "".join(f"DEEPSEEK_API_KEY_{i + 1}=sk-test-{word}-{i:08}\n" for i in range(1, 5000)))
            self.assertEqual(self.home.compile("--quiet")[0], 0)
        credentials = self.home.snapshot()["content"]["providers"]["deepseek"]["credentials"]
        self.assertEqual(len(credentials), 5000)
        _, out, _ = self.home.compile("--diff")
        self.assertEqual(out, "")

    def test_a_reset_in_the_far_future(self):
        self.store([entry(source="env:XIAOMI_API_KEY", access_token="sk-test-env-000001", last_status="exhausted",
                          last_error_reset_at=1e300, last_status_at=1)])
        self.home.compile()
        self.assertIn("cooling, without an end", self.home.compile("--status")[1])


if __name__ == "__main__":
    unittest.main()
