"""hermes-compile --check --live: every place where a key may hide is named, with its fingerprint and what mends it."""
import json, os, subprocess, sys, unittest

from harness import Home, Watch, fingerprint

TRUE, STALE, HIDDEN = "sk-test-true-000001", "sk-test-stale-00001", "sk-test-hidden-0001"


class Drift(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.write("config.yaml", "model:\n  provider: xiaomi\n  default: mimo\n")
        self.home.write(".env", f"XIAOMI_API_KEY={TRUE}\n")
        self.home.compile()

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def findings(self, status=3):
        code, out, err = self.home.compile("--check", "--live", "--format", "json")
        self.assertEqual((code, err), (status, ""))
        text = self.home.compile("--check", "--live")[1]
        found = json.loads(out)["findings"]
        self.assertEqual(text.count("\n  help: "), len(found))
        return {f["where"] + (" " + f["variable"] if "variable" in f else ""): f for f in found}

    def user_file(self, name, text):
        path = self.home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.chmod(path, 0o600)

    def test_nothing_but_a_watcher_that_does_not_run(self):
        found = self.findings()
        self.assertEqual(list(found), ["hermes-watch"])
        self.assertIn("systemctl --user enable --now", found["hermes-watch"]["help"])
        watch = Watch(self.home)
        self.assertEqual(self.findings(status=0), {})
        watch.close()

    def test_start_up_files_of_a_shell(self):
        self.user_file(".bashrc", f"# export XIAOMI_API_KEY=no\nalias x=y\nexport XIAOMI_API_KEY='{STALE}' # note\nexport EDITOR=vi\n")
        self.user_file(".config/fish/config.fish", f'set -gx DEEPSEEK_API_KEY "{HIDDEN}"\n')
        self.user_file(".profile", f"XIAOMI_API_KEY={TRUE}\n")
        found = self.findings()
        stale = found["~/.bashrc:3 XIAOMI_API_KEY"]
        self.assertEqual((stale["found"], stale["expected"], stale["matters"]), (fingerprint(STALE), fingerprint(TRUE), False))
        hidden = found["~/.config/fish/config.fish:1 DEEPSEEK_API_KEY"]
        self.assertEqual((hidden["found"], hidden["matters"], hidden["help"]),
                         (fingerprint(HIDDEN), True, "move DEEPSEEK_API_KEY into .env"))
        self.assertEqual(len(found), 3)

    def test_this_shell(self):
        self.home.env |= {"XIAOMI_API_KEY": STALE, "OPENROUTER_API_KEY": HIDDEN, "LANG": "C"}
        found = self.findings()
        self.assertFalse(found["this shell XIAOMI_API_KEY"]["matters"])
        self.assertTrue(found["this shell OPENROUTER_API_KEY"]["matters"])

    def test_units_and_their_files(self):
        secrets = self.home.root / "secrets.env"
        self.user_file("secrets.env", f"# c\nDEEPSEEK_API_KEY={HIDDEN}\n")
        unit = f'[Service]\nEnvironment="XIAOMI_API_KEY={STALE}" A=b\nEnvironmentFile=-{secrets}\nPassEnvironment=OPENAI_API_KEY\n'
        path = self.home.root / ".config/systemd/user/hermes-gateway.service.d/keys.conf"
        self.user_file(path.relative_to(self.home.root), unit)
        found = self.findings()
        self.assertEqual(found[f"{path} Environment= XIAOMI_API_KEY"]["found"], fingerprint(STALE))
        self.assertEqual(found[f"{path} EnvironmentFile={secrets} DEEPSEEK_API_KEY"]["found"], fingerprint(HIDDEN))
        self.assertIn(str(path), found)

    def test_a_gateway_that_runs_with_another_key(self):
        def gateway(home):
            process = subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "hermes_cli.main", "gateway", "run"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       env={"HERMES_HOME": str(home), "XIAOMI_API_KEY": STALE, "DEEPSEEK_API_KEY": HIDDEN})
            process.stdout.readline()
            return process

        ours, other = gateway(self.home.path), gateway(self.home.root)
        found = self.findings()
        where = f"process {ours.pid} (Hermes)"
        self.assertEqual(found[where + " XIAOMI_API_KEY"]["found"], fingerprint(STALE))
        self.assertTrue(found[where + " DEEPSEEK_API_KEY"]["matters"])
        self.assertFalse([f for f in found if f"process {other.pid}" in f])
        for process in (ours, other):
            process.communicate()

    def test_a_stale_snapshot_and_a_pool_that_contradicts(self):
        self.home.write(".env", f"XIAOMI_API_KEY={STALE}\n")
        found = self.findings()
        self.assertEqual(found["compiled/snapshot.json"]["message"], "older than its sources")
        self.assertIn("auth.json", found)
        (self.home.path / "compiled/snapshot.json").unlink()
        self.assertEqual(self.findings()["compiled/snapshot.json"]["message"], "there is none that can be used")

    def test_a_reset_clears_pool_and_memory(self):
        store = json.loads(self.home.bytes_of("auth.json"))
        store["credential_pool"]["xiaomi"][0] |= {"last_status": "exhausted", "last_status_at": 1795000000.5, "last_error_code": 429,
                                                  "last_error_reset_at": 4000000000.25}
        self.home.write("auth.json", json.dumps(store, indent=2) + "\n")
        self.home.compile()
        self.assertIn("cooling until 2096", self.home.compile("--status")[1])
        self.assertIn("every key is cooling", self.home.compile("--status")[1])
        self.assertEqual(self.home.compile("--reset", "xiaomi", "sha256:" + "0" * 16)[1], "nothing was cooling\n")
        self.assertIn(f"xiaomi: cleared {fingerprint(TRUE)} in auth.json\n", self.home.compile("--reset", "mimo")[1])
        self.assertIn("usable, goes out next", self.home.compile("--status")[1])
        self.assertIsNone(self.home.pool()[0]["last_status"])
        self.home.compile()
        self.assertIn("usable", self.home.compile("--status")[1])
        self.assertEqual(self.home.compile("--reset", "all", "not-a-fingerprint")[0], 2)


if __name__ == "__main__":
    unittest.main()
