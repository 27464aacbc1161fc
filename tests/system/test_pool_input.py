"""auth.json and auth.lock in every bad shape: the snapshot is published all the same, the pool is left alone, and a
finding says why."""
import json, os, stat, subprocess, unittest

from harness import Home, Watch

KEY, MANUAL = "sk-test-main-000001", "sk-test-manual-0001"
CONFIG = f"model:\n  provider: xiaomi\n  api_key: {KEY}\n"
CAN_MOUNT = os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


def entry(**members):
    return {"id": "abc123", "auth_type": "api_key", "source": "manual", "priority": 0, "access_token": MANUAL,
            "base_url": "https://a.example.com/v1"} | members


def store(*entries):
    return json.dumps({"version": 1, "providers": {}, "credential_pool": {"xiaomi": list(entries)}}, indent=2) + "\n"


class PoolInput(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.write("config.yaml", CONFIG)

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def first_key(self):
        return self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]["secret"]

    def left_alone(self, text, *words, code=0, prefix=()):
        """TEXT is in auth.json (None: whatever stands there) and stays; the diagnostic has all WORDS."""
        if text is not None:
            self.home.write("auth.json", text)
        before = self.home.bytes_of("auth.json") if not (self.home.path / "auth.json").is_dir() else b""
        got, _, err = self.home.compile(prefix=prefix)
        self.assertEqual(got, code, err)
        for word in words:
            self.assertIn(word, err)
        self.assertIn("help: ", err)
        self.assertEqual(self.first_key(), KEY)
        self.assertEqual(self.home.bytes_of("auth.json") if before != b"" else b"", before)
        got, out, _ = self.home.compile("--check", "--live", "--format", "json", prefix=prefix)
        self.assertEqual(got, 3)
        return [f["message"] for f in json.loads(out)["findings"] if f["where"] == "auth.json"]

    def test_no_json(self):
        good = store(entry())
        for text, why in (("", "is empty"), ("\ufeff\ufeff" + good, "is not JSON"), ("no json", "is not JSON"),
                          (good[:-20], "is not JSON"), (good + "}", "is not JSON"),
                          (b"\xff\xfe" + good.encode(), "is not UTF-8"),
                          ("[]", "is a list, not an object"), ("{}", "has neither providers nor credential_pool"),
                          ('{"credential_pool": []}', "has a credential_pool that is not an object"),
                          ('{"providers": {}, "credential_pool": "x"}', "has a credential_pool that is not an object")):
            with self.subTest(why):
                found = self.left_alone(text,
                                        f"auth.json: warning[pool-unreadable]: auth.json {why}; it is not changed")
                self.assertEqual(found, [f"auth.json {why}; it is not changed"])

    def test_a_pool_of_odd_shape(self):
        for entries, why in (([entry(), "x"], "one of its entries is not an object"),
                             ([entry(), None], "one of its entries is not an object"),
                             ([entry(), entry(priority="1")], "the priority of one of its entries is not a number"),
                             ([entry(), entry(priority=None)], "the priority of one of its entries is not a number")):
            with self.subTest(why):
                why = f"the pool of xiaomi is not changed: {why}"
                self.assertEqual(self.left_alone(store(*entries), f"auth.json: warning[pool-left-alone]: {why}"), [why])

    def test_a_mark_at_the_start(self):
        """An editor on Windows leaves one; Hermes since 0.20.1 reads over it, and so does this."""
        for text in (store(entry()),
                     json.dumps(json.loads(store(entry(label="\u00e4\u2028"))), indent=2, ensure_ascii=False)):
            self.home.write("auth.json", "\ufeff" + text)
            code, _, err = self.home.compile()
            self.assertEqual((code, "pool-unreadable" in err), (0, False), err)
            written = self.home.bytes_of("auth.json").decode()
            self.assertTrue(written.startswith("\ufeff"))
            self.assertEqual([e["access_token"] for e in json.loads(written[1:])["credential_pool"]["xiaomi"]],
                             [KEY, MANUAL])
            self.home.write("config.yaml", "model:\n  provider: xiaomi\n")
            self.assertEqual(self.home.compile()[0], 0)
            self.assertEqual(self.home.bytes_of("auth.json").decode(), "\ufeff" + text)
            self.home.write("config.yaml", CONFIG)

    def test_an_entry_with_a_url_of_its_own(self):
        """Its key goes there and nowhere else, as Hermes sends it: but for the table's URL, where config.yaml names
        another one."""
        for url, named, expected in (("https://proxy.example.com/v1/", "", "https://proxy.example.com/v1"),
                                     ("https://api.xiaomimimo.com/v1", "", None),
                                     ("https://api.xiaomimimo.com/v1", "  base_url: https://mine.example.com/v1\n",
                                      None), ("", "", None)):
            with self.subTest(url=url, named=named):
                self.home.write("config.yaml", "model:\n  provider: xiaomi\n" + named)
                self.home.write("auth.json", store(entry(base_url=url)))
                self.assertEqual(self.home.compile()[0], 0)
                credential = self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]
                self.assertEqual((credential["secret"], credential.get("base_url")), (MANUAL, expected))

    def test_openrouters_variable_goes_where_hermes_sends_it(self):
        """Up to 0.16 an entry keeps the older value of its variable, so ours stands before it; and over OpenRouter's
        entries Hermes puts no base_url of config.yaml."""
        table, own = "https://openrouter.ai/api/v1", "https://proxy.example/v1"
        old = entry(source="env:OPENROUTER_API_KEY", access_token=MANUAL, base_url=table)
        for written, url in (("", table), (f"  api_key: {KEY}\n", own)):
            self.home.write("config.yaml", f"model:\n  provider: openrouter\n  base_url: {own}\n{written}")
            self.home.write(".env", "OPENROUTER_API_KEY=sk-or-test-new-0001\n")
            self.home.write("auth.json", store(old).replace('"xiaomi"', '"openrouter"'))
            self.home.compile()
            first = self.home.pool("openrouter")[0]
            self.assertIn("hermes-watch", first["source"])
            self.assertEqual(first["base_url"], url)

    def test_what_was_taken_out_by_hand_stays_out(self):
        """As `hermes auth remove` does it: the entry goes, the others get new numbers."""
        self.home.write("auth.json", store(entry(priority=3)))
        self.home.compile()
        self.assertEqual([e["access_token"] for e in self.home.pool()], [KEY, MANUAL])
        self.home.write("auth.json", store(entry(priority=0)))
        for _ in range(2):
            code, _, err = self.home.compile()
            self.assertEqual((code, [e["access_token"] for e in self.home.pool()]), (0, [MANUAL]))
            self.assertIn("warning[removed-entry]: model.api_key has no entry in Hermes's pool for xiaomi", err)
        self.assertEqual(self.first_key(), KEY)  # the relay and the library have it
        self.assertIn("may be in auth.json again", self.home.compile("--reset", "xiaomi")[1])
        self.assertNotIn("removed-entry", self.home.compile()[2])
        self.assertEqual([e["access_token"] for e in self.home.pool()], [KEY, MANUAL])
        self.home.write("auth.json", store(entry(priority=0)))
        self.home.compile()
        self.home.write("config.yaml", CONFIG.replace(KEY, "sk-test-another-01"))  # another key is another wish
        self.assertNotIn("removed-entry", self.home.compile()[2])
        self.assertEqual([e["access_token"] for e in self.home.pool()], ["sk-test-another-01", MANUAL])

    def test_what_the_watcher_wrote_is_known_when_it_is_gone(self):
        """It notes what stands in the pool when the outcome is told already."""
        self.home.write("auth.json", store(entry()))
        watch = Watch(self.home)
        self.home.write("config.yaml", CONFIG.replace(KEY, "sk-test-another-01"))
        watch.wait_generation(2)
        watch.close()
        self.assertEqual([e["access_token"] for e in self.home.pool()], ["sk-test-another-01", MANUAL])
        self.home.write("auth.json", store(entry(priority=0)))
        self.assertIn("warning[removed-entry]", self.home.compile()[2])
        self.assertEqual([e["access_token"] for e in self.home.pool()], [MANUAL])

    def test_what_an_old_process_lost_comes_back(self):
        """Hermes up to 0.16 writes the list that it knows, when it has something to note."""
        spent = entry(last_status="exhausted", last_status_at=1.5)
        for after in (store(spent), store(), None):
            self.home.write("auth.json", store(entry()))
            self.home.compile()
            self.assertEqual([e["access_token"] for e in self.home.pool()], [KEY, MANUAL])
            if after is None:
                (self.home.path / "auth.json").unlink()
            else:
                self.home.write("auth.json", after)
            self.home.compile()
            self.assertIn(KEY, [e["access_token"] for e in self.home.pool()])

    def test_a_custom_provider_is_renamed(self):
        """Its key goes on resting, and the pool that it leaves behind is named."""
        def config(name, key=KEY):
            return (f"model: {{provider: {name}}}\n"
                    f"custom_providers: [{{name: {name}, base_url: http://h/v1, api_key: {key}}}]\n")

        spent = entry(source="config:old", access_token=KEY, last_status="exhausted", last_status_at=4e9,
                      last_error_reset_at=4000000500.0)
        text = store(spent).replace('"xiaomi"', '"custom:old"')
        self.home.write("config.yaml", config("old"))
        self.home.write("auth.json", text)
        self.assertEqual(self.home.compile()[0], 0)
        self.home.write("config.yaml", config("new"))
        code, _, err = self.home.compile()
        self.assertEqual(code, 0)
        self.assertIn("hint[orphaned-pool]: auth.json has 1 entry for custom:old, which config.yaml does not define",
                      err)
        self.assertEqual([e["last_error_reset_at"] for e in self.home.pool("custom:new")], [4000000500.0])
        self.assertIn("cooling until 2096", self.home.compile("--status")[1])
        self.home.compile("--reset", "new")
        self.home.compile()
        self.assertNotIn("cooling", self.home.compile("--status")[1])
        self.home.write("config.yaml", config("third", "sk-test-fresh-0001"))
        self.home.compile()
        self.assertEqual([e["last_status"] for e in self.home.pool("custom:third")], [None])

    def test_a_pool_under_the_key_of_a_custom_provider(self):
        """Hermes since 0.22 moves what is added by hand there, and asks it first."""
        self.home.write("config.yaml",
                        f"model: {{provider: mine}}\nproviders: {{mine: {{name: My LLM, base_url: http://h/v1, "
                        f"api_key: {KEY}}}}}\n")
        ours = entry(source="manual:hermes-watch:providers.mine.api_key", access_token=KEY)
        self.home.write("auth.json", store(entry(id="abc124"), ours).replace('"xiaomi"', '"mine"'))
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual([e["access_token"] for e in self.home.pool("mine")], [MANUAL])
        self.assertEqual([e["access_token"] for e in self.home.pool("custom:my-llm")], [KEY])
        keys = [c["secret"] for c in self.home.snapshot()["content"]["providers"]["custom:my-llm"]["credentials"]]
        self.assertEqual(keys, [KEY, MANUAL])

    def test_what_hermes_copes_with(self):
        """No id, one source twice, equal and fractional priorities: ours goes before, theirs stay as they are."""
        entries = [entry(source="env:XIAOMI_API_KEY", priority=1), entry(source="env:XIAOMI_API_KEY", priority=1.5),
                   entry(priority=1.5)]
        for one in entries:
            del one["id"]
        self.home.write("auth.json", store(*entries))
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual([e for e in self.home.pool() if e["source"][:8] != "manual:h"], entries)
        self.assertEqual(min(self.home.pool(), key=lambda e: e["priority"])["access_token"], KEY)
        before = self.home.bytes_of("auth.json")
        self.home.compile()
        self.assertEqual(self.home.bytes_of("auth.json"), before)

    def test_our_entry_gets_its_number_back(self):
        """Hermes cannot sort a pool with a priority that is no number, and fails for the whole provider."""
        for strategy in ("", "credential_pool_strategies:\n  xiaomi: round_robin\n"):
            self.home.write("config.yaml", CONFIG + strategy)
            for foreign in ([], [entry()],
                            [entry(), entry(id="abc124", access_token="sk-test-second-001", priority=1)]):
                self.home.write("auth.json", store(*foreign))
                self.home.compile()
                good = self.home.bytes_of("auth.json")
                ours = next(e for e in self.home.pool() if e["access_token"] == KEY)
                for priority in (None, "0", "first", [1]):
                    self.home.write("auth.json",
                                    store(*(e | {"priority": priority} if e == ours else e for e in self.home.pool())))
                    self.home.compile()
                    self.assertEqual(self.home.bytes_of("auth.json"), good, (strategy, priority))

    def test_an_absent_priority_is_zero_as_in_hermes(self):
        first, second = entry(), entry(id="abc124", access_token="sk-test-second-001", priority=1)
        del first["priority"]
        self.home.write("auth.json", store(first, second))
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual([(e["access_token"], e.get("priority")) for e in self.home.pool()],
                         [(KEY, -1), (MANUAL, None), ("sk-test-second-001", 1)])

    def test_moments_as_leniently_as_hermes_reads_them(self):
        """A reset in milliseconds, as a text of digits or as a date; the key of that entry cools until then."""
        for reset in (4115491200123, "4115491200.123", "4115491200123", "2100-06-01T00:00:00.123Z",
                      "2100-06-01T02:00:00.123+02:00"):
            with self.subTest(reset):
                (self.home.path / "compiled/cooldowns.json").unlink(missing_ok=True)
                self.home.write("auth.json", store(entry(access_token=KEY, base_url="", last_status="exhausted",
                                                         last_status_at=1.5, last_error_reset_at=reset)))
                self.assertEqual(self.home.compile()[0], 0)
                self.assertEqual([e["last_error_reset_at"] for e in self.home.pool()], [reset, reset])
                self.assertIn("cooling until 2100-0", self.home.compile("--status")[1])

    def test_fifty_megabytes(self):
        found = self.left_alone(store(entry(label="x" * 50_000_000)), "[too-large]: auth.json has 500",
                                "the limit is 16 MiB")
        self.assertIn("the limit is 16 MiB", found[0])

    def test_a_link_stays_a_link(self):
        real = self.home.root / "elsewhere.json"
        real.write_text(store(entry()))
        os.chmod(real, 0o600)
        (self.home.path / "auth.json").symlink_to(real)
        self.assertEqual(self.home.compile()[0], 0)
        self.assertTrue((self.home.path / "auth.json").is_symlink())
        self.assertIn(KEY, real.read_text())

    def test_a_link_to_nothing(self):
        (self.home.path / "auth.json").symlink_to(self.home.root / "nothing.json")
        self.left_alone(None, "auth.json", "is a link to a file that does not exist")
        self.assertFalse((self.home.root / "nothing.json").exists())
        self.assertTrue((self.home.path / "auth.json").is_symlink())

    def test_a_directory(self):
        (self.home.path / "auth.json").mkdir()
        self.left_alone(None, "[not-a-file]: auth.json is a directory, not a file")

    def test_readable_by_all(self):
        os.chmod(self.home.write("auth.json", store(entry())), 0o644)
        code, _, err = self.home.compile()
        self.assertEqual(code, 0)
        self.assertIn("auth.json: warning[readable-by-others]: anyone may read auth.json (mode 0644)", err)
        self.assertIn("help: chmod 600", err)
        self.assertEqual(stat.S_IMODE(os.stat(self.home.path / "auth.json").st_mode), 0o640)
        self.assertIn("others could read auth.json (mode 0644); the mode is now 0640", err)
        self.assertEqual(self.home.pool()[0]["access_token"], KEY)

    @unittest.skipIf(os.geteuid() != 0, "SKIP: only root can give files away")
    def test_owned_by_another_user(self):
        os.chown(self.home.write("auth.json", store(entry())), 12345, 12345)
        found = self.left_alone(None,
                                "[unsafe-owner]: auth.json belongs to user 12345, who is neither you nor root (mode "
                                "0600)")
        self.assertIn("belongs to user 12345", found[0])
        self.assertEqual(os.stat(self.home.path / "auth.json").st_uid, 12345)

    @unittest.skipUnless(CAN_MOUNT, "SKIP: cannot mount")
    def test_a_bind_mount_is_rewritten_where_it_stands(self):
        self.home.write("auth.json", "")
        real = self.home.root / "real.json"
        real.write_text(store(entry()))
        os.chmod(real, 0o600)
        inode = os.stat(real).st_ino
        mounted = ("unshare", "-m", "sh", "-ec", 'mount --bind "$0" "$1"; shift; exec "$@"', real,
                   self.home.path / "auth.json")
        self.assertEqual(self.home.compile(prefix=mounted)[0], 0)
        self.assertEqual(os.stat(real).st_ino, inode)
        pool = json.loads(real.read_text())["credential_pool"]["xiaomi"]
        self.assertEqual([e["access_token"] for e in pool], [KEY, MANUAL])
        self.assertEqual(sorted(p.name for p in self.home.path.iterdir()),
                         ["auth.json", "auth.lock", "compiled", "config.yaml"])
        self.home.write("config.yaml", "model:\n  provider: xiaomi\n")  # and shorter again
        self.assertEqual(self.home.compile(prefix=mounted)[0], 0)
        self.assertEqual(real.read_text(), store(entry()))

    @unittest.skipUnless(CAN_MOUNT, "SKIP: cannot mount")
    def test_a_bind_mount_that_was_left_half_written(self):
        self.home.write("auth.json", "")
        real, whole = self.home.root / "real.json", store(entry())
        real.write_text(whole[:100])
        os.chmod(real, 0o600)
        copy = self.home.write("auth.json.hermes-compile-copy", whole)
        mounted = ("unshare", "-m", "sh", "-ec", 'mount --bind "$0" "$1"; shift; exec "$@"', real,
                   self.home.path / "auth.json")
        self.home.compile(prefix=mounted)
        self.assertEqual(self.home.compile(prefix=mounted)[0], 0)
        pool = json.loads(real.read_text())["credential_pool"]["xiaomi"]
        self.assertEqual([e["access_token"] for e in pool], [KEY, MANUAL])
        self.assertFalse(copy.exists())

    def test_a_copy_that_is_no_longer_needed(self):
        self.home.write("auth.json", store(entry()))
        copy = self.home.write("auth.json.hermes-compile-copy", store())
        self.home.compile()
        self.assertEqual([e["access_token"] for e in self.home.pool()], [KEY, MANUAL])
        self.assertFalse(copy.exists())

    @unittest.skipUnless(CAN_MOUNT, "SKIP: cannot mount")
    def test_a_directory_that_is_read_only(self):
        self.home.write("auth.json", store(entry()))
        (self.home.path / "compiled").mkdir(mode=0o700)
        (self.home.root / "compiled").mkdir(mode=0o700)
        readonly = ("unshare", "-m", "sh", "-ec", 'mount --bind "$1" "$1"; mount --bind "$0" "$1/compiled"; '
                    'mount -o remount,ro,bind "$1"; shift; exec "$@"', self.home.root / "compiled", self.home.path)
        code, _, err = self.home.compile(prefix=readonly)
        self.assertEqual(code, 4, err)
        self.assertIn("auth.lock cannot be written: Read-only file system", err)
        self.assertIn(KEY, (self.home.root / "compiled/snapshot.json").read_text())
        self.assertEqual(self.home.bytes_of("auth.json").decode(), store(entry()))

    def test_a_lock_that_is_missing_is_made(self):
        self.home.write("auth.json", store(entry()))
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(os.stat(self.home.path / "auth.lock").st_size, 0)

    def test_a_lock_that_is_a_directory(self):
        self.home.write("auth.json", store(entry()))
        (self.home.path / "auth.lock").mkdir()
        self.left_alone(None, "error[write-failed]: ", "auth.lock cannot be written: Is a directory", code=4)

    def test_a_lock_that_is_held_for_long(self):
        """hermes-watch publishes at once and goes on when it is free; test_bad_input.py has hermes-compile, which
        waits."""
        self.home.write("auth.json", store(entry()))
        holder = subprocess.Popen(["flock", self.home.path / "auth.lock", "sh", "-c", "echo; read line"],
                                  stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        holder.stdout.readline()
        watch = Watch(self.home)
        if "waiting" not in watch.status:
            watch.wait(lambda status: "waiting" in status)
        self.assertEqual(self.first_key(), KEY)
        self.assertEqual(self.home.bytes_of("auth.json").decode(), store(entry()))
        holder.communicate(b"\n")
        self.home.write("config.yaml", CONFIG + "# again\n")
        watch.wait(lambda status: status.startswith("generation") and "waiting" not in status)
        self.assertEqual(self.home.pool()[0]["access_token"], KEY)
        watch.close()


if __name__ == "__main__":
    unittest.main()
