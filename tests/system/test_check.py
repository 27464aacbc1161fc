"""What hermes-compile says, in each of its formats: misspelt names, files on the command line, explanations,
differences."""
import json, os, pathlib, re, subprocess, unittest

import jsonschema, yaml
from harness import COMPILE, PATIENCE, Home, fingerprint, shared

REPO = pathlib.Path(__file__).parents[2]
MAIN, SPARE = "sk-test-main-000001", "sk-test-spare-00001"
CONFIG = f"model:\n  provider: xiaomi\n  default: mimo\n  api_key: {MAIN}\n"
ENV = f"XIAOMI_API_KEY={SPARE}\n"


def only(required, **properties):
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


TEXT = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer", "minimum": 1}
MESSAGE = only("text", text=TEXT)
# What SARIF 2.1.0 allows of that which we write. (The whole schema accepts it, too.)
SARIF = only("version runs", **{"$schema": {"type": "string", "format": "uri"}, "version": {"enum": ["2.1.0"]},
                                "runs": {"type": "array", "items": only(
    "tool results",
    tool=only("driver", driver=only("name", name=TEXT, version=TEXT, rules={
        "type": "array", "uniqueItems": True, "items": only("id", id=TEXT, shortDescription=MESSAGE, help=MESSAGE)})),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": only(
        "message", ruleId=TEXT, level={"enum": ["none", "note", "warning", "error"]}, message=MESSAGE,
        locations={"type": "array", "items": only("physicalLocation", physicalLocation=only(
            "artifactLocation", artifactLocation=only("uri", uri={"type": "string", "pattern": "^[A-Za-z0-9._~/%-]+$"}),
            region=only("startLine", startLine=NUMBER, startColumn=NUMBER, endColumn=NUMBER)))})})}})


