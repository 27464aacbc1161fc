"""The example configurations: each passes --check --strict in a home that has the keys its comments name, and what its
comments promise is what is compiled."""
import pathlib, re, unittest

from harness import Home

EXAMPLES = pathlib.Path(__file__).parents[2] / "compiler/examples"
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-test-0001", "OPENROUTER_API_KEY": "sk-or-test-0001"}


class Examples(unittest.TestCase):
    def home(self, name):
        """A home with the example NAME, and a key for each variable that its comments ask for."""
        home = Home()
        self.addCleanup(home.close)
        text = (EXAMPLES / name).read_text()
        variables = re.findall(r"\b([A-Z][A-Z0-9_]+_(?:API_KEY(?:_\d)?|PASSWORD))\b", text)
        home.write("config.yaml", text)
        home.write(".env", "".join(f"{name}={KEYS.get(name, f'sk-test-{number}-0001')}\n"
                                   for number, name in enumerate(dict.fromkeys(variables))))
        return home

    def keys(self, home):
        providers = home.snapshot()["content"]["providers"]
        return {name: [key["secret"] for key in provider["credentials"]] for name, provider in providers.items()}

    def test_each_is_sound(self):
        names = sorted(path.relative_to(EXAMPLES) for path in EXAMPLES.rglob("*.yaml"))
        self.assertGreater(len(names), 5)
        for name in names:
            with self.subTest(name):
                home = self.home(name)
                strict = [] if "fleet" in name.name else ["--strict"]  # a fleet's key is made by hermes-fleet
                code, out, err = home.compile("--check", *strict)
                self.assertEqual((code, out), (0, ""), err)
                if strict:
                    self.assertEqual(err, "0 errors, 0 warnings\n")

    def test_one_provider_has_a_fallback(self):
        home = self.home("one-provider.yaml")
        home.compile()
        self.assertEqual(self.keys(home), {"openrouter": ["sk-or-test-0001"], "deepseek": ["sk-test-1-0001"]})
        self.assertEqual(home.snapshot()["content"]["fallbacks"], [{"provider": "deepseek", "model": "deepseek-chat"}])

    def test_several_keys_are_used_in_turn(self):
        home = self.home("several-keys.yaml")
        home.compile()
        self.assertEqual(self.keys(home)["xiaomi"], [f"sk-test-{number}-0001" for number in range(3)])
        self.assertEqual(home.snapshot()["content"]["providers"]["xiaomi"]["strategy"], "round_robin")

    def test_a_custom_endpoint_gets_its_key_and_a_local_server_none(self):
        home = self.home("custom-endpoint.yaml")
        home.compile()
        self.assertEqual(self.keys(home), {"custom:acme": ["sk-test-0-0001"]})
        home = self.home("local-server.yaml")
        home.compile()
        self.assertEqual(self.keys(home)["custom:local"], [""])

    def test_a_profile_has_its_own_key(self):
        home = self.home("profiles/writer/config.yaml")
        home.compile()
        self.assertEqual(self.keys(home), {"anthropic": ["sk-ant-test-0001"]})


if __name__ == "__main__":
    unittest.main()
