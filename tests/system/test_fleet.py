#!/usr/bin/env python3
"""A fleet: one push reaches every machine, and nobody is left behind unseen. On a real etcd."""
import base64, concurrent.futures, itertools, json, os, re, subprocess, unittest

from fleet import Etcd, FleetHome, Tap
from harness import BUILD, fingerprint

OLD, NEW, LOCAL = "sk-test-fleet-old-0001", "sk-test-fleet-new-0002", "sk-test-local-0003"
COUNT = itertools.count()
EXIT_OK, EXIT_INVALID, EXIT_USAGE, EXIT_DIFFERS, EXIT_IO = range(5)


class FleetCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.etcd = Etcd()

    @classmethod
    def tearDownClass(cls):
        cls.etcd.close()

    def setUp(self):
        self.homes = []
        self.name = re.sub("[^a-z0-9]", "-", self.id().split(".")[-1])[:50] + f"-{next(COUNT)}"

    def tearDown(self):
        for home in self.homes:
            home.close()
            for key in (OLD, NEW, LOCAL):
                self.assertNotIn(key.encode(), home.printed)

    def home(self, **more):
        more = {"key": self.homes[0].key if self.homes else None, "name": self.name, **more}
        home = FleetHome(self.etcd, **more)
        self.homes.append(home)
        return home

    def wait_machines(self, home, fits):
        """The table of machines when it fits. A machine writes what changed, and etcd says when."""
        prefix = f"/hermes-watch/{home.name}/machines/"
        with self.etcd.watching(prefix) as lines:
            while True:
                status = home.status()
                if fits(status):
                    return status
                lines.readline()


class Push(FleetCase):
    def test_a_push_reaches_every_machine(self):
        a, b = self.home().start(), self.home(env=f"XIAOMI_API_KEY={LOCAL}\n").start()
        code, out, err = a.push(f"XIAOMI_API_KEY={OLD}\n")
        self.assertEqual((code, err), (EXIT_OK, ""))
        self.assertEqual(out, f"revision 1 of fleet {self.name}:\nXIAOMI_API_KEY: added {fingerprint(OLD)}\n")
        for home in (a, b):
            home.wait_revision(1)
            self.assertEqual(home.first_key(), fingerprint(OLD))
        self.assertEqual(a.push(f"XIAOMI_API_KEY={NEW}\n")[0], EXIT_OK)
        for home in (a, b):
            home.wait_revision(2)
            self.assertEqual(home.first_key(), fingerprint(NEW))
            home.wait_for(lambda: home.pool()[0]["access_token"] == NEW, "the new key in the pool")
        self.assertEqual(self.etcd.bytes().count(NEW.encode()), 0, "etcd has a key in clear")

    def test_where_a_value_comes_from_is_explained(self):
        home = self.home(env=f"XIAOMI_API_KEY={LOCAL}\n").start()
        home.push(f"# ours\nXIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        code, out, err = home.compile("--explain", "XIAOMI_API_KEY")
        self.assertIn(f"set at    fleet:{self.name}@1:2:16", out)
        self.assertIn(f"shadows   .env:1:16  {fingerprint(LOCAL)}: the fleet wins over the home's own files", out)
        home.watch.stop()  # so that the next revision waits to be compiled
        home.push(f"XIAOMI_API_KEY={NEW}\n")
        home.wait_state(revision=2)
        code, out, err = home.compile("--diff")
        self.assertEqual(code, EXIT_DIFFERS)
        self.assertIn(f"xiaomi: rotated {fingerprint(OLD)} -> {fingerprint(NEW)} "
                      f"(fleet:{self.name}@2:1:16 XIAOMI_API_KEY)", out)
        home.watch.resume()
        home.wait_revision(2)

    def test_a_managed_file_wins_over_the_fleet(self):
        home = self.home()
        (home.root / "managed").mkdir()
        (home.root / "managed/.env").write_text(f"XIAOMI_API_KEY={LOCAL}\n")
        home.start()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        self.assertEqual(home.first_key(), fingerprint(LOCAL))

    def test_what_is_wrong_is_not_pushed(self):
        home = self.home()
        for text, told in ((" \n", "is empty; to remove all keys"),
                           ("A=" + "x" * (600 * 1024), "larger than 512 KiB")):
            code, out, err = home.push(text)
            self.assertEqual((code, out), (EXIT_INVALID, ""))
            self.assertIn(told, err)
        self.assertEqual(self.etcd.keys(f"/hermes-watch/{self.name}/"), [])
        code, out, err = home.fleet("push", "missing.env")
        self.assertEqual((code, err), (EXIT_IO, "hermes-fleet: missing.env does not exist\n"))

    def test_what_is_odd_is_pushed_with_a_warning(self):
        code, out, err = self.home().push(f"XIAOMI_API_KEY={OLD}\nthis is no line\n")
        self.assertEqual(code, EXIT_OK)
        self.assertIn("<standard input>:2:1: warning[env-line-ignored]", err)

    def test_the_same_again_is_no_revision(self):
        home = self.home()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        self.assertEqual(home.push(f"XIAOMI_API_KEY={OLD}\n")[1], f"revision 1 of fleet {self.name}: nothing changed\n")

    def test_one_of_many_at_once_wins(self):
        home = self.home()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda i: home.push(f"XIAOMI_API_KEY=sk-test-race-{i:04}\n"), range(16)))
        won = [out for code, out, err in done if code == EXIT_OK]
        lost = [err for code, out, err in done if code == EXIT_DIFFERS]
        self.assertEqual(len(won) + len(lost), len(done), done)
        self.assertEqual(set(lost) - {"hermes-fleet: another push came first; nothing was pushed\n"}, set())
        numbers = sorted(int(re.match("revision ([0-9]+)", out)[1]) for out in won)
        self.assertEqual(numbers, list(range(1, len(won) + 1)), "each push is a revision of its own")
        self.assertEqual(home.status()["revision"], len(won))


