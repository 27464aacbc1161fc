"""Three versions of Hermes and this program on one auth.json, in turn, over and over: nobody undoes the other, both
come to rest, and the key in force is the one that the sources name."""
import json, os, random, subprocess, sys, unittest

from harness import Home, Watch, fingerprint
from hermes_double import VERSIONS, FileStore, Hermes, MemoryStore
from projection import Projector

SEEDS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 200
OURS = "manual:hermes-watch:"
A, B, C = "sk-test-key-aaaaaa", "sk-test-key-bbbbbb", "sk-test-key-cccccc"
OAUTH = {"id": "0a0a0a", "label": "me", "auth_type": "oauth", "priority": 0, "source": "device_code",
         "access_token": "sk-test-login",
         "refresh_token": "sk-test-once", "last_status": None, "last_status_at": None, "last_error_code": None,
         "last_error_reason": None, "last_error_message": None, "last_error_reset_at": None, "request_count": 0}


def manual(id, key, priority, **more):
    return {"id": id, "label": id, "auth_type": "api_key", "priority": priority, "source": "manual",
            "access_token": key,
            "last_status": None, "last_status_at": None, "last_error_code": None, "last_error_reason": None,
            "last_error_message": None,
            "last_error_reset_at": None, "base_url": "https://manual.example.com/v1", "request_count": 0} | more


class World:
    """The sources, the file, a clock, this program and any number of Hermes processes."""

    def __init__(self, projector, store=None, **env):
        self.projector, self.now, self.memory, self.env, self.keys = projector, 1795000000.0, "", dict(env), {}
        self.strategies, self.custom_key = {}, None
        text = None if store is None else json.dumps({"version": 1, "providers": {}} | store, indent=2) + "\n"
        self.store = MemoryStore(text)

    def hermes(self, version):
        return Hermes(version, self.store, lambda: self.env, self.customs, self.strategies, lambda: self.now)

    def customs(self):
        return {"custom:my-llm": ("My LLM", self.custom_key, "https://llm.example.com/v1")}

    def config(self):
        provider, key = next(iter(self.keys.items()), ("xiaomi", None))
        text = f"model:\n  provider: {provider}\n" + (f"  api_key: {key}\n" if key else "")
        text += "custom_providers:\n- name: My LLM\n  base_url: https://llm.example.com/v1\n"
        text += f"  api_key: {self.custom_key}\n" if self.custom_key else ""
        for name, strategy in self.strategies.items():
            text += f"credential_pool_strategies:\n  {name}: {strategy}\n"
        return text

    def project(self):
        """True: it wrote."""
        env = "".join(f"{name}={value}\n" for name, value in self.env.items())
        text, self.memory, self.changes = self.projector.project(self.config(), env, self.store.text, self.memory,
                                                                 self.now)
        if text is not None:
            self.store.text = text
        return text is not None

    def pool(self, provider="xiaomi"):
        return json.loads(self.store.text).get("credential_pool", {}).get(provider, []) if self.store.text else []

    def rest(self, *processes, provider="xiaomi", rounds=6):
        """Everybody in turn until nobody writes any more."""
        for _ in range(rounds):
            before = self.store.writes
            wrote = self.project()
            for hermes in processes:
                try:
                    hermes.select(provider)
                except LookupError:
                    pass
            if not wrote and self.store.writes == before:
                return
        raise AssertionError(f"no rest: {self.changes}\n{self.store.text}")


