"""What one gateway reports of a key is known to all of a home: the next gateway, the Python reader, --status; and
--reset clears it. The gateways are the examples of the library."""
import pathlib, re, subprocess, sys, unittest

from harness import BUILD, PATIENCE, Home, fingerprint

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "runtime/python"))
import hermes_snapshot

FIRST, SECOND = "sk-test-first-00001", "sk-test-second-0001"


class Bookings(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {FIRST}\n"
                                       "fallback_providers:\n  - {provider: openrouter, model: a/b}\n")
        self.home.write(".env", f"XIAOMI_API_KEY={SECOND}\n")
        self.home.compile()
        self.reader = hermes_snapshot.open(self.home.path)

    def tearDown(self):
        self.home.close()

    def example(self, name, *args, answers=""):
        done = subprocess.run([BUILD / "examples" / name, self.home.path, *args], input=answers, capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertNotIn("sk-test", done.stdout + done.stderr)
        return done.stdout

    def test_one_request_tries_each_key_and_all_know(self):
        out = self.example("try_each_key", answers="429 900\n200\n")
        self.assertEqual(re.findall(r"with (\S+)", out), [fingerprint(FIRST), fingerprint(SECOND)])
        self.assertIn("429-retry-after", out)
        self.assertIn(fingerprint(SECOND), self.example("next_key"))
        self.assertEqual(self.reader.pick().secret, SECOND)
        self.assertIn(f"{fingerprint(FIRST)}: cooling", self.example("key_states"))
        status = self.home.compile("--status")[1]
        self.assertRegex(status, rf"{fingerprint(FIRST)}.*cooling until .*\(429-retry-after\)")
        self.assertRegex(status, rf"{fingerprint(SECOND)}.*usable.*is used next")

    def test_a_profile_knows_what_its_root_was_told_of_their_keys(self):
        profile = self.home.path / "profiles/coder"
        profile.mkdir(mode=0o700, parents=True)
        self.home.write("profiles/coder/config.yaml", f"model:\n  provider: xiaomi\n  api_key: {FIRST}\n")
        run = lambda program, *more: subprocess.run([BUILD / program, *more], env=self.home.env, capture_output=True,
                                                    text=True, timeout=PATIENCE).stdout
        run("hermes-compile", "--home", profile)
        reader = hermes_snapshot.open(profile)
        self.assertEqual(reader.pick().secret, FIRST)
        self.example("try_each_key", answers="429 900\n200\n")
        self.assertIsNone(reader.pick())
        self.assertIn(f"{fingerprint(FIRST)}: cooling", run("examples/key_states", profile))
        self.assertRegex(run("hermes-compile", "--home", profile, "--status"),
                         rf"{fingerprint(FIRST)}.*cooling until .*\(429-retry-after\)")

    def test_a_key_is_out_until_reset(self):
        self.home.write(".env", "")
        self.home.compile()
        self.reader.refresh()
        self.example("try_each_key", answers="401\n")
        self.assertIsNone(self.reader.pick())
        self.assertIn("cooling", self.home.compile("--status")[1])
        code, out, _ = self.home.compile("--reset", "deepseek")
        self.assertNotIn("bookings", out)
        self.assertIsNone(self.reader.pick())
        code, out, _ = self.home.compile("--reset", "xiaomi")
        self.assertEqual(code, 0)
        self.assertIn(f"cleared {fingerprint(FIRST)} in compiled/bookings", out)
        self.assertEqual(self.reader.pick().secret, FIRST)
        self.assertIn("usable, is used next", self.home.compile("--status")[1])

    def test_an_outage_is_shown_and_takes_no_key_out(self):
        self.example("try_each_key", answers="503 600\n")
        self.assertIn("answers with errors", self.home.compile("--status")[1])
        self.assertEqual(self.reader.pick().secret, FIRST)
        self.home.compile("--reset", "all")
        self.assertNotIn("answers with errors", self.home.compile("--status")[1])

    def test_looking_makes_no_file(self):
        self.home.compile("--status")
        self.example("key_states")
        self.example("configuration", "model.provider")
        self.reader.pick()
        self.assertFalse((self.home.path / "compiled/bookings").exists())

    def test_python_and_c_agree_on_values(self):
        for path, value in (("model.provider", '"xiaomi"'), ("fallback_providers.0.model", '"a/b"'),
                            ("fallback_providers.1", None), ("model.provider.x", None), ("nothing", None)):
            with self.subTest(path):
                self.assertIn(f"{path} = {value or 'none'}\n", self.example("configuration", path))
                self.assertEqual(self.reader.current.value(path), value and value.strip('"'))
        self.assertIn("$XIAOMI_API_KEY is set", self.example("configuration", "$XIAOMI_API_KEY"))

    def test_damaged_bookings_count_for_nothing_in_python(self):
        path = self.home.path / "compiled/bookings"
        self.example("try_each_key", answers="429 900\n200\n")
        whole = path.read_bytes()
        for data in (b"", whole[:-1], b"x" + whole[1:], whole[:8] + b"\x02" + whole[9:]):
            path.unlink()
            self.home.write("compiled/bookings", data)
            self.assertEqual(self.reader.pick().secret, FIRST)
        path.unlink()
        self.home.write("compiled/bookings", whole)
        self.assertEqual(self.reader.pick().secret, SECOND)
        self.assertIsNone(self.reader.pick(skip={fingerprint(SECOND)}))
        path.chmod(0o622)
        self.assertEqual(self.reader.pick().secret, FIRST)


if __name__ == "__main__":
    unittest.main()