class History(FleetCase):
    def test_a_rollback_is_a_new_revision(self):
        home = self.home().start()
        for key in (OLD, NEW):
            home.push(f"XIAOMI_API_KEY={key}\n")
        code, out, err = home.fleet("rollback", "1")
        self.assertEqual((code, err), (EXIT_OK, ""))
        self.assertEqual(out, f"revision 3 of fleet {self.name}:\n"
                              f"XIAOMI_API_KEY: {fingerprint(NEW)} -> {fingerprint(OLD)}\n")
        home.wait_revision(3)
        self.assertEqual(home.first_key(), fingerprint(OLD))
        code, out, err = home.fleet("history", "--format", "json")
        revisions = json.loads(out)["revisions"]
        self.assertEqual([(r["revision"], r.get("from")) for r in revisions], [(3, 1), (2, None), (1, None)])
        self.assertEqual(home.fleet("history")[1].splitlines()[0].split()[-1], "1)")

    def test_a_revision_that_is_not_there(self):
        home = self.home()
        code, out, err = home.fleet("rollback", "7")
        self.assertEqual((code, err), (EXIT_USAGE, "hermes-fleet: etcd has no revision 7; hermes-fleet history lists "
                                                   "what it has\n"))
        self.assertEqual(home.fleet("rollback", "x")[0], EXIT_USAGE)
        self.assertEqual(home.fleet("rollback")[0], EXIT_USAGE)

    def test_only_the_last_revisions_are_kept(self):
        home = self.home()
        for i in range(66):
            self.assertEqual(home.push(f"XIAOMI_API_KEY=sk-test-many-{i:04}\n")[0], EXIT_OK)
        revisions = json.loads(home.fleet("history", "--format", "json")[1])["revisions"]
        self.assertEqual([r["revision"] for r in revisions], list(range(66, 2, -1)))


