"""The README's transcripts are what the programs print, and what it names is there."""
import pathlib, re, shlex, subprocess, unittest

from harness import BUILD, Home

REPO = pathlib.Path(__file__).parents[2]
README = (REPO / "README.md").read_text()
CONFIG = "model:\n  provider: xiaomi\n  default: mimo-v2\n  api_key: {}\n"


class Readme(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-readme-env\n")

    def transcript(self, name):
        block = re.search(rf"<!-- transcript: {name} -->\n(.*?)<!-- end -->", README, re.DOTALL).group(1)
        lines = [line.removeprefix("    ") for line in block.splitlines()]
        expected, printed = [], []
        for line in lines:
            expected.append(line)
            if line.startswith("$ "):
                program, *arguments = shlex.split(line[2:])
                done = subprocess.run([BUILD / program, "--home", self.home.path, *arguments], env=self.home.env,
                                      capture_output=True, text=True)
                printed += [line, *(done.stdout + done.stderr).splitlines()]
        self.assertEqual(printed, expected)

    def test_a_key_says_where_it_comes_from(self):
        self.home.write("config.yaml", CONFIG.format("sk-test-readme-one"))
        self.transcript("compile")

    def test_a_mistake_is_answered_as_a_compiler_does(self):
        self.home.write("config.yaml", CONFIG.format("${XIAOMI_KEY}"))
        self.transcript("mistake")

    def test_it_is_short(self):
        self.assertLessEqual(len(README.splitlines()), 150)

    def test_the_options_that_it_names_are_there(self):
        """In the README and beside it, each of a command that is quoted as one."""
        named = set()
        for document in (README, *(path.read_text() for path in (REPO / ".github").glob("*.md"))):
            for command in re.findall(r"(?m)`(hermes-[^`]+)`|^ +(?:\$ )?(hermes-[^#\n]+)", document):
                program, *words = re.split(r"[\s|=,;()\[\]]+", "".join(command))
                named |= {(program, word) for word in words if word.startswith("--")}
        self.assertGreater(len(named), 10)
        for program in sorted({program for program, option in named if (BUILD / program).exists()}):
            help = subprocess.run([BUILD / program, "--help"], capture_output=True, text=True, check=True).stdout
            options = set(re.findall(r"--[a-z][a-z-]*", help))
            self.assertEqual({option for of, option in named if of == program} - options, set(), program)

    def test_its_links_lead_somewhere(self):
        for document in (README, (REPO / ".github/SECURITY.md").read_text()):
            for link in re.findall(r"\]\(([^)#:]+)\)|src(?:set)?=\"([^\"]+)\"", document):
                self.assertTrue((REPO / "".join(link)).exists(), link)


if __name__ == "__main__":
    unittest.main()
