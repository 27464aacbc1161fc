"""hermes-compile --check --live: every place where a key may hide is named, with its fingerprint and what mends it."""
import fcntl, json, os, re, shutil, subprocess, sys, unittest
from random import Random

import harness
from harness import PATIENCE, Home, Watch, fingerprint

TRUE, STALE, HIDDEN = "sk-test-true-000001", "sk-test-stale-00001", "sk-test-hidden-0001"


class Drift(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.home.write("config.yaml", "model:\n  provider: xiaomi\n  default: mimo\n")
        self.home.write(".env", f"XIAOMI_API_KEY={TRUE}\n")
        self.home.compile()

    def tearDown(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def findings(self, status=3):
        code, out, err = self.home.compile("--check", "--live", "--format", "json")
        self.assertEqual((code, err), (status, ""))
        text = self.home.compile("--check", "--live")[1]
        found = json.loads(out)["findings"]
        self.assertEqual(text.count("\n  help: "), len(found))
        return {f["where"] + (" " + f["variable"] if "variable" in f else ""): f for f in found}

    def user_file(self, name, text):
        path = self.home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.chmod(path, 0o600)

    def test_nothing_but_a_watcher_that_does_not_run(self):
        found = self.findings()
        self.assertEqual(list(found), ["hermes-watch"])
        self.assertRegex(found["hermes-watch"]["help"],
                         # where it is installed
                         "^hermes-watch --install --now --home |^systemctl --user enable --now ")
        watch = Watch(self.home)
        self.assertEqual(self.findings(status=0), {})
        watch.close()

    def test_start_up_files_of_a_shell(self):
        self.user_file(".bashrc",
                       f"# export XIAOMI_API_KEY=no\nalias x=y\nexport XIAOMI_API_KEY='{STALE}' # note\n"
                       "export EDITOR=vi\n")
        self.user_file(".config/fish/config.fish", f'set -gx DEEPSEEK_API_KEY "{HIDDEN}"\n')
        self.user_file(".profile", f"XIAOMI_API_KEY={TRUE}\n")
        found = self.findings()
        stale = found["~/.bashrc:3 XIAOMI_API_KEY"]
        self.assertEqual((stale["found"], stale["expected"], stale["matters"]),
                         (fingerprint(STALE), fingerprint(TRUE), False))
        hidden = found["~/.config/fish/config.fish:1 DEEPSEEK_API_KEY"]
        self.assertEqual((hidden["found"], hidden["matters"]), (fingerprint(HIDDEN), True))
        self.assertEqual(len(found), 3)
        for finding in (stale, hidden):  # the commands do what they say
            subprocess.run(["sh", "-ec", finding["help"]], env=self.home.env, check=True)
        self.assertEqual(self.findings(), {"hermes-watch": found["hermes-watch"]} | self.stale_derived())

    def known_to_bash(self, path):
        """The variables that a bash exports which has read PATH, and its aliases."""
        script = 'shopt -s expand_aliases; . "$1" >&2; alias; printf "\\0"; exec env -0'
        done = subprocess.run(["bash", "--norc", "--noprofile", "-c", script, "bash", path], env=self.home.env,
                              capture_output=True,
                              text=True, timeout=PATIENCE)
        aliases, *variables = done.stdout.split("\0")
        return aliases, dict(item.split("=", 1) for item in variables if "=" in item)

    def generated(self, random):
        """A start-up file with keys in it, and an .env."""
        names = random.sample(["XIAOMI_API_KEY", "DEEPSEEK_API_KEY", "XAI_API_KEY", "GROQ_API_KEY"],
                              random.randint(1, 3))
        lines = []
        for number, name in enumerate(names * random.choice((1, 1, 1, 2))):
            value = random.choice((f"sk-test-{name}-{number}", f"'sk-test-{name}-{number}'",
                                   f'"sk-test {name} {number}"'))
            lines.append(random.choice((*[f"export {name}={value}"] * 6, f"  export {name}={value}  # mine",
                                        f"export {name}={value} EDITOR=vim",
                                        f"export {name}={value}; alias la='ls -a'",
                                        f"if true; then\nexport {name}={value}\nfi",
                                        f"if true\nthen export {name}={value}\nfi",
                                        f"for i in 1\ndo export {name}={value}\ndone",
                                        f"if true; then # it's here\n  # my key\n  export {name}={value}\nfi",
                                        f"true && # as ever\nexport {name}={value}",
                                        f"export A{number}=1 {name}={value}", f"true &&\nexport {name}={value}",
                                        f"{name}={value}\nexport {name}")))
        lines += ["alias ll='ls -l'", "export LESS=-R", "# don't export XIAOMI_API_KEY=x", "export PAGER=less"]
        random.shuffle(lines)
        env = [f"{name}=sk-test-env-{name}" for name in names if random.random() < 0.4] + ["LAST=1"]
        return "\n".join(lines) + random.choice(("", "\n")), "\n".join(env) + random.choice(("", "\n"))

    def test_the_commands_change_nothing_else(self):
        """Of 200 generated start-up files; in any order, and twice."""
        name, key = "my home's", re.compile(r"_API_KEY$")
        self.home.path = self.home.path.rename(self.home.root / name)
        bashrc, env = self.home.root / ".bashrc", self.home.path / ".env"
        run = 0
        for seed in range(200):
            random = Random(seed)
            text, variables = self.generated(random)
            self.home.write("config.yaml", "model:\n  provider: openrouter\n  default: m\n")
            env.write_text(variables)
            bashrc.write_text(text)
            before = self.known_to_bash(bashrc)
            helps = [f["help"]
                     for f in json.loads(self.home.compile("--check", "--live", "--format", "json")[1])["findings"]
                     if f["where"].startswith("~/.bashrc") and not f["help"].startswith(("edit ", "put "))]
            random.shuffle(helps)
            run += len(helps)
            for command in helps * 2:
                subprocess.run(["bash", "-c", command], env=self.home.env, capture_output=True, timeout=PATIENCE)
            after = self.known_to_bash(bashrc)
            with self.subTest(seed, text=text, helps=helps):
                self.assertEqual(after[0], before[0])
                self.assertEqual({n: v for n, v in after[1].items() if not key.search(n)},
                                 {n: v for n, v in before[1].items() if not key.search(n)})
                kept = env.read_text().splitlines()
                self.assertEqual([line for line in kept if line][:len(variables.splitlines())], variables.splitlines())
                self.assertEqual(len({line.split("=")[0] for line in kept if line}),
                                 len([line for line in kept if line]))
                for variable, value in before[1].items():
                    if key.search(variable) and variable + "=" not in variables:
                        self.assertTrue(after[1].get(variable) == value
                                        or f"{variable}={value}" in env.read_text().replace("'", ""))
        self.assertGreater(run, 80)

    def stale_derived(self):
        return {name: f for name, f in self.findings().items() if name in ("compiled/snapshot.json", "auth.json")}

    def test_what_a_shell_makes_of_its_lines(self):
        self.user_file(".bashrc", f"""\
if true; then export XIAOMI_API_KEY={STALE}; fi
true && export EDITOR=vi DEEPSEEK_API_KEY="{HIDDEN}" # export GEMINI_API_KEY=no
  # export ZAI_API_KEY={HIDDEN}
echo "; export GLM_API_KEY={HIDDEN}"
OPENROUTER_API_KEY={HIDDEN}
GOOGLE_API_KEY={HIDDEN}
export GOOGLE_API_KEY
export NVIDIA_API_KEY=$(pass show nvidia) MISTRAL_API_KEY="$MISTRAL_API_KEY"
""")
        found = self.findings()
        self.assertEqual({name.removeprefix("~/.bashrc:") for name in found if name.startswith("~")},
                         {"1 XIAOMI_API_KEY", "2 DEEPSEEK_API_KEY", "6 GOOGLE_API_KEY", "8 NVIDIA_API_KEY"})
        self.assertNotIn("found", found["~/.bashrc:8 NVIDIA_API_KEY"])
        self.assertEqual(found["~/.bashrc:2 DEEPSEEK_API_KEY"]["found"], fingerprint(HIDDEN))

    def test_variables_that_the_configuration_names(self):
        name = "K9" + "Q8w7E6r5T4y3U2i1"  # as if somebody had pasted a key where the name belongs
        self.home.write("config.yaml", f"""model:
  provider: xiaomi
custom_providers:
- {{name: a, base_url: 'https://a.example.com/v1', key_env: MY_OWN_VARIABLE}}
- {{name: b, base_url: 'https://b.example.com/v1', key_env: {name}}}
""")
        self.home.compile()
        self.home.env |= {"MY_OWN_VARIABLE": HIDDEN, name: HIDDEN, "XIAOMI_BASE_URL": "https://elsewhere.example.com",
                          "UNRELATED": HIDDEN}
        found = self.findings()
        self.assertNotIn(name.encode(), self.home.printed)
        self.assertEqual(set(found), {"hermes-watch", "this shell MY_OWN_VARIABLE", "this shell XIAOMI_BASE_URL",
                                      "this shell " + fingerprint(name)})

    def test_this_shell(self):
        self.home.env |= {"XIAOMI_API_KEY": STALE, "OPENROUTER_API_KEY": HIDDEN, "LANG": "C"}
        found = self.findings()
        self.assertFalse(found["this shell XIAOMI_API_KEY"]["matters"])
        self.assertTrue(found["this shell OPENROUTER_API_KEY"]["matters"])

    def test_units_and_their_files(self):
        secrets = self.home.root / "secrets.env"
        self.user_file("secrets.env", f"# c\nDEEPSEEK_API_KEY={HIDDEN}\n")
        unit = (f'[Service]\nEnvironment="XIAOMI_API_KEY={STALE}" A=b\nEnvironmentFile=-{secrets}\n'
                'PassEnvironment=OPENAI_API_KEY\n')
        path = self.home.root / ".config/systemd/user/hermes-gateway.service.d/keys.conf"
        self.user_file(path.relative_to(self.home.root), unit)
        found = self.findings()
        self.assertEqual(found[f"{path} Environment= XIAOMI_API_KEY"]["found"], fingerprint(STALE))
        self.assertEqual(found[f"{path} EnvironmentFile={secrets} DEEPSEEK_API_KEY"]["found"], fingerprint(HIDDEN))
        passed = found[f"{path} PassEnvironment= OPENAI_API_KEY"]
        self.assertFalse(passed["matters"])
        self.assertNotIn("found", passed)
        subprocess.run(["sh", "-c",
                        found[f"{path} EnvironmentFile={secrets} DEEPSEEK_API_KEY"]["help"].split("; systemctl")[0]],
                        check=True)
        self.assertIn(f"DEEPSEEK_API_KEY={HIDDEN}\n", (self.home.path / ".env").read_text())
        self.assertNotIn(HIDDEN, secrets.read_text())

    def test_units_as_systemd_reads_them(self):
        """Comments, continued lines, resets, what a stronger folder hides, and the unit of another home."""
        folder = ".config/systemd/user"
        self.user_file(f"{folder}/hermes-gateway.service", f"""[Service]
# Environment=GEMINI_API_KEY={HIDDEN}
Environment=HERMES_HOME={self.home.path} \\
  DEEPSEEK_API_KEY={HIDDEN}
Environment=ZAI_API_KEY={HIDDEN}
""")
        self.user_file(".local/share/systemd/user/hermes-gateway.service",
                       f"[Service]\nEnvironment=XIAOMI_API_KEY={STALE}\n")
        self.user_file(f"{folder}/hermes-gateway.service.d/a.conf",
                       f"[Service]\nEnvironment=\nEnvironment=HERMES_HOME=%h/home DEEPSEEK_API_KEY={STALE}\n")
        self.user_file(f"{folder}/hermes-gateway.service.d/b.conf",
                       f"[Service]\nEnvironment=DEEPSEEK_API_KEY={HIDDEN} XIAOMI_API_KEY={TRUE}\n")
        (self.home.root / "other").mkdir()
        self.user_file(f"{folder}/hermes-gateway-other.service",
                       f"[Service]\nEnvironment=HERMES_HOME=%h/other XIAOMI_API_KEY={STALE}\n")
        found = self.findings()
        b = self.home.root / folder / "hermes-gateway.service.d/b.conf"
        self.assertEqual(set(found), {"hermes-watch", f"{b} Environment= DEEPSEEK_API_KEY"})
        self.assertEqual(found[f"{b} Environment= DEEPSEEK_API_KEY"]["found"], fingerprint(HIDDEN))

    @unittest.skipIf(os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode,
                     "SKIP: cannot mount")
    def test_units_of_the_system(self):
        units = self.home.root / "units"
        self.user_file("units/hermes-gateway.service",
                       f"[Service]\nEnvironment=HERMES_HOME={self.home.path} DEEPSEEK_API_KEY={HIDDEN}\n")
        for folder in ("/etc/systemd/system", "/etc/systemd/user"):
            code, out, _ = self.home.compile("--check", "--live", "--format", "json", prefix=(
                "unshare", "-m", "sh", "-ec", 'mount --bind "$0" "$1"; shift; exec "$@"', units, folder))
            found = [f for f in json.loads(out)["findings"] if f["where"].startswith(folder)]
            self.assertEqual([(code, f["variable"], f["found"]) for f in found],
                             [(3, "DEEPSEEK_API_KEY", fingerprint(HIDDEN))])

    def manager(self, script):
        self.user_file("bin/systemctl", "#!/bin/sh\n" + script)
        os.chmod(self.home.root / "bin/systemctl", 0o700)
        self.user_file("run/systemd/private", "")
        self.home.env |= {"PATH": f"{self.home.root}/bin:" + self.home.env["PATH"],
                          "XDG_RUNTIME_DIR": str(self.home.root / "run")}

    def test_the_environment_of_the_users_systemd(self):
        self.manager(f"echo XIAOMI_API_KEY={STALE}\necho DEEPSEEK_API_KEY={HIDDEN}\necho LANG=C\n")
        self.user_file(".config/systemd/user/hermes-gateway.service",
                       "[Service]\nPassEnvironment=XIAOMI_API_KEY DEEPSEEK_API_KEY LANG\n")
        found = self.findings()
        manager = "the user manager's environment"
        unit = f"{self.home.root}/.config/systemd/user/hermes-gateway.service PassEnvironment="
        self.assertEqual(set(found), {"hermes-watch"} | {f"{where} {name}" for where in (manager, unit)
                                                         for name in ("XIAOMI_API_KEY", "DEEPSEEK_API_KEY")})
        for where in (manager, unit):
            self.assertEqual(found[f"{where} DEEPSEEK_API_KEY"]["found"], fingerprint(HIDDEN))
            self.assertTrue(found[f"{where} DEEPSEEK_API_KEY"]["matters"])
        self.assertEqual(found[f"{manager} XIAOMI_API_KEY"]["help"],
                         "systemctl --user unset-environment XIAOMI_API_KEY")

    def test_a_systemd_that_hangs_blocks_nobody(self):
        self.manager("exec sleep 1000\n")
        self.assertIn("did not answer", self.findings()["the user manager's environment"]["message"])

    def test_a_watcher_that_is_not_as_new_as_its_files(self):
        program = self.home.root / "bin/hermes-watch"
        program.parent.mkdir()
        shutil.copy(harness.WATCH, program)
        original, harness.WATCH = harness.WATCH, program
        try:
            watch = Watch(self.home)
        finally:
            harness.WATCH = original
        self.assertEqual(self.findings(status=0), {})
        shutil.copy(harness.WATCH, self.home.root / "new")
        os.rename(self.home.root / "new", program)
        self.assertIn("replaced on disk", self.findings()["hermes-watch"]["message"])
        self.user_file(".config/systemd/user/hermes-watch.service", "[Service]\n")
        self.assertIn("is older than", self.findings()["hermes-watch"]["message"])  # the last of the two
        self.assertIn("daemon-reload", self.findings()["hermes-watch"]["help"])
        watch.close()

    def test_a_watcher_that_says_it_is_degraded(self):
        self.home.compile()
        status = {"format": 1, "pid": os.getpid(), "state": "degraded", "status": "cannot watch one folder",
                  "polling": [{"path": "config.yaml", "why": "on NFS"}]}
        with open(self.home.path / "compiled/watch.lock", "w") as lock:  # this process stands in for it
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.home.write("compiled/status.json", json.dumps(status))
            text = self.home.compile("--check", "--live")[1]
            self.assertIn("hermes-watch: degraded: cannot watch one folder\n", text)
            self.assertIn("hermes-watch: (harmless now) it can only check config.yaml from time to time: on NFS\n",
                          text)
            self.home.write("compiled/status.json", json.dumps(status | {"pid": 1}))  # of one that ran before
            self.assertEqual(self.findings(status=0), {})

    def test_a_variable_that_lives_on(self):
        """Deleted from .env, it stays in a Hermes that was started before, where /proc does not show it."""
        def gateway():
            process = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()", "hermes_cli.main"],
                                       stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, env={"HERMES_HOME": str(self.home.path)})
            process.stdout.readline()
            return process

        self.home.write(".env", f"XIAOMI_API_KEY={TRUE}\nDEEPSEEK_API_KEY={HIDDEN}\nHERMES_MAX_ITERATIONS=3\n")
        self.home.compile()
        before = gateway()
        self.home.write(".env", f"XIAOMI_API_KEY={TRUE}\n")
        self.home.compile()
        after = gateway()
        found = self.findings()
        self.assertEqual(set(found), {"hermes-watch", f"process {before.pid} (Hermes) DEEPSEEK_API_KEY"})
        self.assertEqual(found[f"process {before.pid} (Hermes) DEEPSEEK_API_KEY"]["found"], fingerprint(HIDDEN))
        self.home.write(".env", f"XIAOMI_API_KEY={TRUE}\nDEEPSEEK_API_KEY={HIDDEN}\n")  # back again
        self.home.compile()
        self.assertEqual(set(self.findings()), {"hermes-watch"})
        for process in (before, after):
            process.communicate(b"\n")

    def test_a_session_that_turns_to_an_edited_variable(self):
        """Behind a key of config.yaml, too, in Hermes 0.20.1 and later."""
        self.home.write("config.yaml", f"model: {{provider: xiaomi, api_key: {TRUE}}}\n")
        self.home.write(".env", f"XIAOMI_API_KEY={STALE}\n")
        self.home.compile()
        gateway = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()", "hermes_cli.main"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env={"HERMES_HOME": str(self.home.path)})
        gateway.stdout.readline()
        self.assertFalse([where for where in self.findings() if "(Hermes)" in where])
        self.home.write(".env", f"XIAOMI_API_KEY={HIDDEN}\n")
        self.home.compile()
        found = self.findings()[f"process {gateway.pid} (Hermes) XIAOMI_API_KEY"]
        self.assertEqual((found["found"], found["expected"], found["matters"]),
                         (fingerprint(HIDDEN), fingerprint(TRUE), False))
        self.assertIn("/new in the session", found["help"])
        self.home.write(".env", f"XIAOMI_API_KEY={HIDDEN}\nXIAOMI_BASE_URL=https://other.example/v1\n")
        self.home.compile()
        self.home.write(".env", f"XIAOMI_API_KEY={STALE}\nXIAOMI_BASE_URL=https://third.example/v1\n")
        self.home.compile()
        self.assertEqual(self.findings()[f"process {gateway.pid} (Hermes) XIAOMI_API_KEY"]["found"],
                         fingerprint(STALE))
        self.home.write("config.yaml",
                        f"model: {{provider: xiaomi, api_key: {TRUE}, base_url: 'https://my.example/v1'}}\n")
        self.home.compile()
        self.assertNotIn(f"process {gateway.pid} (Hermes) XIAOMI_API_KEY", self.findings())
        self.assertNotIn("an open session", self.home.compile("--status")[1])
        gateway.communicate(b"\n")

    def test_a_session_that_turns_to_an_edited_url(self):
        """And to the variable with it, as it does when both are edited."""
        self.home.write("config.yaml", f"model: {{provider: xiaomi, api_key: {TRUE}}}\n")
        self.home.write(".env", f"XIAOMI_API_KEY={STALE}\nXIAOMI_BASE_URL=https://one.example/v1\n")
        self.home.compile()
        where = self.running()
        self.home.write(".env", f"XIAOMI_API_KEY={STALE}\nXIAOMI_BASE_URL=https://two.example/v1\n")
        self.home.compile()
        found = self.findings()[where + " XIAOMI_API_KEY"]
        self.assertEqual(found["found"], fingerprint(STALE))
        self.assertIn("the line of XIAOMI_BASE_URL in .env changed", found["message"])

    def test_programs_that_only_look_like_hermes(self):
        program = subprocess.Popen(["sleep", "1000"],
                                   env={"HERMES_HOME": str(self.home.path), "DEEPSEEK_API_KEY": HIDDEN})
        other = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()", "hermes.txt"],
                                 stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE,
                                 env={"HERMES_HOME": str(self.home.path), "DEEPSEEK_API_KEY": HIDDEN})
        other.stdout.readline()
        same = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()", "hermes_cli.main"],
                                stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE,
                                env={"HERMES_HOME": str(self.home.path), "XIAOMI_API_KEY": TRUE})
        same.stdout.readline()
        self.assertEqual(list(self.findings()), ["hermes-watch"])
        program.kill()
        program.wait()
        for process in (other, same):
            process.communicate(b"\n")

    def test_a_gateway_that_runs_with_another_key(self):
        def gateway(home):
            process = subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()",
                                        "hermes_cli.main", "gateway", "run"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       env={"HERMES_HOME": str(home), "XIAOMI_API_KEY": STALE,
                                            "DEEPSEEK_API_KEY": HIDDEN})
            process.stdout.readline()
            return process

        ours, other = gateway(self.home.path), gateway(self.home.root)
        found = self.findings()
        where = f"process {ours.pid} (Hermes)"
        self.assertEqual(found[where + " XIAOMI_API_KEY"]["found"], fingerprint(STALE))
        self.assertTrue(found[where + " DEEPSEEK_API_KEY"]["matters"])
        self.assertFalse([f for f in found if f"process {other.pid}" in f])
        for process in (ours, other):
            process.communicate()

    def profile(self, env):
        profile = self.home.path / "profiles/work"
        profile.mkdir(parents=True, mode=0o700, exist_ok=True)
        for name, text in ((".env", env), ("config.yaml", "model:\n  provider: xiaomi\n")):
            self.home.write(f"profiles/work/{name}", text)
        return profile

    def test_a_process_that_names_a_profile_is_the_profiles(self):
        profile = self.profile(f"XIAOMI_API_KEY={HIDDEN}\n")
        self.home.compile("--home", profile)
        for arguments, whose in ((("-p", "work", "gateway", "run"), profile),
                                 (("gateway", "run", "--profile=work"), profile),
                                 (("-m", "-p", "chat"), self.home.path),
                                 (("chat", "--", "-p", "work"), self.home.path)):
            with self.subTest(arguments):
                process = subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()",
                                            "hermes_cli.main", *arguments],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           env={"HERMES_HOME": str(self.home.path), "XIAOMI_API_KEY": STALE})
                process.stdout.readline()
                named = [home for home in (self.home.path, profile)
                         if f"process {process.pid} " in self.home.compile("--home", home, "--check", "--live")[1]]
                self.assertEqual(named, [whose])
                process.communicate()

    def test_a_copy_of_a_variable_in_a_profile(self):
        self.profile(f"XIAOMI_API_KEY={TRUE}\n")
        self.assertFalse([where for where in self.findings() if "profiles" in where])
        self.home.write(".env", f"XIAOMI_API_KEY={HIDDEN}\n")
        self.home.compile()
        found = self.findings()["profiles/work/.env:1:16 XIAOMI_API_KEY"]
        self.assertEqual((found["found"], found["expected"], found["matters"]),
                         (fingerprint(TRUE), fingerprint(HIDDEN), True))
        self.home.write(".env", f"XIAOMI_API_KEY={TRUE}\n")  # and back
        self.home.compile()
        self.assertFalse([where for where in self.findings() if "profiles" in where])

    def test_entries_of_ours_that_were_copied_into_a_profile(self):
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {STALE}\n")
        self.home.compile()
        profile = self.profile(f"XIAOMI_API_KEY={TRUE}\n")
        shutil.copy(self.home.path / "auth.json", profile / "auth.json")
        self.assertIn("no hermes-watch watches that profile", self.findings()["profiles/work/auth.json"]["message"])
        self.home.compile("--home", profile)  # its own compile takes them out
        pool = json.loads((profile / "auth.json").read_text())["credential_pool"]["xiaomi"]
        self.assertEqual([(e["source"], e["access_token"]) for e in pool], [("env:XIAOMI_API_KEY", TRUE)])
        self.assertNotIn("profiles/work/auth.json", self.findings())
        self.home.write("profiles/work/.env", f"XIAOMI_API_KEY={HIDDEN}\n")  # and that entry is as old as a copy
        self.assertIn("profiles/work/auth.json", self.findings())

    def test_entries_of_hermes_form_that_were_copied_into_a_profile(self):
        config = f"providers:\n  acme: {{base_url: 'https://acme.example/v1', api_key: {STALE}}}\n"
        self.home.write("config.yaml", config)
        self.home.compile()
        profile = self.profile("A=b\n")
        shutil.copy(self.home.path / "auth.json", profile / "auth.json")
        self.assertIn("profiles/work/auth.json", self.findings())
        code, _, err = self.home.compile("--home", profile)
        self.assertEqual((code, "orphaned-pool" in err), (0, False))
        self.assertNotIn("sk-test", (profile / "auth.json").read_text())
        self.assertNotIn("profiles/work/auth.json", self.findings())

    def test_an_entry_that_was_copied_where_its_key_belongs_to_another_url(self):
        config = f"model:\n  provider: xiaomi\n  api_key: {STALE}\n  base_url: https://%s.example/v1\n"
        self.home.write("config.yaml", config % "one")
        self.home.compile()
        profile = self.profile(f"XIAOMI_API_KEY={TRUE}\n")
        shutil.copy(self.home.path / "auth.json", profile / "auth.json")
        for url, named in (("one", False), ("two", True)):
            self.home.write("profiles/work/config.yaml", config % url)
            self.assertEqual("profiles/work/auth.json" in self.findings(), named)

    def running(self):
        process = subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()",
                                    "hermes_cli.main", "gateway", "run"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env={"HERMES_HOME": str(self.home.path)})
        process.stdout.readline()
        self.addCleanup(process.communicate)
        return f"process {process.pid} (Hermes)"

    def test_what_a_running_gateway_does_not_pick_up(self):
        """The key of a custom provider in side tasks, and the routes of the API server: until it is started again."""
        def write(key, route, more=""):
            self.home.write("config.yaml",
                            f"model: {{provider: mine}}\ncustom_providers: [{{name: mine, base_url: http://h/v1, "
                            f"api_key: {key}}}]\n"
                            f"platforms: {{api_server: {{extra: {{model_routes: {{fast: {{model: m, api_key: {route}}}"
                            f"{more}}}}}}}}}\n")
            self.home.compile()

        def found():
            said = json.loads(self.home.compile("--check", "--live", "--format", "json")[1])["findings"]
            return [(f["found"] if "found" in f else None, f["message"]) for f in said if f["where"] == where]

        route = "platforms.api_server.extra.model_routes."
        write(HIDDEN, "sk-test-route-0001")
        where = self.running()
        os.utime(self.home.path / "config.yaml", (4e9, 4e9))  # touched, and nothing else
        self.home.compile()
        self.assertEqual(found(), [])
        write(TRUE, "sk-test-route-0002")
        write(STALE, "sk-test-route-0003", ", slow: {model: n, base_url: http://n/v1}")
        side, fast, slow = found()
        self.assertIn(f"may still use the older key {fingerprint(HIDDEN)} of custom:mine", side[1])  # not TRUE
        old = fingerprint("sk-test-route-0001")
        self.assertEqual(fast, (old, f"{route}fast.api_key was {old} when it was started, and the API server reads it "
                                     "only then"))
        self.assertIn(f"{route}slow.base_url was not set when it was started", slow[1])
        write(HIDDEN, "sk-test-route-0001")  # as it was then; and what came in between is gone again
        self.assertEqual(found(), [])
        write(HIDDEN, "sk-test-route-0001, base_url: http://f/v1")
        self.assertEqual(len(found()), 1)
        self.home.write("config.yaml", "model: {provider: xiaomi}\n")
        self.home.compile()
        self.assertIn((old, f"{route}fast.api_key was {old} when it was started, and the API server reads it only "
                            "then"), found())

    def test_side_tasks_that_name_their_provider(self):
        """Hermes's entry of a variable keeps its name when the key is another one, and so does the client of it."""
        def write(key, task):
            self.home.write("config.yaml", f"model: {{provider: deepseek}}\nauxiliary: {{compression: {task}}}\n")
            self.home.write(".env", f"XIAOMI_API_KEY={key}\nDEEPSEEK_API_KEY={TRUE}\n")
            self.home.compile()

        write(HIDDEN, "{}")
        where = self.running()
        for task, told in (("{provider: mimo}", True), ("{provider: deepseek}", False), ("{model: m}", False),
                           ("{provider: xiaomi, model: m}", True)):
            with self.subTest(task=task):
                write(STALE, task)
                found = json.loads(self.home.compile("--check", "--live", "--format", "json")[1])["findings"]
                found = [(f["found"], f["message"]) for f in found if f["where"] == where]
                self.assertEqual([key for key, _ in found], [fingerprint(HIDDEN)] * told)
                self.assertTrue(all(f"side tasks (titles, compression, vision) may still use the older key "
                                    f"{fingerprint(HIDDEN)} of xiaomi" in message for _, message in found))

    def test_a_stale_snapshot_and_a_pool_that_contradicts(self):
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: {STALE}\n")
        found = self.findings()
        self.assertEqual(found["compiled/snapshot.json"]["message"], "older than its sources")
        self.assertIn("auth.json", found)
        (self.home.path / "compiled/snapshot.json").unlink()
        self.assertEqual(self.findings()["compiled/snapshot.json"]["message"], "there is no usable one")

    def test_a_reset_clears_pool_and_memory(self):
        entry = {"id": "6daf30", "source": "env:XIAOMI_API_KEY", "priority": 0, "secret_fingerprint": fingerprint(TRUE)}
        store = {"providers": {}, "credential_pool": {"xiaomi": [entry]}}
        entry |= {"last_status": "exhausted", "last_status_at": 1795000000.5, "last_error_code": 429,
                                                  "last_error_reset_at": 4000000000.25}
        self.home.write("auth.json", json.dumps(store, indent=2) + "\n")
        self.home.compile()
        self.assertIn("cooling until 2096", self.home.compile("--status")[1])
        self.assertIn("every key is cooling", self.home.compile("--status")[1])
        self.assertEqual(self.home.compile("--reset", "xiaomi", "sha256:" + "0" * 16)[1], "nothing was cooling\n")
        self.assertIn(f"xiaomi: cleared {fingerprint(TRUE)} in auth.json\n", self.home.compile("--reset", "mimo")[1])
        self.assertIn("usable, is used next", self.home.compile("--status")[1])
        self.assertIsNone(self.home.pool()[0]["last_status"])
        self.assertGreater(self.home.pool()[0]["status_cleared_at"], 1795000000)
        self.home.compile()
        self.assertIn("usable", self.home.compile("--status")[1])
        self.assertEqual(self.home.compile("--reset", "all", "not-a-fingerprint")[0], 2)


if __name__ == "__main__":
    unittest.main()