class Status(FleetCase):
    def test_every_machine_is_in_the_table(self):
        a, b = self.home().start(), self.home().start()
        a.push(f"XIAOMI_API_KEY={OLD}\n")
        status = self.wait_machines(a, lambda s: [m["revision"] for m in s["machines"]] == [1, 1])
        self.assertEqual(status["revision"], 1)
        self.assertEqual({m["home"] for m in status["machines"]}, {str(a.path), str(b.path)})
        self.assertEqual({(m["state"], m["behind"], m["error"]) for m in status["machines"]}, {("ok", False, "")})
        code, out, err = a.fleet("status")
        self.assertEqual((code, err), (EXIT_OK, ""))
        self.assertTrue(out.startswith(f"fleet {self.name}, revision 1, 2 machines\n"), out)

    def test_a_machine_that_refuses_a_revision_says_why(self):
        a = self.home().start()
        b = self.home(more="# b\n")
        b.write("config.yaml", (b.path / "config.yaml").read_text().replace(
            "model:\n  provider: xiaomi\n", "model:\n  provider: xiaomi\n  base_url: ${TEAM_URL}\n"))
        b.start()
        good = f"XIAOMI_API_KEY={OLD}\nTEAM_URL=https://api.xiaomimimo.com/v1\n"
        self.assertEqual(a.push(good)[0], EXIT_OK)
        a.wait_revision(1), b.wait_revision(1)
        self.assertEqual(a.push(f"XIAOMI_API_KEY={NEW}\n")[0], EXIT_OK)
        a.wait_revision(2)
        status = self.wait_machines(a, lambda s: any(m["state"] == "refused" for m in s["machines"]) and
                                    any(m["revision"] == 2 for m in s["machines"]))
        refused = next(m for m in status["machines"] if m["home"] == str(b.path))
        self.assertEqual((refused["revision"], refused["behind"]), (1, True))
        self.assertIn("error[unresolved-reference]", refused["error"])
        self.assertEqual(b.first_key(), fingerprint(OLD), "the last good revision stays")
        code, out, err = a.fleet("status")
        self.assertEqual(code, EXIT_DIFFERS)
        self.assertIn("1 behind", out)
        code, out, err = b.compile("--status")
        self.assertRegex(out, f"fleet {self.name}: revision 1, connected to etcd since 20[0-9T:.-]+Z; revision 2 has "
                              r"been refused since 20[0-9T:.-]+Z: config.yaml:3:13: error\[unresolved-reference\]")
        code, out, err = b.compile("--check", "--live")
        self.assertEqual(code, EXIT_DIFFERS)
        self.assertRegex(out, "fleet: revision 1 is active, and revision 2 has been refused since 20[0-9T:.-]+Z: conf")
        code, out, err = a.compile("--check", "--live")
        self.assertEqual((code, out.count("refused")), (EXIT_OK, 0), "what is wrong on b is no drift of a")
        b.write(".env", "LOCAL_LINE=1\n")  # an edit of its own goes through
        b.wait_for(lambda: "LOCAL_LINE" in b.snapshot()["content"]["env"], "the edit")
        b.write(".env", "TEAM_URL=https://api.xiaomimimo.com/v1\n")  # and what it refused it takes when it can
        b.wait_revision(2)
        self.assertEqual(a.push(good.replace(OLD, "sk-test-fleet-third-3"))[0], EXIT_OK)
        b.wait_revision(3)
        self.wait_machines(a, lambda s: not any(m["behind"] for m in s["machines"]))


