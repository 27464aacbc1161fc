"""Keys in every place where somebody may have put one, the wrong ones above all: nothing that any command prints, and
no derived file but the two that are for keys, has one. Every run plants others; the seed is printed, and taken as an
argument together with a number of rounds."""
import json, os, random, re, sys, unittest

from harness import Home, Watch

ROUNDS, SEED = 12, 20261125
LETTERS = "GHJKMNPQRTUVWXYZghjkmnpqrtuvwxyz"  # none that a fingerprint has
COMMANDS = [("--check",), ("--check", "--strict", "--color", "always"), ("--check", "--format", "json"),
            ("--check", "--format", "sarif"), ("--check", "--format", "github"), ("--diff",),
            ("--diff", "--format", "json"),
            (), ("--status",), ("--status", "--format", "json"), ("--explain", "xiaomi"), ("--explain", "foo"),
            ("--explain", "model.api_key"), ("--explain", "XIAOMI_API_KEY"), ("--explain", "model", "--format", "json"),
            ("--check", "--live"), ("--check", "--live", "--format", "json"), ("--reset", "all")]
PATHS = """model.provider model.default model.api_key model.base_url model.api model.api_mode model.api_kee
    model.context_length fallback_model.provider fallback_model.api_key fallback_model.base_url
    fallback_model.key_env providers.foo.api_key
    providers.foo.key_env providers.foo.base_url providers.foo.name providers.foo.extra_headers.X providers.foo.models
    auxiliary.vision.api_key auxiliary.vision.provider delegation.api_key credential_pool_strategies.xiaomi
    credential_pool_sources.xiaomi hermes_watch.env_files hermes_watch.settle_ms hermes_watch.reload_unit
    hermes_watch.require_probe platforms.telegram.token agent.max_turns terminal.env.X mcp_servers.foo.url
    mcp_servers.foo.headers.Authorization""".split()
VALUES = ["%", '"%"', "'%'", "|\n    %", ">-\n    %", "!!str %", "&a%", "*%", "!% x", "${%}", "$%", "x${%}y", "[%]",
          "{%: 1}",
          "{a: %}", "% # %", "%: %", "[%", "'%", '"\\q%"', "https://%:%@h.example.com/v1", "https://%@127.0.0.1:1/v1",
          "http://127.0.0.1:1/v1?api_key=%", "http://127.0.0.1:1/%#%", "%\n  %", "%\t", "@%", "`%`", '"%\\\n   %"',
          "? %",
          "- %", "!!int %", "!!binary %", "0x%", "%...%", "\u00e9%", "Bearer %", "sha256:%"]
LINES = ["# %", "%", "%FOO %", "---  %", "\t%", "%: [", "- %", "%: &x", "<<: *%"]
ENV = ["XIAOMI_API_KEY=%", "%=foo", "%", "export %", "XIAOMI_API_KEY='%", 'XIAOMI_API_KEY="%\\q"',
       "XIAOMI_API_KEY=%OPENAI_API_KEY=%",
       "XIAOMI_BASE_URL=https://%@h/x", "XIAOMI_API_KEY %", "XIAOMI_API_KEY: %", "# XIAOMI_API_KEY=%",
       "XIAOMI_API_KEE=%",
       "XIAOMI_API_KEY=${%}", "XIAOMI_API_KEY=${X:-%}", "'%'=%", "XIAOMI_API_KEY=\n%",
       "HTTPS_PROXY=http://%:%@127.0.0.1:1",
       'XIAOMI_API_KEY="a\n%\nb', "XIAOMI_API_KEY=\u201c%\u201d", "XIAOMI_API_KEY=%...", "xiaomi_api_key=%", "A=\x00%",
       "=%"]


