"""The Python reader gives out what the C library gives out, and refuses what it refuses: held to each other over the
same snapshots, whole and damaged."""
import json, os, pathlib, random, shutil, subprocess, sys, time, unittest

from harness import PATIENCE, READER, Home, fingerprint

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "runtime/python"))
import hermes_snapshot

KEYS = ("sk-test-first-00001", "sk-test-second-0001")


class PythonReader(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.write("config.yaml",
                        f"model:\n  provider: xiaomi\n  api_key: {KEYS[0]}\n  extra_headers: {{X-A: \u00e9}}\n")
        self.home.write(".env", f"XIAOMI_API_KEY={KEYS[1]}\n")
        self.home.compile()
        self.path = self.home.path / "compiled/snapshot.json"

    def tearDown(self):
        self.home.close()

    def in_c(self):
        done = subprocess.run([READER, self.home.path], input="\n", capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout.strip() or done.stderr.strip().removeprefix("reader: ")

    def in_python(self):
        try:
            key = hermes_snapshot.open(self.home.path).pick()
        except hermes_snapshot.SnapshotError as error:
            return str(error)
        return "- -" if key is None else f"{key.base_url} {key.secret}"

    def agree(self):
        self.assertEqual(self.in_python(), self.in_c())

    def test_keys_and_where_they_stand(self):
        snapshot = hermes_snapshot.open(self.home.path).current
        first, second = snapshot.providers["xiaomi"].credentials
        self.assertEqual((first.secret, second.secret, snapshot.default_provider), (*KEYS, "xiaomi"))
        self.assertEqual(first.origins, (hermes_snapshot.Origin("config.yaml", 3, 12, "model.api_key"),))
        self.assertEqual((snapshot.env["XIAOMI_API_KEY"], snapshot.config["model"]["provider"]), (KEYS[1], "xiaomi"))
        self.assertEqual(snapshot.providers["xiaomi"].headers["X-A"], "\u00e9")
        self.assertNotIn("sk-test", repr(snapshot) + repr(first) + repr(snapshot.providers["xiaomi"]))

    def test_each_key_says_where_it_goes(self):
        self.home.write("config.yaml",
                        "model: {provider: lab, default: m}\nproviders: {lab: {name: My Lab, "
                        "api: 'http://127.0.0.1:9/v1'}}\n"
                        "fallback_providers: [{provider: xiaomi, model: n, base_url: 'https://second.example/v1'}]\n")
        self.home.write("auth.json", json.dumps({"version": 1, "providers": {}, "credential_pool": {"xiaomi": [
            {"id": "aaaaaa", "source": "manual", "auth_type": "api_key", "access_token": KEYS[0],
             "base_url": "https://own.example/v1"}]}}))
        self.assertEqual(self.home.compile()[0], 0)
        reader = hermes_snapshot.open(self.home.path)
        snapshot, none = reader.current, reader.pick()
        self.assertEqual((none.secret, none.base_url), ("", "http://127.0.0.1:9/v1"))
        self.assertIs(snapshot.provider("lab"), snapshot.provider("My Lab"))
        self.assertEqual({k.secret: k.base_url for k in snapshot.provider("xiaomi").credentials},
                         {KEYS[0]: "https://own.example/v1", KEYS[1]: "https://api.xiaomimimo.com/v1"})
        fallback, = snapshot.fallbacks
        self.assertEqual((fallback.model,
                          [(k.secret, k.base_url) for k in snapshot.provider(fallback.provider).credentials]),
                         ("n", [(KEYS[1], "https://second.example/v1")]))
        self.assertEqual(snapshot.model_aliases, ())
        self.assertEqual(self.in_python().strip(), self.in_c())

    def test_a_new_generation_is_noticed_and_a_broken_one_is_not_taken(self):
        reader = hermes_snapshot.open(self.home.path)
        self.assertFalse(reader.refresh())
        self.home.write("config.yaml", "model:\n  provider: xiaomi\n  api_key: sk-test-third-00001\n")
        self.home.compile()
        self.assertTrue(reader.refresh())
        self.assertEqual(reader.pick().secret, "sk-test-third-00001")
        self.path.write_bytes(self.path.read_bytes().replace(b"third", b"thirD"))
        with self.assertRaises(hermes_snapshot.SnapshotError) as raised:
            reader.refresh()
        self.assertEqual((raised.exception.kind, reader.pick().secret), ("corrupt", "sk-test-third-00001"))

    def test_a_snapshot_is_told_by_what_it_says_not_by_its_number(self):
        reader = hermes_snapshot.open(self.home.path)
        os.utime(self.path)
        self.assertFalse(reader.refresh())
        shutil.rmtree(self.home.path / "compiled")
        self.home.write("config.yaml", "model:\n  provider: xiaomi\n  api_key: sk-test-third-00001\n")
        self.home.compile()
        self.assertTrue(reader.refresh())
        self.assertEqual((reader.current.generation, reader.pick().secret), (1, "sk-test-third-00001"))

    def test_a_changed_number_is_not_believed(self):
        self.path.write_bytes(self.path.read_bytes().replace(b'"generation":1,', b'"generation":9,'))
        self.agree()
        self.assertEqual(self.in_python(), str(hermes_snapshot.SnapshotError("corrupt")))

    def test_cooldowns(self):
        reader = hermes_snapshot.open(self.home.path)
        for memory in ({"status": "exhausted", "until": time.time() + 900}, {"status": "dead", "until": None},
                       {"status": "exhausted", "until": 1}, {"status": "exhausted"}, [], None):
            self.home.write("compiled/cooldowns.json",
                            json.dumps({"format": 1, "cooldowns": {"xiaomi": {fingerprint(KEYS[0]): memory}}}))
            self.agree()
        self.home.write("compiled/cooldowns.json", "{")
        self.agree()
        self.assertEqual(reader.pick().secret, KEYS[0])

    def test_what_is_refused(self):
        whole = self.path.read_bytes()
        cases = [b"", b"{}", whole[:-1], whole + b"x", whole[:100], whole.replace(b'"format":1', b'"format":2'),
                 whole.replace(b'"format":1', b'"format":"1"'), whole.replace(b'"generation":1', b'"generation":-1'),
                 whole.replace(b"sha256:", b"sha257:", 1), whole.replace(b'"content":', b'"content": '), b"\xff"
                 + whole]
        chance = random.Random(7)
        for _ in range(60):
            damaged = bytearray(whole)
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            cases.append(bytes(damaged))
        for data in cases:
            self.path.write_bytes(data)
            with self.subTest(data[:120]):
                self.agree()
        self.path.unlink()
        self.agree()
        self.path.write_bytes(whole)
        os.chmod(self.path, 0o622)
        self.agree()
        self.path.unlink()
        os.mkfifo(self.path)
        self.agree()


if __name__ == "__main__":
    unittest.main()