class Away(FleetCase):
    """An etcd of its own, which goes away."""

    def setUp(self):
        super().setUp()
        self.etcd = Etcd()

    def tearDown(self):
        super().tearDown()
        self.etcd.close()

    def test_a_machine_goes_on_and_catches_up(self):
        home = self.home().start()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        code, out, err = home.compile("--status")
        self.assertRegex(out, f"fleet {self.name}: revision 1, connected to etcd since 20[0-9T:.-]+Z\n")
        self.etcd.members[0].kill()
        state = home.wait_state(heard=False)
        self.assertIn("Failed to connect", state["trouble"])
        code, out, err = home.compile("--status")
        self.assertRegex(out, f"fleet {self.name}: revision 1, without etcd since 20[0-9T:.-]+Z: http://127")
        code, out, err = home.compile("--check", "--live")
        self.assertEqual(code, EXIT_DIFFERS)
        self.assertRegex(out, "fleet: revision 1 is active, and etcd has not been reachable since 20[0-9T:.-]+Z: http")
        self.assertEqual(home.fleet("status")[0], EXIT_IO)
        home.watch.close()  # and a machine starts without etcd
        home.write(".env", "EDITED=1\n")
        home.start()
        self.assertEqual(home.snapshot()["content"]["env"]["EDITED"], "1")
        self.assertEqual(home.first_key(), fingerprint(OLD))
        self.etcd.members[0].start()
        home.wait_state(heard=True)
        home.push(f"XIAOMI_API_KEY={NEW}\n")
        home.wait_revision(2)
        code, out, err = home.compile("--status", "--format", "json")
        told = json.loads(out)["fleet"]
        self.assertEqual((told["name"], told["revision"], told["followed"], told["heard"]), (self.name, 2, True, True))

    def test_where_nobody_follows(self):
        home = self.home().start()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        home.watch.close()
        home.watch = None
        code, out, err = home.compile("--status")
        self.assertIn(f"fleet {self.name}: revision 1; not followed: hermes-watch is not running\n", out)


class Configuration(FleetCase):
    def test_a_home_joins_and_leaves_while_it_is_watched(self):
        home = self.home(env=f"XIAOMI_API_KEY={LOCAL}\n")
        config = (home.path / "config.yaml").read_text()
        home.write("config.yaml", "model:\n  provider: xiaomi\n")
        home.start()
        self.assertEqual(home.first_key(), fingerprint(LOCAL))
        self.assertEqual(home.children(), [])
        home.write("config.yaml", config)
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        self.assertEqual(len(home.children()), 1)
        home.write("config.yaml", "model:\n  provider: xiaomi\n")
        home.wait_for(lambda: home.first_key() == fingerprint(LOCAL), "the home's own key")
        home.wait_for(lambda: home.children() == [], "the end of the child")

    def test_a_child_that_ends_is_begun_again(self):
        home = self.home().start()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        os.kill(home.children()[0], 9)
        home.push(f"XIAOMI_API_KEY={NEW}\n")
        home.wait_revision(2)

    def test_a_child_that_finds_a_broken_configuration_comes_back_with_the_next_one(self):
        home = self.home().start()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        config = (home.path / "config.yaml").read_text()
        home.write("config.yaml", "model: [\n")
        home.watch.wait(lambda status: "error[yaml-syntax]" in status)
        self.assertEqual(len(home.children()), 1, "a broken file says nothing of the fleet")
        os.kill(home.children()[0], 9)
        home.wait_for(lambda: home.log().count("restarting it") > 1, "the end of the next one")
        home.write("config.yaml", config)
        home.push(f"XIAOMI_API_KEY={NEW}\n")
        home.wait_revision(2)

    def test_what_is_wrong_in_the_section(self):
        home = self.home()
        good = (home.path / "config.yaml").read_text()
        for change, told in ((("name: " + self.name, "name: a/b"),
                              "hermes_watch.fleet.name must be at most 64 letters"),
                             (("http://127.0.0.1", "http://10.0.0.1"), "is not encrypted: http:// is only for this"),
                             (("http://127.0.0.1", "ftp://127.0.0.1"), "does not start with https:// or http://"),
                             (("http://127.0.0.1", "http://me:sk-test-pass@127.0.0.1"), "contains a user"),
                             (("key_file:", "keyfile:"), "hermes_watch.fleet has no key_file"),
                             (("key_file:", "username: gateway\n    key_file:"),
                              "username and password_env go together")):
            home.write("config.yaml", good.replace(*change))
            code, out, err = home.compile("--check")
            self.assertEqual(code, EXIT_INVALID, err)
            self.assertIn(told, err)
            self.assertNotIn("sk-test-pass", err)
            self.assertEqual(home.fleet("status")[0], EXIT_INVALID)

    def test_a_key_file_that_others_can_read(self):
        home = self.home()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.start().wait_revision(1)
        os.chmod(home.key, 0o644)
        code, out, err = home.compile("--check")
        self.assertEqual(code, EXIT_INVALID)
        self.assertIn("error[fleet-key]", err)
        self.assertIn("is readable by others (mode 0644): run chmod 600", err)
        self.assertEqual(home.fleet("status")[0], EXIT_INVALID)
        os.chmod(home.key, 0o600)

    def test_a_home_of_no_fleet(self):
        home = self.home()
        home.write("config.yaml", "model:\n  provider: xiaomi\n")
        code, out, err = home.fleet("status")
        self.assertEqual((code, err), (EXIT_INVALID, f"hermes-fleet: {home.path} does not belong to a fleet: its "
                                                     "config.yaml has no hermes_watch.fleet\n"))

    def test_a_key_file_is_never_overwritten(self):
        home = self.home()
        before = home.key.read_bytes()
        self.assertEqual(home.key.stat().st_mode & 0o777, 0o600)
        self.assertEqual(home.fleet("init", self.name)[0], EXIT_USAGE)
        self.assertEqual(home.key.read_bytes(), before)
        self.assertEqual(home.fleet("init", "a/b")[0], EXIT_USAGE)