class Planter:
    def __init__(self, seed):
        self.random, self.keys = random.Random(seed), []

    def key(self):
        body = "".join(self.random.choices(LETTERS + "123456789", k=20)) + "G7h"
        self.keys.append(body)
        return self.random.choice(["sk-test-", "sk-or-v1-", "", "xai-", "AIza"]) + body

    def fill(self, text):
        return re.sub("%", lambda _: self.key(), text)

    def some(self, probability):
        return self.random.random() < probability

    def config(self):
        tree = {"model": {"provider": "xiaomi"}} if self.some(0.8) else {}
        for path in self.random.sample(PATHS, self.random.randint(1, 4)):
            names, node = path.split("."), tree
            if self.some(0.15):
                names[self.random.randrange(len(names))] = self.fill(self.random.choice(["%", '"%"', "&% x", "!% x",
                                                                                         "api_key%"]))
            for name in names[:-1]:
                node = node.setdefault(name, {})
            node[names[-1]] = self.fill(self.random.choice(VALUES))
        lines = list(self.lines(tree, ""))
        if self.some(0.3):
            lines += ["custom_providers:", f"- name: {self.key()}",
                      f"  base_url: {self.fill(self.random.choice(VALUES))}",
                      f"  api_key: {self.key()}", f"  {self.key()}: x"]
        if self.some(0.4):
            lines.insert(self.random.randrange(len(lines) + 1), self.fill(self.random.choice(LINES)))
        return "\n".join(lines) + "\n"

    def lines(self, tree, indent):
        for name, value in tree.items():
            if isinstance(value, dict):
                yield f"{indent}{name}:"
                yield from self.lines(value, indent + "  ")
            else:
                yield f"{indent}{name}: " + value.replace("\n", "\n" + indent)

    def env(self):
        return "".join(self.fill(line) + "\n" for line in self.random.choices(ENV, k=self.random.randint(0, 4)))

    def store(self):
        entry = {"id": "abc123", "label": "l", "auth_type": "api_key", "priority": 0, "source": "manual",
                 "access_token": self.key(),
                 "last_status": self.random.choice([None, "exhausted"]), "last_error_reset_at": 4e9,
                 "base_url": "https://a.example.com/v1"}
        for name in self.random.sample([*entry, "last_error_reason", "last_error_message", "last_error_code",
                                        self.key()], 4):
            entry[name] = self.random.choice([self.key(), [self.key()], *map(self.fill, (
                "env:%", "manual:hermes-watch:%", "exhausted %", "https://%@h/v1"))])
        text = json.dumps({"version": 1,
                           "credential_pool": {self.random.choice(["xiaomi", "custom:foo", self.key()]): [entry]},
                           "suppressed_sources": {self.random.choice(["xiaomi", self.key()]): [self.key()]}}, indent=2)
        at = self.random.randrange(len(text))
        return text[:at] + text[at + 1:] if self.some(0.2) else text


class Secrets(unittest.TestCase):
    def look(self, keys, where, text):
        text = text.lower()
        for key in keys:
            for at in range(0, len(key) - 5, 3):  # no part of it either
                self.assertNotIn(key[at:at + 6].lower(), text, where)

    def one(self, seed):
        plant, home = Planter(seed), Home()
        self.addCleanup(home.close)
        home.write("config.yaml", plant.config())
        home.write(".env", plant.env())
        if plant.some(0.6):
            home.write("auth.json", plant.store())
        for command in [*plant.random.sample(COMMANDS, 6), ("--check",), ()]:
            code, out, err = home.compile(*command)
            self.assertIn(code, (0, 1, 2, 3, 4), (command, err))
            self.look(plant.keys, (seed, command), out + err)
        if seed % 4 == 0:
            watch = Watch(home)
            home.write("config.yaml", "model:\n  provider: xiaomi\n  api_key: sk-test-secrets-last\n")
            watch.wait(lambda status: status.startswith("generation") and "kept" not in status)
            watch.close()
            self.look(plant.keys, (seed, "hermes-watch"), home.printed.decode())
        for path in home.path.rglob("*"):
            name = str(path.relative_to(home.path))
            if path.is_file() and name not in ("config.yaml", ".env", "auth.json", "compiled/snapshot.json"):
                self.look(plant.keys, (seed, name), path.read_text())
            if name not in ("auth.lock",):
                self.assertEqual(path.stat().st_mode & 0o077, 0, name)

    def test_a_key_anywhere(self):
        print("seed", SEED)
        for i in range(ROUNDS):
            with self.subTest(seed=SEED + i):
                self.one(SEED + i)

    def test_a_key_that_is_asked_for_by_name(self):
        home = Home()
        self.addCleanup(home.close)
        for key in ("gsk_QwErTyZxCvBnMaSdFgHjKlPo", "9f86d081884c7d659a2feaa0c55ad015"):
            home.write("config.yaml", f"model: {{provider: xiaomi, {key}: x}}\n'{key}': 1\n")
            home.write(".env", f"{key}=1\nXIAOMI_API_KEY=sk-test-1234567890\n")
            for subject in (key, "model." + key):
                for more in ((), ("--format", "json")):
                    code, out, _ = home.compile("--explain", subject, *more)
                    self.assertEqual(code, 0)
                    self.assertIn("sha256:", out)
            self.assertNotIn(key.encode(), home.printed)

    def test_keys_whose_hyphens_part_them(self):
        for key in ("AIzaTest-9tSrke72Pou-X_a7eZSW0jk-BWYa1b", "3f2a7c1e-9b4d-4e6f-8a1b-0c2d3e4f5a6b"):
            home = Home()
            self.addCleanup(home.close)
            home.write("config.yaml",
                       f"model: {{provider: xiaomi, {key}: x}}\ncustom_providers: [{{name: {key}, "
                       f"base_url: 'http://h/v1', api_key: {key}}}]\n")
            for command in COMMANDS:
                home.compile(*command)
            self.assertFalse(key.encode().lower() in home.printed.lower(), key)
            home.write("config.yaml", "model: {provider: my-own-llama3-70b-instruct-turbo-v1}\n"  # these are words
                       "hermes_watch: {plugin_providers: [my-own-llama3-70b-instruct-turbo-v1]}\n")
            self.assertIn("my-own-llama3-70b-instruct-turbo-v1", home.compile("--diff")[1])


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1].isdigit():
        SEED, ROUNDS = int(sys.argv.pop(1)), int(sys.argv.pop(1))
    unittest.main()