class Check(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.write("config.yaml", CONFIG)
        self.home.write(".env", ENV)

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def run_in(self, folder, *args, **kwargs):
        done = subprocess.run([COMPILE, *args], cwd=folder, env=self.home.env, capture_output=True, timeout=PATIENCE,
                              **kwargs)
        self.home.printed += done.stdout + done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def says(self, *pieces, config=None, env=None):
        if config is not None:
            self.home.write("config.yaml", config)
        if env is not None:
            self.home.write(".env", env)
        _, _, err = self.home.compile("--check")
        for piece in pieces:
            self.assertIn(piece, err)
        return err

    # --- slips of the fingers ---

    def test_a_bracket_that_is_never_closed_is_named(self):
        self.says("config.yaml:2:12: error[yaml-syntax]: this bracket is never closed", "help: close it with ]",
                  config="model:\n  default: [\n")
        self.assertIn("nothing published: there is no generation yet\n", self.home.compile()[2])

    def test_usual_slips_in_yaml(self):
        self.says("config.yaml:3:10: error[yaml-syntax]: there is no space after this colon",
                  "help: write `api_key: value`",
                  config=f"model:\n  provider: xiaomi\n  api_key:{MAIN}\n")
        self.says("config.yaml:2:3: error[yaml-syntax]: there is no colon after this name",
                  "help: write `provider: value`",
                  config=f"model:\n  provider xiaomi\n  api_key: {MAIN}\n")
        self.says("config.yaml:3:4: error[yaml-syntax]", "help: settings of one mapping start in one column",
                  config=f"model:\n  provider: xiaomi\n   api_key: {MAIN}\n")

    def test_keys_of_an_example(self):
        for key in "your-api-key-here", "<your key>", "sk-xxxxxxxxxxxx":
            self.says("warning[suspicious-key]: XIAOMI_API_KEY looks like a placeholder", env=f"XIAOMI_API_KEY={key}\n",
                      config="model:\n  provider: xiaomi\n")

    def test_a_line_of_an_env_file_without_a_value(self):
        """Of a shell's habit, `export NAME` behind NAME=..., nothing is left; a key on a line by itself is no
        variable."""
        self.says(".env:2:8: warning[env-line-ignored]: there is no `=` after this name",
                  "help: write XIAOMI_API_KEY=value", "note: Hermes also drops the value from line 1",
                  env=f"XIAOMI_API_KEY={SPARE}\nexport XIAOMI_API_KEY\n")
        self.says(".env:2:1: warning[env-line-ignored]: there is no `=` in this line", "help: write NAME=value",
                  env=f"XIAOMI_API_KEY={SPARE}\nsk-test-lonely-1\n")

    def test_an_env_file_that_is_missing(self):
        self.says("warning[no-env-file]", "help: create it, or remove it from hermes_watch.env_files",
                  config="hermes_watch: {env_files: [/nowhere/at/all.env]}\n")

    def test_a_misspelt_key(self):
        self.says("config.yaml:3:3: warning[unknown-key]: unknown setting `model.defualt` (Hermes ignores it)\n",
                  '  help: did you mean `default`?', config="model:\n  provider: xiaomi\n  defualt: mimo\n")
        self.says("error[unknown-key]: unknown setting `hermes_watch.setle_ms`\n", "  help: did you mean `settle_ms`?",
                  config="hermes_watch:\n  setle_ms: 30\n")

    def test_the_default_provider_has_no_key(self):
        missing = "config.yaml:2:13: warning[no-key]: the default provider xiaomi has no key\n"
        for told in (self.says("config.yaml:3:3: warning[unknown-key]: unknown setting `model.apikey`",
                               "note: the default provider xiaomi has no key", "help: did you mean `api_key`?", env="",
                               config=f"model:\n  provider: xiaomi\n  apikey: {MAIN}\n"),
                     self.says(".env:1:15: warning[unknown-variable]: unknown variable XIAOMI_APIKEY",
                               "note: the default provider xiaomi has no key", "help: did you mean `XIAOMI_API_KEY`?",
                               env=f"XIAOMI_APIKEY={MAIN}\n", config="model:\n  provider: xiaomi\n")):
            self.assertIn("0 errors, 1 warning\n", told)  # one cause is told once
        self.says(missing, "help: did you mean `XIAOMI_API_KEY`? An env file has `XIAOMI_TOKEN`",
                  env=f"XIAOMI_TOKEN={MAIN}\n")
        self.says(missing, "help: set XIAOMI_API_KEY in .env, or model.api_key", env="")
        self.assertEqual(self.home.compile("--check", "--strict")[0], 1)
        self.home.write("auth.json", json.dumps({"version": 1, "credential_pool": {"xiaomi": [
            {"id": "aaaaa1", "label": "by hand", "auth_type": "api_key", "source": "manual", "access_token": SPARE}]}}))
        self.assertNotIn("no-key", self.says())
        for provider in ("lmstudio", "nous", "custom"):
            self.assertNotIn("no-key",
                             self.says(config=f"model: {{provider: {provider}, base_url: 'http://127.0.0.1:1/v1'}}\n"))

    def test_a_misspelt_provider(self):
        misspelt = "model: {provider: deepsek, default: x}\n"
        self.says('error[unknown-provider]: unknown provider "deepsek"', 'did you mean "deepseek"?', config=misspelt)
        self.assertEqual(self.home.compile("--check")[0], 1)
        self.assertNotIn("unknown-provider",
                         self.says(config=misspelt + "hermes_watch: {plugin_providers: [deepsek]}\n"))
        (self.home.path / "plugins/model-providers/of-mine").mkdir(parents=True)
        self.says('warning[unknown-provider]: unknown provider "deepsek"', config=misspelt)
        self.assertNotIn("unknown-provider", self.says(config="model: {provider: of-mine, default: x}\n"))

    def test_a_provider_that_is_switched_off(self):
        off = "providers: {lab: {api: 'https://lab.example/v1', api_key: sk-test-lab-0001, enabled: false}}\n"
        self.says("config.yaml:1:19: error[disabled-provider]: lab is disabled (enabled: false)",
                  config="model: {provider: lab, default: x}\n" + off)
        self.says("config.yaml:5:33: warning[disabled-provider]: lab is disabled (enabled: false)",
                  config=CONFIG + "fallback_providers: [{provider: lab, model: m}]\n" + off)

    def test_a_misspelt_variable(self):
        self.says("error[unresolved-reference]: ${XIAOMI_API_KEI}", "did you mean `${XIAOMI_API_KEY}`?",
                  config='model: {provider: xiaomi, api_key: "${XIAOMI_API_KEI}"}\n')
        self.says("warning[unknown-variable]", "did you mean `DEEPSEEK_API_KEY`?",
                  env="DEEPSEEK_APIKEY=sk-test-abc-000000\n")

    def test_a_misspelt_value(self):
        self.says("warning[unknown-value]", 'did you mean "round_robin"?',
                  config=CONFIG + "credential_pool_strategies: {xiaomi: roundrobin}\n")

    def test_the_wrong_kind_of_value(self):
        self.says("config.yaml:5:19: warning[wrong-type]: browser.headed: expected true or false, found a string",
                  config=CONFIG + "browser: {headed: maybe}\n")
        self.says("error[wrong-type]: agent: expected a mapping, found a string", config=CONFIG + "agent: fast\n")

    # --- what YAML does unseen ---

    def test_numbers_that_are_not_what_they_seem(self):
        err = self.says("warning[number-surprise]: YAML 1.1 reads this as a number in base 8",
                        "warning[number-surprise]: YAML 1.1 reads this as a number in base 60",
                        "warning[number-left-text]", config=CONFIG
                        + "x:\n- 0123\n- 12:30\n- 1e3\n- '12:30'\n- 0.5\n- 0\n")
        self.assertEqual(len(re.findall(r"\[number-", err)), 3)

    def test_where_an_error_stands_nothing_less_is_said(self):
        err = self.says("config.yaml:3:12: error[not-text]", config="model:\n  provider: xiaomi\n  api_key: 0123456\n")
        self.assertNotIn("number-surprise", err)
        self.assertEqual(re.findall(r"(?:error|warning)\[[a-z-]+\]", err), ["error[not-text]"])
        err = self.says("warning[custom-providers-ignored]", config="custom_providers: {a: 1}\n")
        self.assertNotIn("wrong-type", err)

    def test_what_follows_from_an_error_is_not_said(self):
        for key in ("${NOPE_KEY}", '"two words ${NOPE_KEY}"', "${NOPE_KEY"):
            err = self.says(config=f"model:\n  provider: xiaomi\n  api_key: {key}\n", env="")
            self.assertIn("\n1 error, 0 warnings\n", err)
        err = self.says(config="model:\n  provider: xiaomi\n  api_key: changeme\n", env="")
        self.assertTrue(err.endswith("\n0 errors, 1 warning\n"), err)

    def test_a_tab_that_half_of_hermes_refuses(self):
        self.says("config.yaml:2:19: warning[yaml-tab]", config="model:\n  provider: xiaomi\t# note\n")

    def test_what_only_one_of_hermes_readers_takes(self):
        self.says('config.yaml:1:5: warning[yaml-readers-differ]: a "?" in brackets without quotes',
                  config="x: [http://h/x?y=1]\n")
        self.says("config.yaml:1:5: warning[yaml-readers-differ]: a comment directly behind", config="x: |# c\n  a\n")
        self.says("config.yaml:2:1: warning[yaml-readers-differ]: a byte order mark inside", config="x: 1\n\ufeff\n")
        self.says("config.yaml:1:5: warning[yaml-readers-differ]: a tag directly before a comma",
                  config="x: [!!str, a]\n")
        self.says('warning[yaml-readers-differ]: a "!" with no value', config="x: !\n")
        err = self.says(config="x: ['http://h/x?y=1', 'a,b', \"a!b,\"] # |# ?\ny: a?b\nz: |\n  ?, |# !x,\n")
        self.assertNotIn("yaml-readers-differ", err)

    def test_a_long_file_may_end_in_a_comment(self):
        short = self.says("shadowed", config=CONFIG)
        self.assertEqual(self.says(config=CONFIG + "# a line of many\n" * 6000 + "# the end, without a line end"),
                         short)

    def test_duplicate_keys_name_both_places(self):
        self.says("config.yaml:4:3: error[duplicate-key]: the setting `default` is given twice in one mapping",
                  config="model:\n  default: a\n  provider: xiaomi\n  default: b\n")

    def test_several_mistakes_in_one_run_sorted_by_place(self):
        err = self.says(config="a: !!int x\nb: 2001-13-01\nc: !local 1\n")
        self.assertEqual(re.findall(r"config\.yaml:(\d+):\d+: error\[yaml-value\]", err), ["1", "2", "3"])

    def test_a_thousand_of_a_kind_are_not_all_said(self):
        self.home.write("config.yaml", "x:\n" + "- 1e3\n" * 1001)
        self.home.write(".env", "A=1\n")
        _, _, err = self.home.compile("--check")
        self.assertEqual((err.splitlines()[-1], err.count("number-left-text")), ("0 errors, 1001 warnings", 10))
        self.assertIn("note: there are 991 more of this kind", err)
        self.assertEqual(self.home.compile("--check", "--all")[2].count("warning[number-left-text]"), 1001)
        err = self.says("note: there are 991 more of this kind", config="x:\n" + "- !!int x\n" * 1001 + "y: |\n  # 1\n")
        self.assertEqual((err.splitlines()[-2], err.count("error[yaml-value]")), ("1001 errors, 0 warnings", 10))

    def test_twenty_at_once_and_errors_before_all_else(self):
        lines = "".join(f"x{i}: [0{i}1, 1e{i}, 12:{i}]\n"
                        for i in range(10, 20)) + "model: {provider: no-such-provider}\n"
        err = self.says("error[unknown-provider]", "\n... and 1 more; --all shows them\n", config=lines, env="A=1\n")
        self.assertEqual(err.count("] ") + err.count("]: "), 20)
        self.assertEqual(err.splitlines()[-1],
                         "for more about this, run: hermes-compile --explain-code unknown-provider")

    def test_rules_of_the_command_line_and_of_the_file(self):
        config = "model: {provider: xiaomi, defualt: m}\n"
        self.home.write("config.yaml", config)
        self.assertEqual(self.home.compile("--check", "--deny", "unknown-key")[0], 1)
        self.assertEqual(self.home.compile("--deny", "unknown-key")[0], 1)  # and nothing is published
        self.assertEqual(self.home.compile("--check", "--strict", "--allow", "unknown-key")[0::2],
                         (0, "0 errors, 0 warnings\n"))
        self.says("error[unknown-key]", config=config + "hermes_watch: {diagnostics: {unknown-key: deny}}\n")
        self.assertEqual(self.home.compile("--check", "--allow", "unknown-key")[0], 0)
        self.says("error[unknown-key]: unknown setting `hermes_watch.fleet.nmae`", "did you mean `name`?",
                  config=config + "hermes_watch: {fleet: {nmae: prod}}\n")
        self.says("error[unknown-value]: there is no diagnostic with the code unknwon-key",
                  "did you mean `unknown-key`?",
                  config=config + "hermes_watch: {diagnostics: {unknwon-key: deny}}\n")
        self.assertEqual(self.home.compile("--check", "--allow", "unknwon-key")[::2],
                         (2, "hermes-compile: unknown diagnostic code unknwon-key; did you mean unknown-key?\n"))
        self.assertEqual(self.home.compile("--check", "--allow", "yaml-syntax")[::2],
                         (2, "hermes-compile: yaml-syntax is an error and cannot be allowed; see --help\n"))

    # --- env files ---

    def test_hermes_has_two_readers_of_env_files(self):
        err = self.says(".env:1:3: warning[env-parsers-differ]: Hermes's second env reader reads a different value",
                        f"when Hermes starts: {fingerprint('sk-abc')}; after /reload: {fingerprint('sk-abc # note')}",
                        env='A=sk-abc # note\nB="abc"\nC=abc#d\n')
        self.assertEqual(err.count("env-parsers-differ"), 1)

    # --- every place of a key ---

    def test_a_task_with_a_key_or_url_of_its_own_is_a_provider_of_its_own(self):
        self.home.write("config.yaml", CONFIG
                        + "auxiliary: {vision: {provider: xiaomi, api_key: sk-test-vision-00001}}\n"
                        "fallback_providers: [{provider: deepseek, model: d, key_env: FALLBACK}]\n"
                        "delegation: {base_url: 'https://other.example.com/v1', api_key: sk-test-delegate-01}\n")
        self.home.write(".env", ENV + "FALLBACK=sk-test-fallback-01\n")
        self.assertEqual(self.home.compile()[0], 0)
        providers = self.home.snapshot()["content"]["providers"]
        self.assertEqual({name: ([c["origins"][0]["key"] for c in p["credentials"]], p["base_url"])
                          for name, p in providers.items()},
                         {"xiaomi": (["model.api_key", "XIAOMI_API_KEY"], "https://api.xiaomimimo.com/v1"),
                          "auxiliary.vision": (["auxiliary.vision.api_key"], "https://api.xiaomimimo.com/v1"),
                          "fallback_providers[0]": (["FALLBACK"], "https://api.deepseek.com/v1"),
                          "delegation": (["delegation.api_key"], "https://other.example.com/v1")})
        self.assertEqual(self.home.snapshot()["content"]["fallbacks"],
                         [{"provider": "fallback_providers[0]", "model": "d"}])
        self.assertEqual([e["access_token"] for e in self.home.pool()], [MAIN, SPARE])
        self.assertEqual(self.home.pool("deepseek"), [])

    def test_a_name_for_a_model_says_whom_to_ask_for_which_one(self):
        self.home.write("config.yaml", CONFIG +
                        "  aliases: {sonnet: anthropic/claude-x, plain: mimo-v2, quick: not/this, empty: '', odd: a/}\n"
                        "custom_providers: [{name: My Lab, base_url: 'http://lab.test/v1', api_key: sk-test-lab-1}]\n"
                        "model_aliases:\n  quick: {provider: My Lab, model: 'org/small:4b'}\n"
                        "  own: {base_url: 'https://other.example.com/v1', model: big, api_key: sk-test-own-00001}\n"
                        "  nothing: {provider: xiaomi}\n  gone: {provider: nobody, model: x}\n")
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual([(a["name"], a["provider"], a["model"])
                          for a in self.home.snapshot()["content"]["model_aliases"]],
                         [("quick", "custom:my-lab", "org/small:4b"), ("own", "model_aliases.own", "big"),
                          ("gone", "nobody", "x"),
                          ("sonnet", "anthropic", "claude-x"), ("plain", "xiaomi", "mimo-v2"),
                          ("quick", "not", "this")])

    def test_a_root_scalar_is_a_variable_where_the_name_is_free(self):
        self.home.write("config.yaml",
                        "DEEPSEEK_API_KEY: sk-test-root-000001\nXIAOMI_API_KEY: sk-test-root-000002\n1: x\n")
        _, _, err = self.home.compile()
        self.assertIn("config.yaml:3:1: warning[root-key-not-text]", err)
        content = self.home.snapshot()["content"]
        self.assertEqual(content["providers"]["deepseek"]["credentials"][0]["origins"][0],
                         {"path": "config.yaml", "line": 1, "column": 19, "key": "DEEPSEEK_API_KEY"})
        self.assertEqual(content["env"]["XIAOMI_API_KEY"], SPARE)

    def test_headers_of_a_provider_are_in_the_snapshot(self):
        self.home.write("config.yaml", CONFIG + "  extra_headers: {X-Team: sk-test-header-0001}\n")
        self.home.compile()
        self.assertEqual(self.home.snapshot()["content"]["providers"]["xiaomi"]["headers"],
                         {"X-Team": "sk-test-header-0001"})

    def test_what_cannot_be_compiled_is_named(self):
        self.says("config.yaml:6:3: hint[not-compiled]", config=CONFIG + "secrets:\n  bitwarden: {enabled: true}\n")

    # --- explanations ---

    def test_explain_names_every_layer_below_the_winner(self):
        managed = self.home.root / "managed"
        managed.mkdir(mode=0o755)
        (managed / "config.yaml").write_text("terminal: {timeout: 9}\n")
        (managed / ".env").write_text("EXTRA_TOKEN=sk-test-managed\n")
        self.home.write("config.yaml", CONFIG + "terminal: {timeout: 5}\nEXTRA_TOKEN: sk-test-root\n"
                        "hermes_watch: {env_files: [more.env]}\n")
        self.home.write(".env", "EXTRA_TOKEN=sk-test-user\n")
        self.home.write("more.env", "EXTRA_TOKEN=sk-test-more\n")
        _, out, _ = self.home.compile("--explain", "terminal.timeout")
        self.assertIn("value     9\n  shadows   config.yaml:5:21  5\n            a managed file wins\n", out)
        _, out, _ = self.home.compile("--explain", "EXTRA_TOKEN")
        self.assertEqual(re.findall(r"shadows   (\S+):\d+:\d+  sha256:\w+: (.*)", out),
                         [(".env", "a managed file wins"), ("more.env", "a managed file wins"),
                          ("config.yaml", "a managed file wins")])
        _, out, _ = self.home.compile("--explain", "EXTRA_TOKEN", "--format", "json")
        self.assertEqual([hidden["path"] for hidden in json.loads(out)["shadows"]], [".env", "more.env", "config.yaml"])

    def test_explain_says_where_and_what_is_behind(self):
        _, out, _ = self.home.compile("--explain", "xiaomi", "--format", "json")
        told = json.loads(out)
        self.assertEqual([c["fingerprint"] for c in told["credentials"]], [fingerprint(MAIN), fingerprint(SPARE)])
        self.assertEqual(told["shadowed"][0]["by"], "model.api_key")
        _, out, _ = self.home.compile("--explain", "XIAOMI_API_KEY", "--format", "json")
        told = json.loads(out)
        self.assertEqual((told["path"], told["line"], told["column"], told["value"]),
                         (".env", 1, 16, fingerprint(SPARE)))
        self.assertEqual(told["used_by"],
                         [{"provider": "xiaomi", "rank": 2}, {"provider": "xiaomi", "behind": "model.api_key"}])
        _, out, _ = self.home.compile("--explain", "model.api_key")
        self.assertIn("set at    config.yaml:4:12", out)
        self.assertIn("  shadows   .env:1:16 XIAOMI_API_KEY  sha256:", out)
        self.assertEqual(self.home.compile("--explain", "no.such.thing")[0], 2)
        for slip, meant in ("model.api_kye", "model.api_key"), ("modle", "model"):
            self.assertIn(f'did you mean "{meant}"?', self.home.compile("--explain", slip)[2])
        self.home.write("config.yaml", "model: {provider: xiaomi, default: some-model-7b}\n")
        self.assertIn("  value     some-model-7b\n", self.home.compile("--explain", "model.default")[1])
        self.home.write("config.yaml", "model: {provider: xiaomi, default: sk-test-pasted-by-mistake-1}\n")
        self.assertIn(f"  value     {fingerprint('sk-test-pasted-by-mistake-1')}\n",
                      self.home.compile("--explain", "model.default")[1])

    def test_explain_follows_references_both_ways(self):
        self.home.write("config.yaml",
                        "custom_providers:\n- {name: my-llm, base_url: 'http://h/v1', apiKey: '${MY_KEY}'}\n")
        self.home.write(".env", "MY_KEY=sk-test-mine\n")
        path = "custom_providers[0].apiKey"
        self.assertIn(f"{path}\n  set at    config.yaml:2:51\n  value     {fingerprint('sk-test-mine')}\n"
                      "  out of    MY_KEY  .env:1:8\n  used as   key 1 of 1 for custom:my-llm\n",
                      self.home.compile("--explain", path)[1])
        self.assertIn("  put into  config.yaml:2:51\n", self.home.compile("--explain", "MY_KEY")[1])
        self.assertEqual(json.loads(self.home.compile("--explain", path, "--format", "json")[1])["out_of"],
                         [{"variable": "MY_KEY", "path": ".env", "line": 1, "column": 8}])
        self.assertEqual(json.loads(self.home.compile("--explain", "MY_KEY", "--format", "json")[1])["put_into"],
                         [{"path": "config.yaml", "line": 2, "column": 51}])
        self.assertIn("  value     a mapping of 3 entries\n", self.home.compile("--explain", "custom_providers[0]")[1])
        for form in (), ("--format", "json"):  # as the runtime library names it
            self.assertEqual(self.home.compile("--explain", "custom_providers.0.apiKey", *form),
                             self.home.compile("--explain", path, *form))
        self.assertEqual(self.home.compile("--explain", "custom_providers[0].nothing")[0], 2)

    def test_diff_shows_the_names_of_models_but_nothing_that_may_be_a_key(self):
        self.assertEqual(self.home.compile()[0], 0)
        long = "a secret that is long"
        for model, shown in (("vendor/mimo-2.5:free", "vendor/mimo-2.5:free"), (SPARE, fingerprint(SPARE)),
                             ("a secret", "(not shown)"), (long, fingerprint(long))):
            self.home.write("config.yaml", CONFIG.replace("mimo", model))
            self.assertIn(f"model.default: mimo -> {shown}\n", self.home.compile("--diff")[1])

    def test_diff_names_each_leaf(self):
        self.home.compile()
        self.home.write("config.yaml", CONFIG.replace(MAIN, "sk-test-other-0001") + "browser: {headed: true}\n")
        code, out, _ = self.home.compile("--diff", "--format", "json")
        self.assertEqual(code, 3)
        changes = {(c["what"], c.get("config")): (c.get("from"), c.get("to")) for c in json.loads(out)["changes"]}
        self.assertEqual(changes[("rotated", None)], (fingerprint(MAIN), fingerprint("sk-test-other-0001")))
        self.assertEqual(changes[("config", "model.api_key")], (fingerprint(MAIN), fingerprint("sk-test-other-0001")))
        self.assertEqual(changes[("config", "browser.headed")], (None, "true"))
        _, out, _ = self.home.compile("--diff")
        self.assertIn("browser.headed: none -> true\n", out)

    def test_diff_names_items_of_lists(self):
        self.home.write("config.yaml", CONFIG
                        + "custom_providers:\n- {name: b, base_url: 'http://b/v1', api_key: sk-test-b1, models: [x]}\n")
        self.home.compile()
        self.home.write("config.yaml", CONFIG
                        + "custom_providers:\n- {name: b, base_url: 'http://b/v2', api_key: sk-test-b2}\n")
        out = self.home.compile("--diff")[1]
        self.assertIn("custom_providers[0].base_url: http://b/v1 -> http://b/v2\n", out)
        self.assertIn(f"custom_providers[0].api_key: {fingerprint('sk-test-b1')} -> {fingerprint('sk-test-b2')}\n", out)
        self.assertIn(f"custom_providers[0].models[0]: (not shown) -> none\n", out)

    def test_diff_names_variables(self):
        self.home.write(".env", "SOME_NAME=one\nGONE=x\n")
        self.home.compile()
        self.home.write(".env", "SOME_NAME=two\n")
        code, out, _ = self.home.compile("--diff")
        self.assertEqual(code, 3)
        self.assertIn(f"variable SOME_NAME: (not shown) -> (not shown)\nvariable GONE: (not shown) -> none\n", out)
        changes = json.loads(self.home.compile("--diff", "--format", "json")[1])["changes"]
        self.assertIn({"what": "variable", "variable": "GONE", "from": "(not shown)"}, changes)

    # --- where the finger points ---

    def points_at(self, text, what="${NOPE_KEY}"):
        """The caret of the first error stands under WHAT."""
        self.home.write("config.yaml", text)
        _, _, err = self.home.compile("--check")
        lines = err[err.index(": error["):].split("\n")
        at = lines[1].index(what)
        self.assertEqual(lines[2][at:].rstrip("~"), "^", err)
        self.assertEqual(lines[2][:at].strip(), "|", err)
        return lines[2].count("~") + 1

    def test_the_caret_stands_under_what_is_meant(self):
        self.assertEqual(self.points_at('model: {provider: xiaomi, api_key: "${NOPE_KEY}"}\n'), 11)
        self.assertEqual(self.points_at('model: {provider: xiaomi, \t api_key:\t"x${NOPE_KEY}y"}\n'), 11)
        for before in ("日本語", "e\u0301e\u0301", "\U0001F600\u200d\U0001F600", "\uff21\u3000x"):
            self.assertEqual(self.points_at(f'model: {{name: "{before}", api_key: "${{NOPE_KEY}}", '
                                            f'provider: xiaomi}}\n'), 11)
        self.assertEqual(self.points_at('x: 1\u2028model: {provider: xiaomi, api_key: "${NOPE_KEY}"}\n'), 11)
        far = ", ".join(["vision"] * 99)
        self.assertEqual(self.points_at(f'model: {{x: [{far}], provider: xiaomi, api_key: "${{NOPE_KEY}}", '
                                        f'y: [{far}]}}\n'), 11)
        self.assertEqual(self.points_at('\ufeffmodel: {provider: xiaomi, api_key: "${NOPE_KEY}"}\n'), 11)
        for value in ('"\\t\\u00e9 ${NOPE_KEY}"', "'it''s ${NOPE_KEY}'", '"two\n   lines ${NOPE_KEY}"',
                      "plain\n   ${NOPE_KEY}",
                      "!!str ${NOPE_KEY}", "|\n\n   literal\n    ${NOPE_KEY}\n", ">-\n   a\n   b ${NOPE_KEY}"):
            self.assertEqual(self.points_at(f"model:\n  provider: xiaomi\n  api_key: {value}\n"), 11)

    def test_colours(self):
        self.home.write("config.yaml", "model: {provider: xiaomi, api_key: '${NOPE_KEY}'}\n")
        for variables, option, coloured in (({}, "auto", False), ({"CLICOLOR_FORCE": "1"}, "auto", True),
                                            ({"CLICOLOR_FORCE": "0"}, "auto", False), ({}, "always", True),
                                            ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, "auto", False),
                                            ({"NO_COLOR": "1"}, "always", True),
                                            ({"CLICOLOR_FORCE": "1"}, "never", False)):
            with self.subTest((variables, option)):
                self.home.env.update(variables)
                self.assertEqual("\x1b[" in self.home.compile("--check", "--color", option)[2], coloured)
                for name in variables:
                    del self.home.env[name]

    # --- formats ---

    def test_json(self):
        self.home.write("config.yaml", "model: {provider: xiaomi, api_key: '${NOPE_KEY}'}\n")
        code, out, err = self.home.compile("--check", "--format", "json")
        self.assertEqual((code, err), (1, ""))
        told = json.loads(out)
        self.assertEqual((told["errors"], told["diagnostics"][0]["code"]), (1, "unresolved-reference"))
        self.assertEqual((told["diagnostics"][0]["line"], told["diagnostics"][0]["column"]), (1, 37))

    def test_sarif(self):
        self.home.write("config.yaml", "model: {provider: xiaomi, api_key: '${NOPE_KEY}'}\n")
        log = json.loads(self.run_in(self.home.root, "--home", "home", "--check", "--format", "sarif")[1])
        run = log["runs"][0]
        self.assertEqual(log["version"], "2.1.0")
        result = run["results"][0]
        location = result["locations"][0]["physicalLocation"]
        self.assertEqual((result["ruleId"], result["level"]), ("unresolved-reference", "error"))
        self.assertEqual(location, {"artifactLocation": {"uri": "home/config.yaml"},
                                    "region": {"startLine": 1, "startColumn": 37, "endColumn": 48}})
        self.assertIn(result["ruleId"], [rule["id"] for rule in run["tool"]["driver"]["rules"]])
        jsonschema.validate(log, SARIF, jsonschema.Draft7Validator)

    def test_github(self):
        self.home.write("config.yaml", "model: {provider: xiaomi, api_key: '${NOPE_KEY}'}\n")
        _, out, _ = self.run_in(self.home.root, "--home", "home", "--check", "--format", "github")
        self.assertRegex(out, r"(?m)^::error file=home/config\.yaml,line=1,col=37,endColumn=48,"
                              r"title=unresolved-reference::\$\{NOPE_KEY\} is")

    def test_every_code_is_used(self):
        """One that is used and has no page does not compile."""
        table = re.findall(r'(?m)^CODE\((\w+), "([a-z0-9-]+)"',
                           (REPO / "compiler/source/diagnostic_code.def").read_text())
        sources = "".join(path.read_text() for path in REPO.glob("compiler/**/*.c"))
        self.assertEqual({name for name, _ in table}, set(re.findall(r"\bCODE_(\w+)", sources)) - {"FIND"})
        pages = self.home.compile("--explain-code", "all")[1]
        self.assertEqual(re.findall(r"(?:\A|\n\n)([a-z0-9-]+): ", pages), sorted(code for _, code in table))
        self.assertEqual(self.home.compile("--explain-code", "no-such-code")[0], 2)
        self.assertEqual(self.home.compile("--explain-code", "unreadible"),
                         (2, "", "hermes-compile: unknown diagnostic code unreadible; did you mean unreadable?\n"))

    # --- schemas ---

    def test_schemas_describe_real_files(self):
        schema = {name: json.loads(self.home.compile("--print-schema", name)[1]) for name in ("config", "snapshot")}
        for each in schema.values():
            jsonschema.Draft7Validator.check_schema(each)
        self.home.write("config.yaml", CONFIG + "  extra_headers: {X: y}\n")
        self.home.compile()
        jsonschema.validate(self.home.snapshot(), schema["snapshot"], jsonschema.Draft7Validator)
        jsonschema.validate(yaml.safe_load(CONFIG), schema["config"], jsonschema.Draft7Validator)
        wrong = {"browser": {"headed": "maybe"}, "credential_pool_strategies": {"xiaomi": "fastest"}}
        self.assertEqual(len(list(jsonschema.Draft7Validator(schema["config"]).iter_errors(wrong))), 2)
        for path in shared("data/config-*.yaml"):
            jsonschema.validate(yaml.safe_load(path.read_text()), schema["config"], jsonschema.Draft7Validator)

    def test_real_configurations_get_no_word(self):
        for path in shared("data/config-*.yaml"):
            self.home.write("config.yaml", path.read_bytes())
            self.home.write(".env", "OPENROUTER_API_KEY=sk-or-test-0001\n")
            self.assertEqual(self.home.compile("--check")[2], "0 errors, 0 warnings\n", path)
            self.home.write(".env", "")  # the example says `auto`
            self.assertRegex(self.home.compile("--check")[2], r"0 errors, 0 warnings|warning\[no-key\]")

    # --- hooks ---

    def test_files_on_the_command_line(self):
        code, _, err = self.run_in(self.home.root, "--check", "home/config.yaml", "home/.env", "--strict")
        self.assertEqual(code, 1)
        self.assertIn("home/.env:1:16: warning[shadowed-key]", err)
        self.home.write("second.yaml", "model: [\n")
        code, _, err = self.run_in(self.home.root, "--check", "home/config.yaml", "home/second.yaml")
        self.assertEqual(code, 1)
        self.assertIn("home/second.yaml:1:8: error[yaml-syntax]", err)
        self.assertEqual(self.run_in(self.home.root, "--check", "home/nothing.yaml")[0], 4)
        self.assertFalse((self.home.path / "compiled").exists())

    def test_a_tree_without_secrets_may_name_them(self):
        (self.home.root / "deploy").mkdir()
        (self.home.root / "deploy/config.yaml").write_text('model: {provider: xiaomi, api_key: "${XIAOMI_API_KEY}"}\n')
        code, _, err = self.run_in(self.home.root, "--check", "deploy/config.yaml")
        self.assertEqual(code, 0)
        self.assertIn("warning[unresolved-reference]", err)
        self.assertEqual(self.run_in(self.home.root, "--check", "--home", "deploy")[0], 1)

    def test_standard_input(self):
        code, _, err = self.run_in(self.home.root, "--check", "-", "--home", "home", input=b"model:\n  - x: [\n")
        self.assertEqual(code, 1)
        self.assertIn("<standard input>:2:8: error[yaml-syntax]", err)
        ok = b'model: {provider: xiaomi, default: m, api_key: "${XIAOMI_API_KEY}"}\n'
        self.assertEqual(self.run_in(self.home.root, "--check", "-", "--home", "home", input=ok)[0], 0)

    def test_what_cannot_be_read_is_said_once(self):
        (self.home.root / "folder").mkdir()
        code, _, err = self.run_in(self.home.root, "--check", "folder")
        self.assertEqual((code, err.count("error[")), (4, 1), err)
        self.home.write("config.yaml", "model: [\n")
        code, _, err = self.run_in(self.home.root, "--check", "home/config.yaml", "home/config.yaml")
        self.assertIn("\n1 error, 0 warnings\n", err)
        done = subprocess.run([COMPILE, "--check", "-"], env=self.home.env, stdin=os.open(self.home.root, os.O_RDONLY),
                              capture_output=True)
        self.assertEqual((done.returncode, done.stderr.decode()),
                         (4,
                          "<standard input>: error[unreadable]: <standard input> cannot be read\n1 error, 0 warnings\n"
                          "for more about this, run: hermes-compile --explain-code unreadable\n"))

    def test_a_file_of_any_name(self):
        for name in (b"\xff\xe9.yaml", b"a\nb\x1b[31m.yaml"):
            path = os.path.join(os.fsencode(self.home.root), name)
            pathlib.Path(os.fsdecode(path)).write_text("model: [\n")
            for form in "json", "sarif", "text":
                done = subprocess.run([COMPILE, "--check", "--format", form, path], env=self.home.env,
                                      capture_output=True)
                self.assertEqual(done.returncode, 1)
                self.assertNotIn(b"\x1b", done.stdout + done.stderr)
                if form != "text":
                    json.loads(done.stdout)

    def test_the_hook_for_pre_commit_passes_what_we_take(self):
        hooks = yaml.safe_load((REPO / ".pre-commit-hooks.yaml").read_text())
        self.assertEqual(hooks[0]["entry"].split()[0], "hermes-compile")
        matches = re.compile(hooks[0]["files"])
        self.assertEqual([name for name in ("deploy/config.yaml", ".env", "src/main.c") if matches.search(name)],
                         ["deploy/config.yaml", ".env"])
        code, _, _ = self.run_in(self.home.root, *hooks[0]["entry"].split()[1:], "home/config.yaml")
        self.assertEqual(code, 0)

    # --- properties ---

    def test_the_order_of_providers_never_changes_ids(self):
        entries = [f"- {{name: p{i}, base_url: 'https://h{i}.example.com', api_key: sk-test-key-{i:08}}}\n"
                   for i in range(20)]
        self.home.write("config.yaml", "custom_providers:\n" + "".join(entries))
        self.home.compile()
        ids = {p: [c["id"] for c in v["credentials"]] for p, v in self.home.snapshot()["content"]["providers"].items()}
        self.home.write("config.yaml", "custom_providers:\n" + "".join(reversed(entries)))
        self.home.compile()
        self.assertEqual(ids, {p: [c["id"] for c in v["credentials"]]
                               for p, v in self.home.snapshot()["content"]["providers"].items()})

    def test_compiling_again_changes_nothing(self):
        def written():  # a read moves the time of the last access
            stats = [(self.home.path / name).stat() for name in ("compiled/snapshot.json", "auth.json")]
            return [(st.st_ino, st.st_size, st.st_mode, st.st_mtime_ns, st.st_ctime_ns) for st in stats]

        self.home.compile()
        before = written()
        self.assertIn("nothing changed", self.home.compile()[1])
        self.assertEqual(before, written())


if __name__ == "__main__":
    unittest.main()
