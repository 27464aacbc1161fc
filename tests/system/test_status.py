"""hermes-compile --status: each key, what the provider said of it, and which one goes out next under each strategy."""
import json, unittest

from harness import Home, fingerprint

KEYS = ["sk-test-status-0001", "sk-test-status-0002", "sk-test-status-0003", "sk-test-status-0004"]
PRINTS = [fingerprint(key) for key in KEYS]


def entry(number, **members):
    return {"id": f"aaaaa{number}", "label": f"key {number}", "auth_type": "api_key", "priority": number, "source": "manual",
            "access_token": KEYS[number], "last_status": None, "last_status_at": None, "last_error_code": None, "last_error_reason": None,
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
        return [PRINTS.index(name) for name, line in lines.items() if line.endswith("goes out next")]

    def test_what_the_provider_said(self):
        cooling = {"last_status": "exhausted", "last_status_at": 1795000000.5, "last_error_code": 429, "last_error_reset_at": 4000000000}
        lines = self.status("", entry(0, **cooling, last_error_reason="usage_limit_reached", last_error_message="Try again later. " * 20),
                            entry(1, last_status="dead", last_status_at=4000000000.5, last_error_code=401, last_error_reason="token_revoked"),
                            entry(2, **cooling, last_error_message="Incorrect API key: sk-test-status-0003"), entry(3))
        self.assertIn("cooling until 2096", lines[PRINTS[0]])
        self.assertIn("(429, usage_limit_reached, Try again later. ", lines[PRINTS[0]])
        self.assertIn("...)", lines[PRINTS[0]])
        self.assertIn("dead (401, token_revoked)", lines[PRINTS[1]])
        self.assertTrue(lines[PRINTS[2]].endswith("(429)"))
        self.assertEqual(self.next(lines), [3])

    def test_next_under_each_strategy(self):
        for strategy, expected in (("fill_first", [0]), ("round_robin", [1]), ("least_used", [2]), ("random", [])):
            counts = [entry(0, priority=0 if strategy == "fill_first" else 7, request_count=5), entry(1, request_count=4),
                      entry(2, request_count=1)]
            lines = self.status(f"credential_pool_strategies:\n  xiaomi: {strategy}\n", *counts)
            self.assertEqual(self.next(lines), expected, strategy)
            self.assertEqual(lines["all"].count("may go out next"), 3 if strategy == "random" else 0)

    def test_shadowed(self):
        self.home.write(".env", f"XIAOMI_API_KEY={KEYS[1]}\n")
        lines = self.status(f"  api_key: {KEYS[0]}\n")
        self.assertIn("usable, goes out next", lines[PRINTS[0]])
        self.assertIn(f"usable, shadowed by {PRINTS[0]}", lines[PRINTS[1]])

    def test_a_reset_says_what_it_cleared(self):
        cooling = {"last_status": "exhausted", "last_status_at": 1795000000.5, "last_error_code": 429, "last_error_reset_at": 4000000000,
                   "last_failure_kind": "usage_cap", "failure_confirmations": 2}
        self.status("", entry(0, **cooling), entry(1, **cooling), entry(2))
        code, out, _ = self.home.compile("--reset", "xiaomi", PRINTS[1])
        self.assertEqual((code, [line for line in out.splitlines() if "auth.json" in line]), (0, [f"xiaomi: cleared {PRINTS[1]} in auth.json"]))
        self.assertEqual([e["last_status"] for e in self.home.pool()], ["exhausted", None, None])
        self.assertEqual([self.home.pool()[1][name] for name in ("last_failure_kind", "failure_confirmations")], [None, 0])
        self.assertIn(f"xiaomi: cleared {PRINTS[0]}", self.home.compile("--reset", "all")[1])
        self.assertEqual([e["last_status"] for e in self.home.pool()], [None, None, None])
        self.assertEqual(self.next(self.status("")), [0])


if __name__ == "__main__":
    unittest.main()
