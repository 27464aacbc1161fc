"""What is not ours in auth.json is kept to the byte: random stores in Hermes's shape, our keys put in and taken away
again."""
import json, random, sys, unittest

from harness import Home, Watch, fingerprint
from projection import Projector

ROUNDS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 1200
NUMBERS = ["0", "-0", "-0.0", "1e+22", "5e-324", "1.7976931348623157e+308", "12345678901234567890", "9007199254740993",
           "NaN",
           "Infinity", "-Infinity", "0.1", "-1", "1795478458.2534587", "1" + "0" * 60]
STRINGS = ["", "plain", "\u00e4\u00f6", "\U0001f600", "\u2028", "\x00\x01\x1f\x7f", "\"\\/", "\ud800", "\udfff\ud800",
           "\ud83d\ude00", "tab\there"]
POOLS = ["deepseek", "openrouter", "nous", "anthropic", "custom:my-llm", "custom:\u00fcber", "openai-codex", ""]
OURS = "manual:hermes-watch:"


class Raw:
    """A value as its text, which no float has touched."""

    def __init__(self, text):
        self.text = text


class Pairs(list):
    """An object as its members in order; a name may stand twice."""


def dumps(value, depth=0):
    """As json.dumps(indent=2) writes it, for values that a dict cannot hold."""
    indent, outer = "\n" + "  " * (depth + 1), "\n" + "  " * depth
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Pairs):
        members = [json.dumps(name) + ": " + dumps(item, depth + 1) for name, item in value]
        return "{" + ",".join(indent + member for member in members) + outer + "}" if members else "{}"
    if isinstance(value, list):
        return "[" + ",".join(indent + dumps(item, depth + 1) for item in value) + outer + "]" if value else "[]"
    return json.dumps(value)


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        return "".join(self.random.choice(STRINGS) for _ in range(self.random.randrange(3)))

    def value(self, depth=0):
        kind = self.random.randrange(8 if depth < 4 else 5)
        if kind < 2:
            return Raw(self.random.choice(NUMBERS))
        if kind < 4:
            return self.text()
        if kind == 4:
            return self.random.choice([None, True, False])
        count = self.random.randrange(4)
        if kind == 5:
            return [self.value(depth + 1) for _ in range(count)]
        return Pairs((self.random.choice(["a", "b", self.text()]), self.value(depth + 1)) for _ in range(count))

    def entry(self, number):
        pairs = Pairs([("id", f"{self.random.randrange(1 << 24):06x}"), ("label", self.text()),
                       ("auth_type", self.random.choice(["api_key", "api_key", "oauth"])),
                       ("priority", self.random.choice([number, Raw(f"{number}.5"), Raw(f"-{number}"),
                                                        Raw("12345678901234567890")])),
                       ("source",
                        self.random.choice(["manual", "manual:device_code", "env:OTHER", "device_code", self.text()])),
                       ("access_token", f"sk-test-{self.random.randrange(1 << 30)}"), ("refresh_token", self.text()),
                       ("last_status", self.random.choice([None, "ok", "exhausted", "dead"])),
                       ("last_status_at", Raw(self.random.choice(["1794999999.25", "null", "1"]))),
                       ("last_error_reset_at", Raw(self.random.choice(["null", "1795003600.123", "1e300"])))])
        pairs += [(self.random.choice(["x_future", "id", "tls", self.text()]), self.value())
                  for _ in range(self.random.randrange(3))]
        if self.random.random() < 0.3:
            self.random.shuffle(pairs)
        return Pairs(pair for pair in pairs if self.random.random() < 0.9 or pair[0] in ("priority", "source"))

    def pool(self):
        return [self.entry(number) for number in range(self.random.randrange(4))]

    def store(self):
        names = self.random.sample(POOLS, self.random.randrange(5)) + ["xiaomi"] * self.random.randrange(2)
        self.random.shuffle(names)
        pairs = Pairs([("version", 1), ("providers", Pairs((name, self.value(1)) for name in names[:2]))])
        if self.random.random() < 0.9:
            pairs.append(("credential_pool", Pairs((name, self.pool()) for name in names)))
        for name in ("active_provider", "suppressed_sources", "updated_at", "x_future", self.text()):
            if self.random.random() < 0.5:
                pairs.append((name, self.value() if name != "suppressed_sources"
                              else Pairs([("xiaomi", ["env:OTHER"])])))
        if self.random.random() < 0.3:
            self.random.shuffle(pairs)
        return dumps(pairs) + "\n"


