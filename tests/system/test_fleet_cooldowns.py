#!/usr/bin/env python3
"""A key that is exhausted on one machine of a fleet is not tried by the others: library, relay and Hermes's pool."""
import json, os, re, shutil, signal, subprocess, time, unittest

from fleet import FLEET
from harness import BUILD, PATIENCE, RuntimeReader, fingerprint
from mock_provider import MockProvider, limited
from relay import RELAY, Relay
from test_fleet import EXIT_OK, FleetCase
from test_library import sanitized

FIRST, SECOND = "sk-test-fleet-first-01", "sk-test-fleet-second-2"
ENV = f"XIAOMI_API_KEY={FIRST}\nOTHER_KEY={SECOND}\n"


class CooldownCase(FleetCase):
    def machine(self, start=True):
        home = self.home()
        text = (home.path / "config.yaml").read_text()
        home.write("config.yaml", text.replace("  provider: xiaomi\n", "  provider: xiaomi\n  key_env: OTHER_KEY\n"))
        return home.start() if start else home

    def machines(self, count):
        homes = [self.machine() for _ in range(count)]
        self.assertEqual(homes[0].push(ENV)[0], EXIT_OK)
        for home in homes:
            home.wait_revision(1)
            home.wait_state(revision=1, heard=True)
        return homes

    def report(self, home, answers):
        """A gateway on the library that gets ANSWERS, one for each key that it tries."""
        done = subprocess.run([BUILD / "examples/try_each_key", home.path], input=answers, capture_output=True,
                              text=True, timeout=PATIENCE, check=True)
        return re.findall(r"with (\S+)", done.stdout)

    def state(self, home, key):
        done = subprocess.run([BUILD / "examples/key_states", home.path], capture_output=True, text=True,
                              timeout=PATIENCE, check=True)
        return next(line for line in done.stdout.splitlines() if fingerprint(key) in line)

    def known(self, home, key, provider="xiaomi"):
        try:
            return json.loads((home.path / "compiled/fleet-cooldowns.json").read_text()
                              )["cooldowns"].get(provider, {}).get(fingerprint(key))
        except FileNotFoundError:
            return None

    def wait_known(self, home, key, fits=lambda known: known is not None):
        return home.wait_for(lambda: (fits(self.known(home, key)) or None) and (self.known(home, key) or True),
                             "what the fleet knows of a key")

    def entry(self, home, key):
        return next(e for e in home.pool() if e.get("secret_fingerprint") == fingerprint(key) or
                    e.get("access_token") == key)