class Cohabitation(unittest.TestCase):
    def setUp(self):
        self.projector = Projector()

    def tearDown(self):
        self.projector.close()

    def worlds(self, store=None, **env):
        return [(version, World(self.projector, store, **env)) for version in VERSIONS]

    def test_a_fresh_env_key_is_used_by_the_next_message(self):
        for version, world in self.worlds(XIAOMI_API_KEY=A):
            with self.subTest(version):
                old = world.hermes(version)
                world.rest(old)
                self.assertEqual(old.key("xiaomi"), A)
                old.mark("xiaomi", A)
                world.project()
                with self.assertRaises(LookupError):
                    old.select("xiaomi")
                world.env["XIAOMI_API_KEY"] = B
                world.project()
                self.assertEqual(old.key("xiaomi"), B)  # the process that was started with A, too
                world.rest(old)
                self.assertEqual(old.key("xiaomi"), B)
                world.env["XIAOMI_API_KEY"] = A  # and back within the hour
                world.rest(old)
                with self.assertRaises(LookupError):
                    world.hermes(version).select("xiaomi")
                world.now += 3700
                world.rest(old)
                self.assertEqual(world.hermes(version).key("xiaomi"), A)

    def test_a_key_of_the_configuration_goes_first(self):
        for version, world in self.worlds({"credential_pool": {"xiaomi": [manual("aaaaaa", C, 0)]}}, XIAOMI_API_KEY=B):
            with self.subTest(version):
                hermes = world.hermes(version)
                world.rest(hermes)
                self.assertEqual(hermes.key("xiaomi"), C)  # Hermes prefers the manual one; so it stays
                world.keys = {"xiaomi": A}
                world.rest(hermes)
                entry = hermes.select("xiaomi")
                self.assertEqual((entry["access_token"], entry["base_url"]), (A, "https://api.xiaomimimo.com/v1"))
                hermes.mark("xiaomi", A)
                world.rest(hermes)
                self.assertEqual(hermes.key("xiaomi"), C)
                world.keys = {}
                world.rest(hermes)
                self.assertEqual([e["source"] for e in world.pool() if e["source"].startswith(OURS + "model")], [])
                self.assertEqual(hermes.key("xiaomi"), C)

    def test_twins_share_what_the_provider_said(self):
        for version, world in self.worlds(XIAOMI_API_KEY=A):
            with self.subTest(version):
                hermes = world.hermes(version)
                world.rest(hermes)
                world.keys = {"xiaomi": A}
                world.rest(hermes)
                hermes.mark("xiaomi", A, 429, world.now + 500)
                world.rest(hermes)
                self.assertEqual({(e["last_status"], e["last_error_reset_at"]) for e in world.pool()},
                                 {("exhausted", world.now + 500)})
                world.now += 501
                world.rest(hermes)
                self.assertEqual(hermes.key("xiaomi"), A)

    def test_twins_cool_as_long_where_only_the_kind_of_failure_says_how_long(self):
        """Hermes 0.18.2 alone has that member, and an entry of ours does not: six hours instead of one."""
        spent = {"source": "env:XIAOMI_API_KEY", "last_status": "exhausted", "last_status_at": 1795000000.0 - 4000,
                 "last_error_code": 401,
                 "last_failure_kind": "auth_permanent"}
        world = World(self.projector, {"credential_pool": {"xiaomi": [manual("aaaaaa", A, 0) | spent]}},
                      XIAOMI_API_KEY=A)
        hermes = world.hermes("0.18.2")
        for key in (A, None, A):
            world.keys = {"xiaomi": key}
            world.rest(hermes)
            with self.assertRaises(LookupError):
                hermes.select("xiaomi")
        world.now += 21600 - 4000
        self.assertEqual(hermes.key("xiaomi"), A)

    def test_two_keys_that_were_marked_in_the_same_moment(self):
        """Both stay exhausted, beside a login, too, where no entry of ours knows it as well."""
        spent = {"last_status": "exhausted", "last_status_at": 1795000000.0 - 60, "last_error_code": 429}
        entries = [manual("aaaaaa", A, 0) | spent | {"source": "env:ANTHROPIC_API_KEY"}, manual("bbbbbb", B, 1) | spent]
        for more in ([], [OAUTH | {"priority": 2}]):
            with self.subTest(len(more)):
                world = World(self.projector, {"credential_pool": {"anthropic": entries + more}}, ANTHROPIC_API_KEY=A)
                world.project()
                for _ in range(2):
                    self.assertFalse(world.project(), world.changes)
                    self.assertEqual({e["last_status"] for e in world.pool("anthropic")} - {None}, {"exhausted"})
                    self.assertEqual(world.changes, "")

    def test_what_a_key_earned_in_a_slot_that_has_another_one_now(self):
        """The slot's new key is clean; the old one is not, in whatever other slot it stands."""
        spent = {"last_status": "exhausted", "last_status_at": 1795000000.0 - 60, "last_error_code": 429}
        shape = {"secret_fingerprint": fingerprint(A), "access_token": None}
        slots = [manual("aaaaaa", A, 0) | spent | shape | {"source": "env:GOOGLE_API_KEY"},
                 manual("bbbbbb", A, 1) | shape | {"source": "env:GEMINI_API_KEY"}]
        world = World(self.projector, {"credential_pool": {"gemini": slots}}, GOOGLE_API_KEY=B, GEMINI_API_KEY=A)
        hermes = world.hermes("0.18.2")
        world.rest(hermes, provider="gemini")
        self.assertEqual(hermes.key("gemini"), B)
        hermes.mark("gemini", B)
        world.rest(hermes, provider="gemini")
        with self.assertRaises(LookupError):
            hermes.select("gemini")

    def test_an_old_process_cannot_bring_an_old_key_back_for_long(self):
        for version, world in self.worlds():
            with self.subTest(version):
                world.keys = {"xiaomi": A}
                world.project()
                old = world.hermes(version)
                loaded = old.load("xiaomi")
                world.keys = {"xiaomi": B}
                world.project()
                old.mark("xiaomi", A, entries=loaded)  # it writes what it loaded before
                world.rest(old)
                self.assertEqual([e["access_token"] for e in world.pool()], [B])
                self.assertEqual(old.key("xiaomi"), B)
                self.assertIsNone(world.pool()[0]["last_status"])
                world.keys = {"xiaomi": A}
                world.rest(old)
                with self.assertRaises(LookupError):  # what was booked on A in the meantime is known
                    old.select("xiaomi")

    def test_a_removed_source_stays_removed(self):
        store = {"credential_pool": {},
                 "suppressed_sources": {"xiaomi": ["env:XIAOMI_API_KEY"], "custom:my-llm": ["config:My LLM"],
                                                               "deepseek": [OURS + "DEEPSEEK_API_KEY"]}}
        for version, world in self.worlds(store, XIAOMI_API_KEY=A, DEEPSEEK_API_KEY=B):
            with self.subTest(version):
                world.custom_key = C
                hermes = world.hermes(version)
                world.rest(hermes)
                world.rest(hermes, provider="custom:my-llm")
                for provider in ("xiaomi", "custom:my-llm", "deepseek"):
                    self.assertEqual([e for e in world.pool(provider) if e["source"].startswith(OURS)], [])

    def test_custom_pools_by_their_normalised_name(self):
        for version, world in self.worlds():
            with self.subTest(version):
                world.custom_key = A
                hermes = world.hermes(version)
                world.rest(hermes, provider="custom:my-llm")
                self.assertEqual(hermes.key("custom:my-llm"), A)
                hermes.mark("custom:my-llm", A)
                world.rest(hermes, provider="custom:my-llm")
                world.custom_key = B
                world.project()
                self.assertEqual(hermes.key("custom:my-llm"), B)
                world.rest(hermes, provider="custom:my-llm")
                self.assertEqual(hermes.key("custom:my-llm"), B)
                self.assertEqual([e["source"] for e in world.pool("custom:my-llm")], ["config:My LLM"])
                self.assertFalse([e for e in world.pool("custom:my-llm") if e["last_status"] == "exhausted"])

    def test_a_manual_entry_of_the_same_key_is_not_doubled(self):
        for version, world in self.worlds({"credential_pool": {"xiaomi": [manual("aaaaaa", A, 0)]}}, XIAOMI_API_KEY=A):
            with self.subTest(version):
                world.rest(world.hermes(version))
                self.assertEqual([e["id"] for e in world.pool() if e["source"].startswith("manual")], ["aaaaaa"])

    def test_a_login_is_untouched(self):
        store = {"credential_pool": {"anthropic": [OAUTH | {"source": "hermes_pkce"}], "nous": [OAUTH]}}
        for version, world in self.worlds(store, ANTHROPIC_API_KEY=A):
            with self.subTest(version):
                hermes = world.hermes(version)
                hermes.variables = lambda: {}
                world.project()
                pool = json.loads(world.store.text)["credential_pool"]
                self.assertEqual(pool["anthropic"], store["credential_pool"]["anthropic"])
                self.assertEqual(pool["nous"], store["credential_pool"]["nous"])

    def test_anthropic_is_numbered_anew_at_every_load(self):
        store = {"credential_pool": {"anthropic": [manual("aaaaaa", C, 4), manual("bbbbbb", "sk-test-key-dddddd", 2)]}}
        for version, world in self.worlds(store, ANTHROPIC_TOKEN=A, ANTHROPIC_API_KEY=B):
            with self.subTest(version):
                hermes = world.hermes(version)
                world.rest(hermes, provider="anthropic")
                self.assertEqual(hermes.key("anthropic"), "sk-test-key-dddddd")
                # a login in the configuration: Hermes sets its type
                world.keys = {"anthropic": "sk-ant-oat-sk-test-login"}
                world.rest(hermes, provider="anthropic")
                self.assertEqual(hermes.key("anthropic"), "sk-ant-oat-sk-test-login")

    def test_a_manual_key_of_anthropic_goes_before_variables_whatever_its_number(self):
        """As `hermes auth add` leaves it: behind everything, until the next load."""
        env_entry = manual("cccccc", A, 0) | {"source": "env:ANTHROPIC_TOKEN"}
        store = {"credential_pool": {"anthropic": [env_entry, manual("aaaaaa", C, 1)]}}
        for version, world in self.worlds(store, ANTHROPIC_TOKEN=A, ANTHROPIC_API_KEY=B):
            with self.subTest(version):
                hermes = world.hermes(version)
                world.project()
                self.assertEqual(hermes.key("anthropic"), C)
                world.rest(hermes, provider="anthropic")
                self.assertEqual(hermes.key("anthropic"), C)

    def test_variables_of_anthropic_in_the_order_of_hermes(self):
        for version, world in self.worlds(ANTHROPIC_API_KEY=B):
            with self.subTest(version):
                world.keys = {"anthropic": None}
                world.project()
                world.env["ANTHROPIC_TOKEN"] = A
                world.project()
                hermes = world.hermes(version)
                self.assertEqual(hermes.key("anthropic"), A)
                world.rest(hermes, provider="anthropic")
                self.assertEqual(hermes.key("anthropic"), A)

    def test_a_login_in_a_variable_is_not_passed_by_a_paid_key(self):
        login = "sk-ant-oat-sk-test-login"
        for version, world in self.worlds(ANTHROPIC_TOKEN=login, ANTHROPIC_API_KEY=B):
            with self.subTest(version):
                world.project()
                hermes = world.hermes(version)
                self.assertEqual(hermes.key("anthropic"), login)
                world.rest(hermes, provider="anthropic")
                self.assertEqual(hermes.key("anthropic"), login)
                self.assertEqual([e["source"] for e in world.pool("anthropic")],
                                 ["env:ANTHROPIC_TOKEN", "env:ANTHROPIC_API_KEY"])

    def test_round_robin_is_hermess_to_shuffle(self):
        store = {"credential_pool": {"xiaomi": [manual("aaaaaa", B, 0), manual("bbbbbb", C, 1)]}}
        for version, world in self.worlds(store, XIAOMI_API_KEY=A):
            with self.subTest(version):
                world.strategies = {"xiaomi": "round_robin"}
                hermes, used = world.hermes(version), []
                for _ in range(8):
                    used.append(hermes.key("xiaomi"))
                    world.project()
                for _ in range(8):
                    used.append(hermes.key("xiaomi"))
                    self.assertFalse(world.project(), world.changes)
                self.assertEqual(set(used), {A, B, C})

    def test_a_dead_key_that_hermes_deletes_is_not_put_back(self):
        for version, world in self.worlds():
            with self.subTest(version):
                if version == "0.10.0":
                    continue
                world.keys = {"xiaomi": A}
                hermes = world.hermes(version)
                world.rest(hermes)
                hermes.mark("xiaomi", A, 401, reason="token_revoked")
                world.rest(hermes)
                world.now += 90000
                world.rest(hermes)
                self.assertEqual(world.pool(), [])
                world.keys = {"xiaomi": B}
                world.rest(hermes)
                self.assertEqual(hermes.key("xiaomi"), B)

    def test_any_history_comes_to_rest(self):
        """Random edits, answers and processes of one version or of all three at once."""
        for seed in range(SEEDS):
            for versions in (*((version,) for version in VERSIONS), VERSIONS):
                with self.subTest(seed=seed, versions=versions):
                    self.history(random.Random(seed), versions)

    def history(self, dice, versions):
        store = dice.choice([None, {"credential_pool": {"xiaomi": [manual("aaaaaa", C, 3), manual("bbbbbb", B, 3.5)]}},
                             {"credential_pool": {"xiaomi": [], "gemini": [manual("cccccc", A, -1)], "nous": [OAUTH]}}])
        world = World(self.projector, store, XIAOMI_API_KEY=A)
        provider = dice.choice(["xiaomi", "gemini", "anthropic", "custom:my-llm"])
        if dice.random() < 0.3 and provider != "custom:my-llm":
            world.strategies = {provider: dice.choice(["least_used", "random"])}
        processes, loaded = [world.hermes(version) for version in versions], {}
        names = {"xiaomi": ["XIAOMI_API_KEY"], "gemini": ["GOOGLE_API_KEY", "GEMINI_API_KEY"],
                 "anthropic": ["ANTHROPIC_TOKEN", "ANTHROPIC_API_KEY"], "custom:my-llm": ["OTHER"]}[provider]
        for _ in range(dice.randrange(4, 16)):
            hermes = dice.choice(processes)
            step = dice.randrange(8)
            if step == 0:
                world.keys = {} if dice.random() < 0.3 or provider == "custom:my-llm" else {provider: dice.choice([A, B,
                                                                                                                   C])}
                world.custom_key = dice.choice([None, A, B, C])
            elif step == 1:
                name = dice.choice(names)
                world.env.pop(name, None)
                if dice.random() < 0.7:
                    world.env[name] = dice.choice([A, B, C])
            elif step == 2:
                try:
                    hermes.mark(provider, hermes.key(provider), dice.choice([401, 402, 429]),
                                dice.choice([None, world.now + 100, world.now + 9000]),
                                dice.choice([None, "token_revoked"]))
                except LookupError:
                    pass
            elif step == 3:
                loaded[hermes] = hermes.load(provider)
            elif step == 4 and hermes in loaded:
                hermes.save(provider, loaded[hermes])
            elif step == 5:
                world.now += dice.choice([1, 400, 4000, 90000])
            elif step == 6:
                processes[processes.index(hermes)] = world.hermes(hermes.version)
            else:
                world.project()
        # versions, and processes of 0.10.0, undo each other by themselves
        if len(versions) > 1 or versions == ("0.10.0",):
            processes = [dice.choice(processes)]
        world.rest(*processes, provider=provider, rounds=8)
        self.in_force(world, provider, processes[0])

    def in_force(self, world, provider, hermes):
        """The first key of the configuration that does not cool, where the strategy is the plain one."""
        ours = [e for e in world.pool(provider) if e["source"].startswith(OURS)]
        self.assertEqual(len({e["access_token"] for e in ours}), len(ours))
        for entry in ours:
            self.assertIn(entry["access_token"], {*world.keys.values(), *world.env.values(), world.custom_key})
            self.assertTrue(entry["base_url"])
        theirs = [e.get("access_token") for e in hermes.load(provider) if not e["source"].startswith(OURS)]
        for entry in ours if hermes.version != "0.10.0" else ():  # whose environment may hold yesterday's keys
            self.assertNotIn(entry["access_token"], theirs)
        named = world.custom_key if provider == "custom:my-llm" else world.keys.get(provider)
        first = [e for e in ours if e["access_token"] == named]
        if not world.strategies and first and first[0]["last_status"] not in ("exhausted", "dead"):
            self.assertEqual(hermes.key(provider), named)


