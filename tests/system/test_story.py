"""The user replaces an exhausted key: in config.yaml, in .env, in both; breaks the file, mends it, removes the key.
After each edit both kinds of readers get the right answer. Each edit is done in four ways."""
import json, os, time, unittest

from harness import Home, PoolReader, Provider, RuntimeReader, Watch, fingerprint

A, B, C = "sk-test-story-aaaa-1", "sk-test-story-bbbb-2", "sk-test-story-cccc-3"


def in_place(home, name, text):
    with open(home.path / name, "r+b") as file:
        file.write(text)
        file.truncate()


def truncate_and_write(home, name, text):
    with open(home.path / name, "wb") as file:
        file.flush()
        file.write(text)


def rename_over(home, name, text):
    beside = home.path / (name + ".tmp")
    beside.write_bytes(text)
    os.chmod(beside, 0o600)
    os.rename(beside, home.path / name)


def swap_link(home, name, text):
    folder = home.root / f"versions-{time.monotonic_ns()}"
    folder.mkdir()
    (folder / name).write_bytes(text)
    os.chmod(folder / name, 0o600)
    beside = home.path / (name + ".link")
    os.symlink(folder / name, beside)
    os.rename(beside, home.path / name)


class Story(unittest.TestCase):
    def setUp(self):
        self.home, self.provider = Home(), Provider()
        self.provider.good = {B, C}

    def tearDown(self):
        self.provider.close()
        self.home.close()

    def config(self, key):
        line = f"  api_key: {key}\n" if key else ""
        return f"model:\n  provider: xiaomi\n  default: mimo\n  base_url: {self.provider.url}\n{line}".encode()

    def env(self, key):
        return f"XIAOMI_API_KEY={key}\n".encode()

    def store(self, form):
        entry = {"id": "6daf30", "label": "XIAOMI_API_KEY", "auth_type": "api_key", "priority": 0,
                 "source": "env:XIAOMI_API_KEY"}
        if form == "0.10.0":
            entry["access_token"] = A
        now = time.time()
        entry |= {"last_status": "exhausted", "last_status_at": now - 10.123457, "last_error_code": 429,
                  "last_error_reason": "rate_limit", "last_error_message": "quota \u2014 \u8d85",
                  "last_error_reset_at": now + 3600.25, "base_url": self.provider.url, "request_count": 0}
        if form == "0.16.0":
            entry["secret_fingerprint"] = fingerprint(A)
        store = {"version": 1, "providers": {"nous": {"refresh_token": "sk-test-nous-refresh", "n": 1}},
                 "future": [1e400, 12345678901234567890], "credential_pool": {
                     "nous": [{"id": "abcdef", "auth_type": "oauth", "priority": 0, "source": "device_code",
                               "access_token": "sk-test-oauth", "refresh_token": "sk-test-r", "x": 0.1}],
                     "xiaomi": [entry]}, "updated_at": "2026-11-24T00:00:58.806393+00:00"}
        return json.dumps(store, indent=2) + "\n"

    def check(self, watch, expected, number):
        watch.wait_generation(number)
        self.assertEqual(self.home.generation(), number)
        self.expect(expected)

    def expect(self, expected):
        for reader in (self.runtime, self.pool):
            self.assertEqual((type(reader).__name__, reader.answer()), (type(reader).__name__, expected))

    def tell(self, edit, form):
        home = self.home
        home.write("config.yaml", self.config(A))
        home.write(".env", self.env(A))
        home.write("auth.json", self.store(form))
        watch = Watch(home)
        self.runtime, self.pool = RuntimeReader(home), PoolReader(home)
        try:
            with self.assertRaises(LookupError):
                self.pool.pick()  # before: the only key is exhausted, and both readers know it
            edit(home, "config.yaml", self.config(B))  # (1)
            self.check(watch, 200, 2)
            edit(home, "config.yaml", self.config(A))
            watch.wait_generation(3)
            edit(home, ".env", self.env(B))  # (2): A of config.yaml is known to be cooling
            self.check(watch, 200, 4)
            edit(home, "config.yaml", self.config(B))  # (3)
            self.check(watch, 200, 5)
            edit(home, "config.yaml", b"model: [\n")  # (4)
            status = watch.wait(lambda line: "kept" in line and "yaml-syntax" in line)
            self.assertIn("config.yaml:1:8", status)
            self.assertEqual(home.generation(), 5)
            self.expect(200)
            edit(home, "config.yaml", self.config(C))  # (5)
            self.check(watch, 200, 6)
            self.assertEqual(self.pool.pick()[1], C)
            edit(home, "config.yaml", self.config(None))  # (6)
            self.check(watch, 200, 7)
            self.assertEqual(self.pool.pick()[1], B)
            self.origin_is_exact()
            self.foreign_is_untouched(form)
        finally:
            self.runtime.close()
            watch.close()
        for key in (A, B, C, "sk-test"):
            self.assertNotIn(key.encode(), home.printed)

    def origin_is_exact(self):
        credential = self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]
        self.assertEqual(credential["origins"], [{"path": ".env", "line": 1, "column": 16, "key": "XIAOMI_API_KEY"}])

    def foreign_is_untouched(self, form):
        before, after = json.loads(self.store(form)), json.loads((self.home.path / "auth.json").read_text())
        self.assertEqual(before["credential_pool"]["nous"], after["credential_pool"]["nous"])
        text = (self.home.path / "auth.json").read_text()
        self.assertIn("12345678901234567890", text)
        self.assertIn("Infinity", text)
        self.assertEqual(json.dumps(after, indent=2) + "\n", text)


for way in (in_place, truncate_and_write, rename_over, swap_link):
    for form in ("0.10.0", "0.16.0"):
        setattr(Story, f"test_{way.__name__}_{form}", lambda self, way=way, form=form: self.tell(way, form))

if __name__ == "__main__":
    unittest.main()