def config(*keys):
    """KEYS: for xiaomi, for a custom provider"""
    text = f"model:\n  provider: xiaomi\n  api_key: {keys[0]}\n" if keys[0] else "model:\n  provider: xiaomi\n"
    text += "custom_providers:\n- name: My LLM\n  base_url: https://llm.example.com/v1\n"
    return text + (f"  api_key: {keys[1]}\n" if keys[1] else "")


class Preservation(unittest.TestCase):
    def setUp(self):
        self.projector = Projector()

    def tearDown(self):
        self.projector.close()

    def settle(self, config_text, env, text, memory):
        """Projects, and holds that once is enough."""
        after, memory, _ = self.projector.project(config_text, env, text, memory)
        text = text if after is None else after
        again, memory, changes = self.projector.project(config_text, env, text, memory)
        self.assertIsNone(again, changes)
        return text, memory

    def test_the_original_comes_back(self):
        for seed in range(ROUNDS):
            make = Maker(seed)
            original, memory = make.store(), ""
            text = original
            for number in range(make.random.randrange(1, 4)):  # added, then rotated
                keys = [make.random.choice([None, f"sk-test-ours-{number}", "sk-test-ours-x"]) for _ in range(2)]
                env = make.random.choice(["", "XIAOMI_API_KEY=sk-test-ours-env\nGEMINI_API_KEY=sk-test-ours-gemini\n"])
                text, memory = self.settle(config(*keys), env, text, memory)
                self.foreign_spans_stand(original, text, seed)
            text, memory = self.settle(config(None, None), "", text, memory)
            self.assertEqual(text, original, f"seed {seed}")

    def foreign_spans_stand(self, original, text, seed):
        """Every line of the original stands in the new text, in its order but for what frames a pool."""
        lines = iter(text.split("\n"))
        for line in original.split("\n"):
            core = line.rstrip(",")
            if core.strip("[]{} ") == "" or core.endswith(("[]", "{}")):
                continue
            self.assertTrue(any(candidate.rstrip(",") == core for candidate in lines),
                            f"seed {seed}: {line!r} is gone from\n{text}")

    def test_it_is_written_as_hermes_writes(self):
        for seed in range(ROUNDS // 3):
            make = Maker(seed)
            store = json.dumps(json.loads(make.store()), indent=2) + "\n"
            after, _, _ = self.projector.project(config("sk-test-ours-\u00e9", "sk-test-ours-2"), "", store)
            self.assertEqual(json.dumps(json.loads(after), indent=2) + "\n", after, f"seed {seed}")
        after, _, _ = self.projector.project(config("sk-test-ours", None), "", None)
        self.assertEqual(json.dumps(json.loads(after), indent=2) + "\n", after)


class Leaving(unittest.TestCase):
    """--withdraw: whoever leaves keeps what is Hermes's, to the byte."""

    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.home.write("config.yaml", config("sk-test-ours-1", "sk-test-ours-2"))
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-ours-3\n")

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)

    def test_the_original_comes_back(self):
        for seed in range(20):
            original = Maker(seed).store()
            self.home.write("auth.json", original)
            self.home.compile()
            self.assertEqual((self.home.compile("--withdraw")[0], self.home.bytes_of("auth.json").decode()),
                             (0, original), f"seed {seed}")

    def test_it_says_what_it_does(self):
        self.home.compile()
        code, out, err = self.home.compile("--withdraw")
        self.assertEqual((code, err), (0, ""))
        self.assertIn(f"auth.json: xiaomi: removed {fingerprint('sk-test-ours-1')}", out)
        self.assertNotIn(OURS.encode(), self.home.bytes_of("auth.json"))
        self.assertEqual(self.home.compile("--withdraw"), (0, "auth.json has no entry of hermes-watch\n", ""))
        self.assertEqual(self.home.compile()[0], 0)  # and back
        self.assertIn(OURS.encode(), self.home.bytes_of("auth.json"))

    def test_not_while_it_is_watched(self):
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        before = self.home.bytes_of("auth.json")
        code, _, err = self.home.compile("--withdraw")
        self.assertEqual((code, self.home.bytes_of("auth.json")), (4, before))
        self.assertIn("error[still-watched]: hermes-watch (process ", err)

    def test_a_file_that_is_broken_is_left_alone(self):
        self.home.write("auth.json", "{")
        code, _, err = self.home.compile("--withdraw")
        self.assertEqual(code, 4)
        self.assertTrue(err.startswith("auth.json: warning[pool-unreadable]: auth.json is not JSON; "
                                       "it is not changed\n"), err)
        self.assertEqual(self.home.bytes_of("auth.json"), b"{")


if __name__ == "__main__":
    unittest.main()