class OnDisk(unittest.TestCase):
    def test_hermes_and_hermes_watch_at_work_on_one_file(self):
        """Rotations, answers and messages while hermes-watch projects; then nobody writes any more."""
        for version in VERSIONS:
            with self.subTest(version):
                home = Home()
                home.write("config.yaml", "model:\n  provider: xiaomi\n")
                home.write(".env", f"XIAOMI_API_KEY={A}\n")
                variables = lambda: dict(line.split("=", 1) for line in (home.path / ".env").read_text().split())
                store = FileStore(home.path / "auth.json")
                hermes = Hermes(version, store, variables)
                hermes.load("xiaomi")  # a process that runs: what it knows stands in the pool
                watch = Watch(home)
                for number in range(6):
                    key = f"sk-test-rotated-{number}"
                    home.write(".env", f"XIAOMI_API_KEY={key}\n")
                    watch.wait_generation(number + 2)
                    self.assertEqual(hermes.key("xiaomi"), key)
                    hermes.mark("xiaomi", key)
                home.compile()  # behind whatever hermes-watch is still doing
                for _ in range(3):
                    hermes.load("xiaomi")
                    home.compile()
                before = store.writes, (home.path / "auth.json").stat().st_ino
                for _ in range(5):
                    hermes.load("xiaomi")
                    self.assertEqual(home.compile("--diff")[0], 0)
                self.assertEqual((store.writes, (home.path / "auth.json").stat().st_ino), before)
                watch.close()
                self.assertNotIn(b"sk-test", home.printed)
                home.close()

    def test_a_managed_key_that_a_running_hermes_may_not_have(self):
        """Its own entry stands beside Hermes's only as long as a process runs that was started with another value."""
        home = Home()
        home.write("config.yaml", "model:\n  provider: xiaomi\n")
        managed = home.root / "managed/.env"
        managed.parent.mkdir()
        managed.write_text(f"XIAOMI_API_KEY={A}\n")
        gateway = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()", "hermes_cli.main"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env={"HERMES_HOME": str(home.path)})
        gateway.stdout.readline()
        for written, source in ((4e9, OURS + "XIAOMI_API_KEY"), (1e9, "env:XIAOMI_API_KEY")):
            os.utime(managed, (written, written))
            home.compile()
            self.assertEqual([(row["source"], row["access_token"]) for row in home.pool()], [(source, A)])
        gateway.communicate(b"\n")
        home.close()


if __name__ == "__main__":
    unittest.main()
