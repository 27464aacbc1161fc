"""Command lines: help, slips, and what is made of the tables of options: man pages and completions."""
import json, re, shutil, subprocess, unittest

from harness import BUILD, PATIENCE, Home

PROGRAMS = tuple(name for name in ("hermes-compile", "hermes-watch", "hermes-relay") if (BUILD / name).exists())


class Commands(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)

    def run_program(self, name, *arguments):
        done = subprocess.run([BUILD / name, *arguments], env=self.home.env, stdin=subprocess.DEVNULL,
                              capture_output=True,
                              text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def options(self, program):
        """The long options that --help lists."""
        found = re.findall(r"(?m)^  (?:-\w, )?--([a-z-]+)", self.run_program(program, "--help")[1])
        self.assertGreater(len(found), 6)
        return found

    def shell(self, name, *command):
        if shutil.which(name) is None:
            self.skipTest(f"SKIP: there is no {name} here")
        return subprocess.run([name, *command], capture_output=True, text=True, timeout=PATIENCE, env=self.home.env)

    def test_help_and_version(self):
        for program in (*PROGRAMS, "hermes-fleet", "hermes-http"):
            for short, long in (("-h", "--help"), ("-V", "--version")):
                self.assertEqual(self.run_program(program, short), self.run_program(program, long))
                self.assertEqual(self.run_program(program, short)[0], 0)
            self.assertRegex(self.run_program(program, "-V")[1],
                             rf"\A{program} \d+\.\d+\.\d+ \(commit ([0-9a-f]{{12}}(, modified)?|unknown)\)\n"
                             rf"snapshot format 1\n(\S+ \d+[\w.-]*( \(\S+\))?(, |\n))+\Z")
            text = self.run_program(program, "--help")[1]
            self.assertTrue(text.startswith(f"Usage: {program} "))
            self.assertLessEqual(max(map(len, text.splitlines())), 78)

    def test_slips_are_named(self):
        for program, argument, message in (
                ("hermes-compile", "--chekc", "unknown option --chekc; did you mean --check?"),
                ("hermes-compile", "-check", None),
                ("hermes-compile", "-status", "unknown option -status; did you mean --status?"),
                ("hermes-compile", "--frobnicate", "unknown option --frobnicate; see --help"),
                ("hermes-compile", "-x", "unknown option -x; see --help"),
                ("hermes-compile", "check", "unknown mode check; did you mean --check?"),
                ("hermes-compile", "stauts", "unknown mode stauts; did you mean --status?"),
                ("hermes-compile", "--explain", "--explain needs a value; see --help"),
                ("hermes-compile", "--home=", "--home needs a value that is not empty; see --help"),
                ("hermes-compile", "--diff=x", "--diff takes no value; see --help"),
                ("hermes-compile", "--color=pink", "--color takes auto, always or never; see --help"),
                ("hermes-compile", "--live", "--live is only for --check; see --help"),
                ("hermes-watch", "--intsall", "unknown option --intsall; did you mean --install?"),
                ("hermes-watch", "uninstall", "unknown mode uninstall; did you mean --uninstall?"),
                ("hermes-watch", "--now", "--now is only for --install; see --help"),
                ("hermes-watch", "--home=", "--home needs a value that is not empty; see --help"),
                ("hermes-relay", "--lisen=1", "unknown option --lisen; did you mean --listen?"),
                ("hermes-relay", "--threads=17", "--threads takes a number from 1 to 16; see --help"),
                ("hermes-http", "work", "unknown argument work; see --help")):
            if not (BUILD / program).exists():
                continue
            status, out, err = self.run_program(program, argument)
            self.assertEqual((status, out), (2, ""), argument)
            if message is not None:
                self.assertEqual(err, f"{program}: {message}\n")
        self.assertEqual(self.run_program("hermes-compile", "--diff", "--status")[2],
                         "hermes-compile: --diff and --status cannot be combined; see --help\n")
        self.assertEqual(self.run_program("hermes-compile", "-Vx")[0], 0)  # -V ends it before -x is read
        self.assertFalse((self.home.root / ".hermes").exists())

    def test_what_could_be_a_key_is_not_repeated(self):
        for word in ("--sk-test-0123", "-sk-test-0123", "sk-test-0123", "--abcdefghijklmnopqrstuvwxyz",
                     "abcdefghijklmnopqrst"):
            for program in PROGRAMS:
                status, _, err = self.run_program(program, word)
                self.assertEqual(status, 2)
                self.assertRegex(err, rf"^{program}: unknown (option|mode); see --help\n$")

    def test_man_pages_list_every_option(self):
        for program in PROGRAMS:
            page = (BUILD / f"description/{program}.1").read_text()
            self.assertNotRegex(page, r"(?m)^@")
            for option in self.options(program):
                self.assertRegex(page, rf"(?m)^\.It .*Fl -{option}\b")

    def test_man_pages_are_sound(self):
        pages = sorted((BUILD / "description").glob("*.[135]"))
        self.assertLess(30, len(pages))
        for page in pages:
            if shutil.which("mandoc"):
                done = self.shell("mandoc", "-Tlint", "-Wwarning", page)
                self.assertEqual(done.stdout + done.stderr, "")
            if shutil.which("man") and shutil.which("groff"):
                done = self.shell("man", "--warnings", "-E", "UTF-8", "-l", page)
                self.assertEqual(done.stderr, "")
                self.assertIn("NAME", done.stdout)

    def test_man_page_lists_every_setting(self):
        schema = json.loads(self.run_program("hermes-compile", "--print-schema", "config")[1])
        settings = schema["properties"]["hermes_watch"]["properties"]
        page = (BUILD / "description/hermes-watch.5").read_text()
        for name, rule in settings.items():
            self.assertIn(f".It Ic {name} Pq ", page)
            self.assertTrue(rule["description"], name)
        for word in ("Home", "Source", "Snapshot", "Generation", "Credential", "Pool", "Seeded entry", "Shadowed",
                     "Cooldown", "Fingerprint", "Drift", "Managed scope", "Relay", "Observation"):
            self.assertIn(f".It Em {word}\n", page)

    def test_man_page_lists_every_member_of_the_snapshot(self):
        page = (BUILD / "description/hermes-snapshot.5").read_text()
        for member in ("meta.format", "content.providers.NAME.credentials[].secret", "content.warnings[].code"):
            self.assertIn(f".It Ic {member} Pq ", page)
        self.assertIn("members are only added", page)

    def test_man_page_lists_every_code(self):
        page = (BUILD / "description/hermes-compile.1").read_text()
        codes = re.findall(r"(?:\A|\n\n)([a-z0-9-]+): ", self.run_program("hermes-compile", "--explain-code", "all")[1])
        self.assertEqual(re.findall(r"(?m)^\.It Li (\S+)$", page), codes)

    def complete_in_bash(self, program, *words):
        script = (f'source "$1"; COMP_WORDS=("${{@:2}}"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _{program}; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = self.shell("bash", "-c", script, "bash", BUILD / f"description/{program}.bash", program, *words)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completion(self):
        for program in PROGRAMS:
            self.assertLessEqual(set(self.complete_in_bash(program, "--")),
                                 {f"--{name}" for name in self.options(program)})
        self.assertEqual(self.complete_in_bash("hermes-compile", "--ch"), ["--check"])
        self.assertEqual(self.complete_in_bash("hermes-compile", "--format", "s"), ["sarif"])
        self.assertEqual(self.complete_in_bash("hermes-compile", "--explain-code", "unresol"), ["unresolved-reference"])
        self.assertIn("xiaomi", self.complete_in_bash("hermes-compile", "--reset", "xi"))
        self.assertIn("--live", self.complete_in_bash("hermes-compile", "--check", "--"))
        self.assertNotIn("--live", self.complete_in_bash("hermes-compile", "--diff", "--"))
        self.assertNotIn("--diff", self.complete_in_bash("hermes-compile", "--check", "--"))
        self.assertEqual(self.complete_in_bash("hermes-compile", "--home", str(self.home.path)[:-2]),
                         [str(self.home.path)])
        self.assertIn("README.md", self.complete_in_bash_at_home("hermes-compile", "--check", "READ"))

    def complete_in_bash_at_home(self, *words):
        (self.home.root / "README.md").touch()
        return [name.rsplit("/", 1)[-1] for name in self.complete_in_bash(*words[:-1], f"{self.home.root}/{words[-1]}")]

    def test_zsh_completion(self):
        for program in PROGRAMS:
            file = BUILD / f"description/{program}.zsh"
            done = self.shell("zsh", "-n", file)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for option in self.options(program):
                self.assertRegex(file.read_text(), rf"--{option}\b")

    def test_fish_completion(self):
        for program in PROGRAMS:
            file = BUILD / f"description/{program}.fish"
            done = self.shell("fish", "-c", f"source {file}; complete -C '{program} --'")
            self.assertEqual(done.stderr, "")
            offered = {line.split("\t")[0].lstrip("-") for line in done.stdout.splitlines()}
            self.assertLessEqual(offered, set(self.options(program)))
            self.assertIn("help", offered)
        done = self.shell("fish", "-c", f"source {BUILD}/description/hermes-compile.fish; "
                          "complete -C 'hermes-compile --check --l'; complete -C 'hermes-compile --format sa'")
        offered = [line.split("\t")[0] for line in done.stdout.splitlines()]  # fish 4 also offers what has it elsewhere
        self.assertEqual([word for word in offered if word.startswith(("--l", "sa"))], ["--live", "sarif"])


if __name__ == "__main__":
    unittest.main()