class Words(FleetCase):
    def test_no_key_in_arguments_and_environment(self):
        home = self.home(env=f"XIAOMI_API_KEY={LOCAL}\nETCD_PASSWORD={LOCAL}\n").start()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        secrets = [key.encode() for key in (OLD, LOCAL, home.key.read_text().split()[-1])]
        for pid in (home.watch.process.pid, *home.children()):
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    told = file.read()
                self.assertFalse([secret for secret in secrets if secret in told], told)
        self.assertFalse([secret for secret in secrets if secret in self.etcd.bytes()])
        self.assertEqual((home.path / "compiled/fleet.sealed").stat().st_mode & 0o777, 0o600)

    def test_no_key_and_no_fingerprint_on_its_way(self):
        tap = Tap(self.etcd.members[0])
        home = self.home(endpoints=tap.url).start()
        try:
            home.push(f"XIAOMI_API_KEY={OLD}\n")
            home.wait_revision(1)
            home.wait_state(revision=1, heard=True)
            subprocess.run([BUILD / "examples/try_each_key", home.path], input=b"429 900\n", capture_output=True)
            home.wait_for(lambda: (home.path / "compiled/fleet-cooldowns.json").exists(), "etcd's word of the cooldown")
            self.wait_machines(home, lambda s: len(s["machines"]) == 1)
        finally:
            tap.close()
        self.assertIn(base64.b64encode(f"/hermes-watch/{self.name}/sources/env".encode()), tap.seen)
        for secret in (OLD, fingerprint(OLD)[7:], home.key.read_text().split()[-1], str(home.path)):
            shown = [secret.encode(), *(base64.b64encode(b"x" * i + secret.encode())[4:-4] for i in range(3))]
            self.assertEqual([form for form in shown if form in tap.seen], [])

    def test_only_one_program_can_speak_to_etcd(self):
        for name in ("hermes-compile", "hermes-watch"):
            libraries = subprocess.run(["ldd", BUILD / name], capture_output=True, text=True).stdout
            self.assertIn("libsodium", libraries)
            self.assertNotIn("libcurl", libraries)

    def test_commands(self):
        home = self.home()
        for args, told in ((("statu",), "hermes-fleet: unknown command statu; did you mean status?\n"),
                           ((), "hermes-fleet: a command is missing; see --help\n"),
                           (("status", "x"), "hermes-fleet: unexpected argument after status; see --help\n"),
                           (("init", "--format", "json"),
                            "hermes-fleet: --format is only for push or status or history or rollback or cooldowns; "
                            "see --help\n")):
            code, out, err = home.fleet(*args)
            self.assertEqual((code, err), (EXIT_USAGE, told))
        self.assertIn("Usage: hermes-fleet COMMAND [OPTION]...", home.fleet("--help")[1])


if __name__ == "__main__":
    unittest.main()
