"""The configuration as Hermes's gateway sees it: managed over user, old spellings moved, `${VAR}` replaced; and the
providers that a user defines. Each case is what real Hermes makes of the files."""
import json, re, unittest

from harness import Home, fingerprint


class GatewayView(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        (self.home.root / "managed").mkdir(mode=0o755)
        self.home.write(".env", "A=value\nEMPTY=\nREC='${A}x'\nODD NAME=no\nKEY_OF_MINE=sk-test-mine-000001\n")

    def tearDown(self):
        self.home.close()

    def compile(self, user, managed=None, env=None):
        self.home.write("config.yaml", user)
        path = self.home.root / "managed/config.yaml"
        if managed is not None:
            path.write_text(managed)
            path.chmod(0o644)
        elif path.exists():
            path.unlink()
        if env is not None:
            self.home.write(".env", env)
        code, _, err = self.home.compile()
        return code, err

    def view(self, user, managed=None):
        code, err = self.compile(user, managed)
        self.assertEqual(code, 0, err)
        return self.home.snapshot()["content"]["config"]

    def becomes(self, user, expected, managed=None):
        found = self.view(user, managed)
        self.assertEqual(json.dumps(found), json.dumps(expected))  # the order counts, too

    # --- managed over user ---

    def test_maps_are_merged_leaf_by_leaf(self):
        self.becomes("a: {x: 1, y: {z: 2}}\nb: 3\n", {"a": {"x": 1, "y": {"z": 9, "w": 8}}, "b": 3, "c": 7},
                     "a: {y: {z: 9, w: 8}}\nc: 7\n")

    def test_null_over_a_map_is_as_if_it_were_not_there(self):
        self.becomes("a: {x: 1}\nb: 1\nc: [1]\n", {"a": {"x": 1}, "b": None, "c": None}, "a:\nb:\nc: ~\n")

    def test_lists_are_replaced_and_an_empty_map_changes_nothing(self):
        self.becomes("a: [1, 2]\nb: {x: 1}\nc: 5\nd: {x: 1}\n", {"a": [3], "b": {"x": 1}, "c": {}, "d": "text"},
                     "a: [3]\nb: {}\nc: {}\nd: text\n")

    def test_keys_are_equal_as_python_has_them(self):
        self.becomes("a: {1: x, '1x': y}\n", {"a": {"1": "m", "1x": "y"}}, "a: {true: m}\n")

    def test_a_managed_model_as_text_keeps_the_users_provider(self):
        self.becomes("model: {default: u, provider: xiaomi}\n", {"model": {"default": "m/m", "provider": "xiaomi"}},
                     "model: m/m\n")
        self.becomes("model: {default: u, provider: xiaomi}\n", {"model": {"default": "mm", "provider": "xiaomi"}},
                     "model: {name: mm}\n")
        self.becomes("model: {default: u, provider: deepseek}\n", {"model": {"default": "u", "provider": "xiaomi"}},
                     "provider: xiaomi\n")

    # --- old spellings ---

    def test_without_a_reason_nothing_moves(self):
        self.becomes("model: some/name\n", {"model": "some/name"})
        self.becomes("provider: ''\nmodel: x\n", {"provider": "", "model": "x"})

    def test_root_keys_move_into_the_model(self):
        self.becomes("provider: xiaomi\nmodel: m\n", {"model": {"default": "m", "provider": "xiaomi"}})
        self.becomes("base_url: http://h/v1\nprovider: xiaomi\ncontext_length: 5\n",
                     {"model": {"provider": "xiaomi", "base_url": "http://h/v1", "context_length": 5}})
        self.becomes("provider: deepseek\nmodel: {provider: xiaomi, default: d}\n",
                     {"model": {"provider": "xiaomi", "default": "d"}})
        self.becomes("model: [a]\nprovider: xiaomi\n", {"model": {"default": ["a"], "provider": "xiaomi"}})
        self.becomes("model: ''\nprovider: xiaomi\n", {"model": {"provider": "xiaomi"}})

    def test_old_spellings_inside_the_model(self):
        self.becomes("model: {model: m, name: n, provider: xiaomi}\n",
                     {"model": {"provider": "xiaomi", "default": "m"}})
        self.becomes("model: {name: n, default: ''}\n", {"model": {"default": "n"}})
        self.becomes("model: {default: d, name: n}\n", {"model": {"default": "d"}})
        self.becomes("api_base: http://one/v1\nmodel: {api_base: http://two/v1, provider: xiaomi}\n",
                     {"model": {"provider": "xiaomi", "base_url": "http://one/v1"}})
        self.becomes("model: {api_base: http://two/v1, provider: xiaomi}\n",
                     {"model": {"provider": "xiaomi", "base_url": "http://two/v1"}})

    def test_max_turns(self):
        self.becomes("max_turns: 5\n", {"agent": {"max_turns": 5}})
        self.becomes("max_turns: 5\nagent: {max_turns: 7, x: 1}\n", {"agent": {"max_turns": 7, "x": 1}})
        self.becomes("max_turns: 5\nagent: {max_turns: ~}\n", {"agent": {"max_turns": 5}})
        self.becomes("max_turns: 5\nagent: []\n", {"agent": {"max_turns": 5}})

    # --- references ---

    def test_references(self):
        for text, expected in {"${A}": "value", "x${A}y${A}": "xvaluey" + "value", "$${A}": "$value", "$A": "$A",
                               "${}": "${}",
                               "${A": "${A", "${EMPTY}": "", "${REC}": "valuex", "${ODD NAME}": "${ODD NAME}",
                               "${ A }": "value", "${env:A}": "value", "${ env: A }": "value", "${env:}": "${env:}",
                               "${vault:A}": "${vault:A}", "x${file:/a}y${A}": "x${file:/a}yvalue",
                               "${}${A}": "${}value", "${NOPE:-zz}": "${NOPE:-zz}", "${A${A}}": "${A${A}}"}.items():
            with self.subTest(text):
                self.becomes(f"x: '{text}'\n", {"x": expected})

    def test_what_is_put_in_is_not_looked_at_again_and_keys_stay(self):
        self.compile("x: 1\n", env="A=value\nREC='$'{A}\n")
        self.becomes("${A}: [1, '${A}', {k: '${A}'}]\n", {"${A}": [1, "value", {"k": "value"}]})

    def test_a_number_that_comes_from_a_variable_stays_text(self):
        self.compile("x: 1\n", env="INT=42\n")
        self.becomes("x: ${INT}\n", {"x": "42"})

    def test_a_root_scalar_is_a_variable_of_the_gateway(self):
        self.becomes("MY_KEY: sk-test-root-000001\nx: {y: '${MY_KEY}'}\nA: other\nz: ['${A}']\n",
                     {"MY_KEY": "sk-test-root-000001", "x": {"y": "sk-test-root-000001"}, "A": "other", "z": ["value"]})

    def test_a_root_scalar_of_any_name_can_be_referred_to(self):
        self.becomes("my_name: 1.50\nflag: yes\nlist: [1]\nx: ['${my_name}', '${flag}', '${list}', '${x}']\n",
                     {"my_name": 1.5, "flag": True, "list": [1], "x": ["1.5", "True", "${list}", "${x}"]})

    def test_an_unset_reference_is_an_error_only_where_a_key_or_url_is_meant(self):
        code, err = self.compile("model: {provider: xiaomi, api_key: '${NOPE_KEY}'}\nprompt: 'use ${NOPE_KEY}'\n")
        self.assertEqual(code, 1)
        self.assertIn("config.yaml:1:37: error[unresolved-reference]: ${NOPE_KEY}", err)
        self.assertIn("config.yaml:2:14: warning[unresolved-reference]", err)

    # --- providers of the user's own ---

    def providers(self, user):
        code, err = self.compile(user)
        self.assertEqual(code, 0, err)
        providers = self.home.snapshot()["content"]["providers"]
        return {name: (p["base_url"], [c["fingerprint"] for c in p["credentials"]])
                for name, p in providers.items()}, err

    def test_both_forms_and_every_spelling(self):
        key, mine = fingerprint("sk-test-custom-0001"), fingerprint("sk-test-mine-000001")
        for url in ("base_url", "url", "api", "baseUrl"):
            for name in ("api_key", "apiKey"):
                with self.subTest((url, name)):
                    expected = {"custom:my-llm": ("http://h/v1", [key])}
                    entry = f"{{name: My LLM, {url}: ' http://h/v1/ ', {name}: ' sk-test-custom-0001 '}}"
                    self.assertEqual(self.providers(f"custom_providers: [{entry}]\n")[0], expected)
                    self.assertEqual(self.providers(f"providers: {{some: {entry}}}\n")[0], expected)
        for name in ("key_env", "api_key_env", "keyEnv", "apiKeyEnv"):
            found, _ = self.providers(f"custom_providers: [{{name: m, base_url: http://h/v1, {name}: KEY_OF_MINE}}]\n")
            self.assertEqual(found, {"custom:m": ("http://h/v1", [mine])})

    def test_which_of_two_keys_of_an_entry_counts(self):
        entry = "{name: m, base_url: http://h/v1, api_key: sk-test-custom-0001, key_env: KEY_OF_MINE}"
        inline, mine = fingerprint("sk-test-custom-0001"), fingerprint("sk-test-mine-000001")
        for form, first, second in ((f"custom_providers: [{entry}]\n", inline, mine),
                                    (f"providers: {{x: {entry}}}\n", inline, mine),
                                    # no entry in the pool then
                                    (f"custom_providers: []\nproviders: {{x: {entry}}}\n", mine, inline)):
            found, err = self.providers(form)
            self.assertEqual(found, {"custom:m": ("http://h/v1", [first])})
            self.assertIn("warning[shadowed-key]", err)
            self.assertEqual([s["fingerprint"] for s in self.home.snapshot()["content"]["shadowed"]], [second])

    def test_a_key_that_a_managed_file_outvotes_stays_visible(self):
        user, managed = "sk-test-user-00001", "sk-test-managed-001"
        (self.home.root / "managed/.env").write_text(f"XIAOMI_API_KEY={managed}-env\nDEEPSEEK_API_KEY={managed}-ds\n")
        self.home.write(".env", f"XIAOMI_API_KEY={user}-env\nDEEPSEEK_API_KEY={managed}-ds\n")
        code, err = self.compile(f"model: {{provider: xiaomi, api_key: {user}}}\n"
                                 f"providers: {{gemini: {{api_key: {user}}}}}\n",
                                 f"model: {{api_key: {managed}}}\nproviders: {{gemini: {{api_key: {managed}}}}}\n")
        self.assertEqual(code, 0, err)
        folder = self.home.root / "managed"
        self.assertIn("config.yaml:1:36: warning[shadowed-key]: model.api_key has a different key for xiaomi here than "
                      "in "
                      f"{folder}/config.yaml, which wins", err)
        self.assertIn(".env:1:16: warning[shadowed-key]: XIAOMI_API_KEY has a different key for xiaomi here than in "
                      f"{folder}/.env, which wins", err)
        content = self.home.snapshot()["content"]
        shadowed = {(s["provider"], s["fingerprint"], s["origins"][0]["path"]) for s in content["shadowed"]}
        self.assertLessEqual({("xiaomi", fingerprint(user), "config.yaml"),
                              ("xiaomi", fingerprint(user + "-env"), ".env"),
                              ("gemini", fingerprint(user), "config.yaml")}, shadowed)
        self.assertEqual([c["fingerprint"] for c in content["providers"]["xiaomi"]["credentials"]],
                         [fingerprint(managed), fingerprint(managed + "-env")])
        self.assertEqual([o["path"] for o in content["providers"]["deepseek"]["credentials"][0]["origins"]],
                         [f"{folder}/.env", ".env"])
        self.assertIn(f"shadowed  {fingerprint(user)}  config.yaml:1:36 model.api_key\n",
                      self.home.compile("--explain", "xiaomi")[1])
        self.assertNotIn(b"sk-test", self.home.printed)

    def test_a_provider_without_a_url_gets_no_entry_in_the_pool(self):
        """An entry without one would be used, and send its key nowhere."""
        config = "model: {provider: azure-foundry, api_key: sk-test-azure-0001}\n"
        code, err = self.compile(config, env="AZURE_FOUNDRY_API_KEY=sk-test-azure-0002\nAZURE_FOUNDRY_BASE_URL=' '\n")
        self.assertEqual(code, 0, err)
        self.assertIn("config.yaml:1:43: warning[no-base-url]: azure-foundry has no built-in base URL", err)
        self.assertIn("help: set AZURE_FOUNDRY_BASE_URL in .env, or base_url beside the key", err)
        self.assertFalse((self.home.path / "auth.json").exists())
        code, err = self.compile(config,
                                 env="AZURE_FOUNDRY_API_KEY=sk-test-azure-0002\n"
                                     "AZURE_FOUNDRY_BASE_URL=https://mine.example.com/v1/\n")
        self.assertNotIn("no-base-url", err)
        self.assertEqual([(e["access_token"], e["base_url"]) for e in self.home.pool("azure-foundry")],
                         [(f"sk-test-azure-000{number}", "https://mine.example.com/v1") for number in (1, 2)])

    def test_a_key_that_is_called_like_its_host(self):
        self.home.write(".env",
                        "EXAMPLE_API_KEY=sk-test-by-its-host\nOPENAI_API_KEY=sk-test-openai-0001\nH_API_KEY=changeme\n")
        found, _ = self.providers("custom_providers: [{name: a, base_url: 'https://api.llm.example.com:8443/v1'}, "
                                  "{name: b, base_url: http://www.h.de/v1},\n"
                                  "  {name: c, base_url: https://example.com/v1, api_key: sk-test-own-00001}, "
                                  "{name: d, base_url: https://api.openai.com/v1},\n"
                                  "  {name: e, base_url: https://example.com/v2, api_key: dummy}, {name: f, "
                                  "base_url: http://localhost/v1}]\n")
        self.assertEqual({name: keys for name, (_, keys) in found.items() if name.startswith("custom")},
                         {"custom:a": [fingerprint("sk-test-by-its-host")], "custom:b": [],
                          "custom:c": [fingerprint("sk-test-own-00001")],
                          "custom:d": [fingerprint("sk-test-openai-0001")], "custom:e": [],
                          "custom:f": [fingerprint("")]})
        self.assertNotIn("custom:a", json.loads((self.home.path / "auth.json").read_text())["credential_pool"])

    def test_the_same_key_twice_is_one_with_two_origins(self):
        self.compile("custom_providers: [{name: m, base_url: http://h/v1, api_key: sk-test-mine-000001, "
                     "key_env: KEY_OF_MINE}]\n")
        content = self.home.snapshot()["content"]
        self.assertEqual([o["path"] for o in content["providers"]["custom:m"]["credentials"][0]["origins"]],
                         ["config.yaml", ".env"])
        self.assertEqual(content["shadowed"], [])

    def test_the_plain_spelling_wins_over_the_camels(self):
        found, _ = self.providers("custom_providers: [{name: m, baseUrl: http://camel/v1, base_url: http://h/v1, "
                                  "apiKey: sk-test-camel-0001, api_key: sk-test-custom-0001}]\n")
        self.assertEqual(found, {"custom:m": ("http://h/v1", [fingerprint("sk-test-custom-0001")])})

    def test_urls_that_hermes_drops(self):
        for url in ("h/v1", "http:///v1", "://h", "http://", "''", "http://?x", "1http://h", "[http://h]"):
            with self.subTest(url):
                found, err = self.providers(f"custom_providers: [{{name: m, base_url: '{url}', "
                                            f"api_key: sk-test-custom-0001}}]\n")
                self.assertEqual(found, {})
                self.assertIn("warning[provider-dropped]", err)
        found, _ = self.providers("custom_providers: [{name: m, base_url: 'h/{region}', "
                                  "api_key: sk-test-custom-0001}]\n")
        self.assertIn("custom:m", found)

    def test_the_second_of_the_same_is_dropped(self):
        found, err = self.providers("custom_providers:\n- {name: m, base_url: http://h/v1, "
                                    "api_key: sk-test-custom-0001}\n"
                                    "- {name: M, base_url: http://H/v1/, api_key: sk-test-custom-0002}\n")
        self.assertEqual(found, {"custom:m": ("http://h/v1", [fingerprint("sk-test-custom-0001")])})
        self.assertIn("config.yaml:3:3: warning[provider-dropped]", err)

    def test_names_in_any_script_are_lower_case_in_the_pool(self):
        """As Python has it: Hermes looks for the pool under that name only."""
        for name in ("\u00dcber LLM", "\u041c\u043e\u0439 LLM", "\u039bambda", "\u0130stanbul", "\u65e5\u672c\u8a9e",
                     "\u023a\u1e9e\U00010400"):
            with self.subTest(name):
                id = "custom:" + name.lower().replace(" ", "-")
                key = f"sk-test-{len(name)}-custom"
                self.home.write(".env", f"THEIR_KEY={key}\n")  # a variable that Hermes does not seed its pool with
                text = (f"model: {{provider: {name}}}\n"
                        f"custom_providers: [{{name: {name}, base_url: http://h/v1, key_env: THEIR_KEY}},\n")
                found, err = self.providers(text
                                            + f"  {{name: {name.lower()}, base_url: http://h/v1, "
                                              f"api_key: sk-test-twice-0001}}]\n")
                self.assertEqual(found, {id: ("http://h/v1", [fingerprint(key)])})
                self.assertIn("[provider-dropped]", err)
                self.assertEqual(self.home.snapshot()["content"]["default_provider"], id)
                self.assertEqual([e["access_token"] for e in self.home.pool(id)], [key])
                self.assertEqual(self.home.compile("--explain", name.lower())[0], 0)

    def test_what_is_no_entry(self):
        for entry, code in (("{base_url: http://h/v1}", "provider-dropped"), ("text", "wrong-type"),
                            ("{name: '', base_url: http://h/v1}", "provider-dropped"),
                            ("{name: [a], base_url: http://h/v1}", "provider-dropped")):
            with self.subTest(entry):
                found, err = self.providers(f"custom_providers: [{entry}]\n")
                self.assertEqual(found, {})
                self.assertIn(f"warning[{code}]", err)

    def test_strategies(self):
        code, _ = self.compile("model: {provider: xiaomi, api_key: sk-test-custom-0001}\n"
                               "credential_pool_strategies: {xiaomi: ' Round_Robin ', deepseek: nonsense}\n")
        self.assertEqual(code, 0)
        self.assertEqual(self.home.snapshot()["content"]["providers"]["xiaomi"]["strategy"], "round_robin")


if __name__ == "__main__":
    unittest.main()
