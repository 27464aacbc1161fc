"""A profile reads the root's auth.json as long as its own has no entry of a provider, and so do its snapshot and its
pool."""
import json, unittest

from harness import Home, fingerprint

ROOT, LOGIN, ENV, FILE = "sk-test-root-000001", "sk-test-login-00001", "sk-test-env-000001", "sk-test-file-000001"


def entry(**members):
    return {"id": "abc123", "label": "root's", "auth_type": "api_key", "source": "manual", "priority": 0,
            "access_token": ROOT,
            "base_url": "https://a.example.com/v1"} | members


class ProfilePool(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.root = self.home.path
        self.home.path = self.root / "profiles/work"
        self.home.path.mkdir(parents=True, mode=0o700)
        self.home.write("config.yaml", "model:\n  provider: xiaomi\n")
        self.home.write(".env", f"XIAOMI_API_KEY={ENV}\n")

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def store(self, path, *entries):
        store = {"version": 1, "providers": {}, "credential_pool": {"xiaomi": list(entries)} if entries else {}}
        (path / "auth.json").write_text(json.dumps(store, indent=2) + "\n")
        (path / "auth.json").chmod(0o600)

    def secrets(self):
        return [c["secret"] for c in self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"]]

    def test_what_the_root_prefers_stays_preferred(self):
        """An entry of ours would hide the root's: for a key of .env there is none."""
        for entries in ([entry()], [entry(auth_type="oauth", source="device_code", access_token=LOGIN)]):
            self.store(self.root, *entries)
            self.store(self.home.path)
            before = (self.root / "auth.json").read_bytes()
            for _ in range(2):
                self.assertEqual(self.home.compile()[0], 0)
                self.assertEqual(self.home.pool(), [])
                self.assertEqual(self.secrets(), ([ROOT, ENV] if entries[0]["auth_type"] == "api_key" else [ENV]))
            self.assertEqual((self.root / "auth.json").read_bytes(), before)
        self.assertEqual(self.home.generation(), 2)

    def test_its_own_entries_count_once_there_are_any(self):
        self.store(self.root, entry())
        self.store(self.home.path, entry(id="fff000", source="env:XIAOMI_API_KEY", access_token=ENV))
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(self.secrets(), [ENV])
        self.assertEqual([e["access_token"] for e in self.home.pool()], [ENV])

    def test_a_profile_with_a_key_of_its_own_is_not_lent_what_hermes_watch_put_into_the_root(self):
        """Alone, Hermes has nothing with a key in the root's pool that a profile could use."""
        ours = entry(source="manual:hermes-watch:model.api_key")
        self.store(self.root, ours)
        for _ in range(2):
            self.assertEqual(self.home.compile()[0], 0)
            self.assertEqual([(e["source"], e["access_token"]) for e in self.home.pool()],
                             [("env:XIAOMI_API_KEY", ENV)])
            self.assertEqual(self.secrets(), [ENV])
        self.store(self.root, ours, entry(id="def456", access_token=LOGIN))  # and a person's own
        self.store(self.home.path)
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(self.home.pool(), [])
        self.assertEqual(self.secrets(), [ROOT, LOGIN, ENV])

    def test_no_key_of_the_root_goes_to_another_url_of_the_profile(self):
        """Hermes finds the root's pool by the provider's name. What hermes-watch put there it would not have alone."""
        provider = "model: {provider: mine}\nproviders: {mine: {base_url: 'https://%s.example.com/v1'}}\n"
        pool = {"custom:mine": [entry(source="manual:hermes-watch:MINE", base_url="https://one.example.com/v1")]}
        self.store(self.root)
        (self.root / "auth.json").write_text(json.dumps({"version": 1, "credential_pool": pool}))
        for host, keys, pooled in (("one", [ROOT], []), ("two", [], ["no-key-required"]), ("one", [ROOT], [])):
            self.home.write("config.yaml", provider % host)
            for _ in range(2):
                code, _, err = self.home.compile()
                self.assertEqual(code, 0)
                self.assertEqual("root-pool-hidden" in err, host == "two")
                credentials = self.home.snapshot()["content"]["providers"]["custom:mine"]["credentials"]
                self.assertEqual([c["secret"] for c in credentials], keys)
                self.assertEqual([e["access_token"] for e in self.home.pool("custom:mine")], pooled)
        self.home.write("config.yaml", provider % "two")
        (self.home.path / "auth.json").write_text(json.dumps({"version": 1, "credential_pool": {"custom:mine": []}}))
        self.home.compile()
        self.assertEqual([e["access_token"] for e in self.home.pool("custom:mine")], ["no-key-required"])

    def test_a_copied_pool_hides_nothing_of_the_root(self):
        """What Hermes makes of the root's config.yaml goes out in the profile: then the root's key must not go to the
        profile's URL, and where the URL is the same, that it goes there is said."""
        provider = "custom_providers: [{{name: Acme, base_url: {}, key_env: ACME_KEY}}]\n"
        (self.root / "config.yaml").write_text(provider.format("https://a.example.com/v1"))
        (self.root / ".env").write_text(f"ACME_KEY={ROOT}\n")
        store = {"version": 1, "providers": {}, "credential_pool": {"custom:acme": [entry(source="config:Acme")]}}
        del store["credential_pool"]["custom:acme"][0]["access_token"]
        (self.root / "auth.json").write_text(json.dumps(store))
        for name in ("config.yaml", ".env", "auth.json"):
            (self.root / name).chmod(0o600)
        self.assertEqual(self.home.compile("--home", self.root)[0], 0)
        self.home.write(".env", "")
        for url, kept, said in (("https://b.example.com/v1", 2, "warning[root-pool-hidden]"),
                                ("https://a.example.com/v1", 1, "hint[inherited-key]")):
            with self.subTest(url=url):
                self.home.write("auth.json", (self.root / "auth.json").read_text())
                self.home.write("config.yaml", "model: {provider: acme}\n"
                                               f"custom_providers: [{{name: Acme, base_url: {url}}}]\n")
                code, _, err = self.home.compile()
                self.assertEqual(code, 0)
                self.assertIn(said, err)
                self.assertNotIn(ROOT, self.home.bytes_of("auth.json").decode())
                self.assertEqual(len(self.home.pool("custom:acme")), kept)

    def test_the_root_lends_no_key_of_its_configuration_that_hermes_puts_there(self):
        """In a profile, Hermes takes such an entry out before it selects one."""
        seeded = entry(source="config:mine", base_url="https://one.example.com/v1")
        (self.root / "auth.json").write_text(json.dumps({"version": 1, "credential_pool": {"custom:mine": [seeded]}}))
        for host in ("one", "two"):
            for key, keys in (("", []), (f", api_key: {FILE}", [FILE])):
                self.home.write("config.yaml", "model: {provider: mine}\n"
                                f"providers: {{mine: {{base_url: 'https://{host}.example.com/v1'{key}}}}}\n")
                code, _, err = self.home.compile()
                self.assertEqual((code, "foreign-url" in err, "inherited-key" in err), (0, False, False))
                credentials = self.home.snapshot()["content"]["providers"]["custom:mine"]["credentials"]
                self.assertEqual([c["secret"] for c in credentials], keys)

    def test_the_root_lends_no_key_of_a_variable(self):
        """As long as Hermes has not taken such an entry over, it has the key in it."""
        profiles, self.home.path = self.home.path, self.root
        profiles.parent.rename(self.root / "away")
        self.home.write(".env", f"XIAOMI_API_KEY={ENV}\n")
        self.home.compile()
        self.assertEqual([e["access_token"] for e in self.home.pool()], [ENV])
        (self.root / "away").rename(profiles.parent)
        self.home.compile()
        self.assertEqual(self.home.pool(), [])

    def test_a_key_of_the_configuration_goes_first_and_says_what_it_hides(self):
        self.store(self.root, entry())
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {FILE}\n")
        for generation in range(2):
            code, _, err = self.home.compile()
            self.assertEqual(code, 0)
            self.assertIn("warning[root-pool-hidden]", err)
            self.assertEqual([e["access_token"] for e in self.home.pool()], [FILE])
            self.assertEqual(self.secrets(), [FILE, ROOT, ENV])
        self.assertEqual(self.home.generation(), 1)
        credential = self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][1]
        self.assertEqual(credential["origins"][0]["path"], str(self.root / "auth.json"))

    def test_it_is_said_when_the_root_lends_its_key(self):
        self.home.write(".env", "")
        self.store(self.root, entry())
        err = self.home.compile()[2]
        self.assertIn(f"hint[inherited-key]: this profile has no key for xiaomi: it uses {fingerprint(ROOT)}", err)
        self.home.write(".env", f"XIAOMI_API_KEY={ENV}\n")
        self.assertEqual(self.secrets(), [ROOT])

    def test_a_bot_of_the_root(self):
        (self.root / ".env").write_text("TELEGRAM_BOT_TOKEN=sk-test-bot-000001\n")
        (self.root / ".env").chmod(0o600)
        self.home.write(".env", "TELEGRAM_BOT_TOKEN=sk-test-bot-000001\n")
        self.assertIn("warning[shared-bot]: TELEGRAM_BOT_TOKEN is also the bot of", self.home.compile()[2])
        self.home.write(".env", "TELEGRAM_BOT_TOKEN=sk-test-bot-000002\n")
        self.assertNotIn("shared-bot", self.home.compile()[2])

    def test_another_home_in_its_env_file(self):
        self.home.write(".env", f"HERMES_HOME={self.root}\n")
        self.assertIn(".env:1:13: warning[home-in-env]", self.home.compile()[2])
        self.home.write(".env", f"HERMES_HOME={self.home.path}\n")
        self.assertNotIn("home-in-env", self.home.compile()[2])

    def test_a_root_that_cannot_be_read(self):
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {FILE}\n")
        (self.root / "auth.json").write_text("no json")
        (self.root / "auth.json").chmod(0o600)
        code, _, err = self.home.compile()
        self.assertEqual(code, 0)
        self.assertIn("warning[pool-unreadable]", err)
        self.assertEqual([e["access_token"] for e in self.home.pool()], [FILE, ENV])
        self.assertEqual((self.root / "auth.json").read_text(), "no json")


if __name__ == "__main__":
    unittest.main()
