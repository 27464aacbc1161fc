"""Real files: the 79 KB configuration compiles, and every auth.json keeps what is not ours."""
import json, subprocess, sys, unittest

from harness import COMPILE, SHARED, Home, fingerprint, shared
from hermes_double import VERSIONS, FileStore, Hermes

DATA = SHARED / "data"
STATE = ("last_status", "last_status_at", "last_error_code", "last_error_reason", "last_error_message",
         "last_error_reset_at", "secret_fingerprint", "access_token")


KEYS = "sk-test-real-one", "sk-test-real-two"  # also in entries that are written in Hermes's form, where it has none


def foreign(text, exact):
    store = json.loads(text, parse_float=str, parse_int=str)
    for pool in store["credential_pool"].values():
        pool[:] = [e for e in pool if not e["source"].startswith("manual:hermes-watch:")
                   and e.get("access_token") not in KEYS]
        for entry in pool:
            for member in STATE if not exact and entry["source"].startswith("env:") else ():
                entry.pop(member, None)
    return {name: pool for name, pool in store["credential_pool"].items() if pool}, \
           {name: value for name, value in store.items() if name != "credential_pool"}


CUSTOMS = """custom_providers:
- {{name: My LLM, base_url: 'https://llm.example.com/v1', api_key: {0}}}
- {{name: Zweiter Server, base_url: 'http://10.0.0.7:8000/v1', api_key: {0}}}
providers:
  {{gemini: {{api_key: {0}}}, openrouter: {{api_key: {0}}}, deepseek: {{api_key: {0}}}, nous: {{api_key: {0}}},
   openai-codex: {{api_key: {0}}}}}
"""


@unittest.skipUnless(DATA.is_dir(), "SKIP: no ../shared/data here")
class RealInputs(unittest.TestCase):
    def setUp(self):
        self.home = Home()

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def test_the_real_configuration(self):
        self.home.write("config.yaml", (DATA / "config-real.yaml").read_bytes())
        self.home.write(".env", (DATA / "env-real.env").read_bytes())
        code, _, err = self.home.compile()
        self.assertEqual(code, 0, err)
        self.assertNotIn("error[", err)
        self.assertEqual(self.home.snapshot()["content"]["config"]["agent"]["max_turns"], 60)

    def test_every_store(self):
        """A key for each of its pools: what Hermes seeded with another key stays as it is, too, where no cooldown is in
        the way."""
        for path in shared("data/auth-*.json"):
            with self.subTest(path.name):
                original = path.read_text()
                self.home.write("auth.json", original)
                for key in KEYS:
                    self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {key}\n"
                                    + CUSTOMS.format(key))
                    self.assertEqual(self.home.compile()[0], 0)
                    for pool in ("xiaomi", "gemini", "openrouter", "deepseek"):
                        first = min(self.home.pool(pool), key=lambda entry: entry["priority"])
                        self.assertEqual((first["access_token"], first["last_status"]), (key, None), pool)
                        self.assertTrue(first["base_url"])
                    text = (self.home.path / "auth.json").read_text()
                    self.assertEqual(foreign(text, True), foreign(original, True))
                    self.assertEqual(json.dumps(json.loads(text), indent=2) + "\n", text)
                self.home.write("config.yaml", "model:\n  provider: xiaomi\n")
                self.assertEqual(self.home.compile()[0], 0)
                text = (self.home.path / "auth.json").read_text()
                self.assertEqual(text, original)

    def test_every_store_with_a_hermes_beside_it(self):
        """Add, rotate, cool down, remove, on disk, with each version at work on the file."""
        for path in shared("data/auth-*.json"):
            for version in VERSIONS:
                with self.subTest(path.name, version=version):
                    self.story(path.read_text(), version)

    def story(self, original, version):
        one, two = "sk-test-real-one", "sk-test-real-two"
        (self.home.path / "compiled/cooldowns.json").unlink(missing_ok=True)
        self.home.write("auth.json", original)
        hermes = Hermes(version, FileStore(self.home.path / "auth.json"), dict)
        logins = json.loads(original)["providers"]
        for key in (one, two):
            self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {key}\n")
            self.assertEqual(self.home.compile()[0], 0)
            self.assertEqual(hermes.key("xiaomi"), key)
        hermes.mark("xiaomi", two, 429, 4000000000.25)
        self.assertEqual(self.home.compile()[0], 0)
        self.assertRegex(self.home.compile("--status")[1], fingerprint(two) + " .*cooling until 2096")
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {one}\n")
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(hermes.key("xiaomi"), one)
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {two}\n")
        self.home.compile()
        self.assertEqual([e["last_status"] for e in self.home.pool() if e.get("access_token") == two], ["exhausted"])
        self.home.write("config.yaml", "model:\n  provider: xiaomi\n")
        self.home.compile()
        self.assertFalse([e for e in self.home.pool() if e["source"].startswith("manual:hermes-watch:")])
        self.assertEqual(json.loads((self.home.path / "auth.json").read_text())["providers"], logins)
        before = self.home.bytes_of("auth.json")
        self.home.compile()
        self.assertEqual(self.home.bytes_of("auth.json"), before)

    def test_hermes_compile_links_little(self):
        done = subprocess.run(["ldd", COMPILE], capture_output=True, text=True)
        for name in ("curl", "systemd", "inotify", "gnutls", "ssl"):
            self.assertNotIn(name, done.stdout)


if __name__ == "__main__":
    unittest.main()