class Cooldowns(CooldownCase):
    def test_what_one_gateway_learns_all_know(self):
        a, b, c = self.machines(3)
        self.assertEqual(self.report(a, "429 900\n200\n"), [fingerprint(SECOND), fingerprint(FIRST)])
        for home in (b, c):
            self.wait_known(home, SECOND)
            self.assertIn("cooling", self.state(home, SECOND))
            self.assertIn("429-retry-after", self.state(home, SECOND))
            self.assertEqual(self.report(home, "200\n"), [fingerprint(FIRST)], "the exhausted key was tried")
            home.wait_for(lambda: self.entry(home, SECOND)["last_status"] == "exhausted", "the mark in the pool")
            self.assertAlmostEqual(self.entry(home, SECOND)["last_error_reset_at"], time.time() + 900, delta=60)
        code, out, err = a.fleet("cooldowns", "--format", "json")
        told = json.loads(out)["cooldowns"]
        self.assertEqual([(t["provider"], t["fingerprint"], t["status"], t["state"]) for t in told],
                         [("xiaomi", fingerprint(SECOND), 429, "exhausted")])
        self.assertLessEqual(told[0]["seconds_left"], 900)
        self.assertNotIn(fingerprint(SECOND)[7:].encode(), self.etcd.bytes(), "etcd has a fingerprint in clear")

    def test_what_hermes_marks_all_know(self):
        a, b = self.machines(2)
        a.wait_for(lambda: len(a.pool()) > 1, "both entries")
        auth = json.loads((a.path / "auth.json").read_text())
        entry = next(e for e in auth["credential_pool"]["xiaomi"] if e["access_token"] == SECOND)
        entry.update(last_status="exhausted", last_status_at=time.time(), last_error_code=429,
                     last_error_reset_at=time.time() + 1800)
        a.write("auth.json", json.dumps(auth))
        self.wait_known(b, SECOND)
        self.assertIn("cooling", self.state(b, SECOND))
        b.wait_for(lambda: self.entry(b, SECOND)["last_status"] == "exhausted", "the mark in the pool")
        self.assertEqual(self.entry(b, SECOND)["last_error_code"], 429)

    def test_a_reset_by_hand_goes_to_all(self):
        a, b = self.machines(2)
        self.report(a, "429 900\n200\n")
        self.wait_known(b, SECOND)
        b.wait_for(lambda: self.entry(b, SECOND)["last_status"] == "exhausted", "the mark in the pool")
        code, out, err = a.compile("--reset", "xiaomi", fingerprint(SECOND))
        self.assertEqual((code, err), (EXIT_OK, ""))
        self.wait_known(b, SECOND, lambda known: known is None)
        b.wait_for(lambda: self.entry(b, SECOND)["last_status"] is None, "the clean entry")
        for home in (a, b):
            home.wait_for(lambda: "good" in self.state(home, SECOND), "the reset key")
        self.assertEqual(a.fleet("cooldowns")[1], "no key is cooling\n")
        self.assertEqual(self.report(b, "429 700\n200\n"), [fingerprint(SECOND), fingerprint(FIRST)])
        self.wait_known(a, SECOND)  # and what is learned after it counts

    def test_a_reset_by_hand_before_this_machine_heard_of_the_cooldown_itself(self):
        a, b = self.machines(2)
        a.watch.close()
        a.watch = None
        self.report(b, "429 900\n200\n")
        self.wait_known(b, SECOND)
        shutil.copy2(b.path / "compiled/fleet-cooldowns.json", a.path / "compiled/fleet-cooldowns.json")
        self.assertEqual(a.compile("--reset", "xiaomi")[0], EXIT_OK)
        a.compile()
        self.assertIn("good", self.state(a, SECOND))
        a.start()
        for home in (a, b):
            self.wait_known(home, SECOND, lambda known: known is None)
            home.wait_for(lambda: "good" in self.state(home, SECOND), "the reset key")
        self.assertEqual(a.fleet("cooldowns")[1], "no key is cooling\n")

    def test_a_cooldown_that_is_deleted_in_etcd_is_over(self):
        a, b = self.machines(2)
        self.report(a, "429 900\n200\n")
        self.wait_known(b, SECOND)
        self.etcd.ctl("del", "--prefix", f"/hermes-watch/{a.name}/cooldowns/")
        for home in (a, b):
            home.wait_for(lambda: "good" in self.state(home, SECOND), "the reset key")
        self.assertEqual(a.fleet("cooldowns")[1], "no key is cooling\n")

    def test_more_keys_than_one_commit_takes(self):
        names = [f"KEY_{i}" for i in range(70)]
        env = "".join(f"{name}=sk-test-many-{i:04}\n" for i, name in enumerate(names))
        homes = [self.machine(start=False) for _ in range(2)]
        for home in homes:
            text = (home.path / "config.yaml").read_text()
            home.write("config.yaml", text + f"credential_pool_sources:\n  xiaomi: [{', '.join(names)}]\n")
            home.start()
        a, b = homes
        self.assertEqual(a.push(env)[0], EXIT_OK)
        for home in homes:
            home.wait_revision(1)
            home.wait_state(revision=1, heard=True)
        a.watch.stop(), os.kill(a.children()[0], signal.SIGSTOP)  # so that all of it is to be told at once
        for _ in range(9):  # eight keys each
            subprocess.run([BUILD / "examples/try_each_key", a.path], input=b"429 900\n" * 8, capture_output=True)
        a.watch.resume(), os.kill(a.children()[0], signal.SIGCONT)

        def count(home):
            path = home.path / "compiled/fleet-cooldowns.json"
            return len(json.loads(path.read_text())["cooldowns"].get("xiaomi", {})) if path.exists() else 0
        for home in homes:
            home.wait_for(lambda: count(home) == 70, "all cooldowns")
        self.assertEqual(a.compile("--reset", "xiaomi")[0], EXIT_OK)
        for home in homes:
            home.wait_for(lambda: count(home) == 0, "the resets")
        self.assertEqual(a.fleet("cooldowns")[1], "no key is cooling\n")

    def test_the_later_deadline_wins(self):
        a, b = self.machines(2)
        b.watch.close()
        b.watch = None
        self.report(b, "429 3000\n200\n")
        self.report(a, "429 900\n200\n")
        b.start()
        late = time.time() + 2900
        self.wait_known(a, SECOND, lambda known: known and known["until"] > late)
        self.wait_known(b, SECOND, lambda known: known and known["until"] > late)
        self.assertIn("cooling", self.state(a, SECOND))
        told = json.loads(a.fleet("cooldowns", "--format", "json")[1])["cooldowns"]
        self.assertGreater(told[0]["seconds_left"], 2000)

    def test_a_machine_that_was_away_for_a_reset(self):
        a, b = self.machines(2)
        self.report(a, "429 900\n200\n")
        self.wait_known(b, SECOND)
        b.watch.close()
        b.watch = None
        self.assertEqual(a.compile("--reset", "xiaomi")[0], EXIT_OK)
        self.wait_known(a, SECOND, lambda known: known is None)
        b.start()
        self.wait_known(b, SECOND, lambda known: known is None)
        b.wait_for(lambda: "good" in self.state(b, SECOND) or None, "the reset key")

    def test_a_dead_key_is_dead_for_all(self):
        a, b = self.machines(2)
        self.report(a, "401\n200\n")
        self.wait_known(b, SECOND)
        self.assertNotIn("good", self.state(b, SECOND))

    @unittest.skipUnless(RELAY.exists(), "SKIP: there is no hermes-relay")
    def test_a_relay_does_not_try_what_another_relay_learned(self):
        provider = MockProvider()
        provider.answers = {SECOND: limited(900)}
        homes = []
        for home in (self.machine(start=False), self.machine(start=False)):
            text = (home.path / "config.yaml").read_text()
            home.write("config.yaml", text.replace("  key_env:", f"  base_url: {provider.url}\n  key_env:"))
            homes.append(home.start())
        a, b = homes
        a.push(ENV)
        for home in homes:
            home.wait_revision(1)
            home.wait_state(revision=1, heard=True)
        relays = [Relay(home) for home in homes]
        try:
            self.assertEqual(relays[0].chat().status, 200)
            self.assertEqual(provider.keys(), [SECOND, FIRST])
            self.wait_known(b, SECOND)
            self.assertEqual(relays[1].chat().status, 200)
            self.assertEqual(provider.keys()[2:], [FIRST])
        finally:
            for relay in relays:
                relay.close()
            provider.close()

    @unittest.skipIf(shutil.which("faketime") is None or sanitized(), "SKIP: no faketime, or a sanitizer")
    def test_clocks_that_differ(self):
        a, = self.machines(1)
        b = self.machine(start=False)
        b.compile()
        child = subprocess.Popen(["faketime", "-f", "+600s", FLEET, "--home", b.path, "follow"], env=b.env,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            b.wait_state(revision=1)
            b.compile()
            self.report(a, "429 900\n200\n")
            known = self.wait_known(b, SECOND)
            self.assertAlmostEqual(known["until"], time.time() + 600 + 900, delta=60,
                                   msg="by the clock of the machine itself")
        finally:
            child.stdin.close()
            child.wait(PATIENCE)
            child.stdout.close()


if __name__ == "__main__":
    unittest.main()
