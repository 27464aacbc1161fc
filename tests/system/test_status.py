"""hermes-compile --status: each key, what the provider said of it, and which one is used next under each strategy."""
import json, shutil, time, unittest

from harness import Home, fingerprint

KEYS = ["sk-test-status-0001", "sk-test-status-0002", "sk-test-status-0003", "sk-test-status-0004"]
PRINTS = [fingerprint(key) for key in KEYS]


def entry(number, **members):
    return {"id": f"aaaaa{number}", "label": f"key {number}", "auth_type": "api_key", "priority": number,
            "source": "manual",
            "access_token": KEYS[number], "last_status": None, "last_status_at": None, "last_error_code": None,
            "last_error_reason": None,
            "last_error_message": None, "last_error_reset_at": None, "base_url": "https://a.example.com/v1",
            "request_count": 0} | members


class Status(unittest.TestCase):
    def setUp(self):
        self.home = Home()

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def status(self, config, *entries):
        self.home.write("config.yaml", "model:\n  provider: xiaomi\n" + config)
        if entries:
            store = {"version": 1, "providers": {}, "credential_pool": {"xiaomi": list(entries)}}
            self.home.write("auth.json", json.dumps(store, indent=2) + "\n")
        self.assertEqual(self.home.compile()[0], 0)
        out = self.home.compile("--status")[1]
        return {line.split()[0]: line for line in out.splitlines() if line.startswith("  sha256:")} | {"all": out}

    def next(self, lines):
        return [PRINTS.index(name) for name, line in lines.items() if line.endswith("is used next")]

    def test_how_long_a_key_rests(self):
        """An only key for a minute, one of several for an hour, and a model by itself."""
        now = int(time.time())
        spent = {"last_status": "exhausted", "last_status_at": now - 100, "last_error_code": 429}
        self.assertIn("usable", self.status("", entry(0, **spent))[PRINTS[0]])
        self.assertIn("cooling until", self.status("", entry(0, **spent), entry(1))[PRINTS[0]])
        self.assertIn("cooling until", self.status("", entry(0, **spent | {"last_error_code": 402}))[PRINTS[0]])
        line = self.status("", entry(0, model_cooldowns={"big": 4e9, "small": 1}))[PRINTS[0]]
        self.assertIn("usable, is used next, cooling for big until 2096", line)
        self.assertNotIn("small", line)

    def test_what_an_open_session_turns_to(self):
        self.home.write(".env", f"XIAOMI_API_KEY={KEYS[1]}\n")
        told = self.status(f"  api_key: {KEYS[0]}\n")["all"]
        self.assertIn("an open session of Hermes 0.20.1 or later turns to XIAOMI_API_KEY when its line in .env changes",
                      told)
        self.assertNotIn("an open session", self.status("")["all"])

    def test_what_the_provider_said(self):
        cooling = {"last_status": "exhausted", "last_status_at": 1795000000.5, "last_error_code": 429,
                   "last_error_reset_at": 4000000000}
        lines = self.status("", entry(0, **cooling, last_error_reason="usage_limit_reached",
                                      last_error_message="Try again later. " * 20),
                            entry(1, last_status="dead", last_status_at=4000000000.5, last_error_code=401,
                                  last_error_reason="token_revoked"),
                            entry(2, **cooling, last_error_message="Incorrect API key: sk-test-status-0003"), entry(3))
        self.assertIn("cooling until 2096", lines[PRINTS[0]])
        self.assertIn("(429, usage_limit_reached, Try again later. ", lines[PRINTS[0]])
        self.assertIn("...)", lines[PRINTS[0]])
        self.assertIn("dead (401, token_revoked)", lines[PRINTS[1]])
        self.assertTrue(lines[PRINTS[2]].endswith("(429)"))
        self.assertEqual(self.next(lines), [3])

    def test_next_under_each_strategy(self):
        for strategy, expected in (("fill_first", [0]), ("round_robin", [1]), ("least_used", [2]), ("random", [])):
            counts = [entry(0, priority=0 if strategy == "fill_first" else 7, request_count=5),
                      entry(1, request_count=4),
                      entry(2, request_count=1)]
            lines = self.status(f"credential_pool_strategies:\n  xiaomi: {strategy}\n", *counts)
            self.assertEqual(self.next(lines), expected, strategy)
            self.assertEqual(lines["all"].count("may be used next"), 3 if strategy == "random" else 0)

    def test_shadowed(self):
        self.home.write(".env", f"XIAOMI_API_KEY={KEYS[1]}\n")
        lines = self.status(f"  api_key: {KEYS[0]}\n")
        self.assertIn("usable, is used next", lines[PRINTS[0]])
        self.assertIn(f"usable, shadowed by {PRINTS[0]}", lines[PRINTS[1]])

    def test_as_json(self):
        cooling = {"last_status": "exhausted", "last_status_at": 1795000000.5, "last_error_code": 429,
                   "last_error_reset_at": 4000000000}
        self.status("", entry(0, **cooling), entry(1))
        code, out, _ = self.home.compile("--status", "--format", "json")
        status = json.loads(out)
        self.assertEqual((code, status["home"], status["generation"], status["sources"], status["error"],
                          status["diagnostics"]),
                         (0, str(self.home.path), 1, "compiled", None, []))
        self.assertEqual(status["watcher"], {"running": False, "state": None, "status": None, "drift_looked_at": None})
        provider, = status["providers"]
        self.assertEqual((provider["id"], provider["default"], provider["strategy"]), ("xiaomi", True, "fill_first"))
        self.assertEqual([[key[name] for name in ("fingerprint", "label", "state", "until", "reason", "next")]
                          for key in provider["credentials"]],
                         [[PRINTS[0], "key 0", "cooling", "2096-10-02T07:06:40.000Z", "429", False],
                          [PRINTS[1], "key 1", "usable", None, None, True]])

    def test_no_key_and_no_home(self):
        lines = self.status("")
        self.assertTrue(lines["all"].endswith("  no key\n"), lines["all"])
        shutil.rmtree(self.home.path)
        for form in "text", "json":
            code, _, err = self.home.compile("--status", "--format", form)
            self.assertEqual((code, err.count("error") <= 1, err.count("hermes-compile:")), (4, True, 0), err)

    def test_a_second_key_of_a_custom_provider_stands_in_its_column(self):
        self.home.write(".env", f"MY_LLM_KEY_WITH_A_NAME_THAT_IS_LONG={KEYS[1]}\n")
        out = self.status("custom_providers: [{name: My LLM, base_url: 'http://127.0.0.1:1/v1', "
                          f"api_key: {KEYS[0]}, key_env: MY_LLM_KEY_WITH_A_NAME_THAT_IS_LONG}}]\n")
        self.assertIn(".env MY_LLM_KEY_WITH_A_NAME_THAT_IS_LONG  shadowed by", out[PRINTS[1]])
        self.assertEqual(out[PRINTS[0]].index("usable"), out[PRINTS[1]].index("shadowed"))

    def test_a_reset_knows_the_names_that_explain_knows(self):
        self.status("custom_providers: [{name: My LLM, base_url: 'http://127.0.0.1:1/v1', "f"api_key: {KEYS[0]}}}]\n")
        for name in ("My LLM", "my-llm", "custom:my-llm", "mimo", "deepseek"):
            self.assertEqual(self.home.compile("--reset", name)[:2], (0, "nothing was cooling\n"), name)
        self.assertEqual(self.home.compile("--reset", "xiaomy"),
                         (2, "", 'hermes-compile: "xiaomy" is not a provider; did you mean "xiaomi"?\n'))
        self.assertEqual(self.home.compile("--explain", "xiaomy")[::2],
                         (2,
                          'hermes-compile: "xiaomy" is not a provider, variable or config path of the sources; '
                          'did you mean "xiaomi"?\n'))
        self.assertIn('"sha256:', self.home.compile("--explain", KEYS[3])[2])

    def test_a_reset_says_what_it_cleared(self):
        cooling = {"last_status": "exhausted", "last_status_at": 1795000000.5, "last_error_code": 429,
                   "last_error_reset_at": 4000000000,
                   "last_failure_kind": "usage_cap", "failure_confirmations": 2}
        self.status("", entry(0, **cooling), entry(1, **cooling), entry(2))
        code, out, _ = self.home.compile("--reset", "xiaomi", PRINTS[1])
        self.assertEqual((code, [line for line in out.splitlines() if "auth.json" in line]),
                         (0, [f"xiaomi: cleared {PRINTS[1]} in auth.json"]))
        self.assertEqual([e["last_status"] for e in self.home.pool()], ["exhausted", None, None])
        self.assertEqual([self.home.pool()[1][name] for name in ("last_failure_kind", "failure_confirmations")],
                         [None, 0])
        self.assertIn(f"xiaomi: cleared {PRINTS[0]}", self.home.compile("--reset", "all")[1])
        self.assertEqual([e["last_status"] for e in self.home.pool()], [None, None, None])
        self.assertEqual(self.next(self.status("")), [0])


if __name__ == "__main__":
    unittest.main()
