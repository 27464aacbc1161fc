"""./run writes into no home unasked, says first what it would do and how to undo it, and finds its way everywhere."""
import os, pathlib, pty, shutil, signal, subprocess, threading, unittest

from harness import BUILD, PATIENCE, Home

REPO = pathlib.Path(__file__).parents[2]
QUESTION, WATCHING, PUBLISHED = "[y/N] ", "\nWatching.", "\ngeneration 1\n"


class Run(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.user = self.home.root / "a user"
        self.hermes = self.user / ".hermes"
        self.hermes.mkdir(parents=True, mode=0o700)
        self.checkout = self.home.root / "a checkout"
        (self.checkout / "build").mkdir(parents=True)
        (self.checkout / "build/release").symlink_to(BUILD)
        shutil.copy(REPO / "run", self.checkout)
        shutil.copytree(REPO / ".ci", self.checkout / ".ci")
        stub = self.home.root / "stubs/cmake"  # what is built is what is tested
        stub.parent.mkdir()
        stub.write_text("#!/bin/sh\n")
        stub.chmod(0o755)
        self.env = dict(self.home.env, HOME=str(self.user), PATH=f"{stub.parent}:{os.environ['PATH']}")
        self.env.pop("HERMES_HOME", None)
        self.write(self.hermes)

    def write(self, home):
        model = "model: {provider: xiaomi, default: m, api_key: sk-test-run-one}\n"
        for path, text in (home / "config.yaml", model), (home / ".env", ""):
            path.write_text(text)
            path.chmod(0o600)

    def run_it(self, *arguments, terminal=False, answer="", until=PUBLISHED):
        """What it says, until it ends or says UNTIL; ANSWER: typed when it asks."""
        read, write = pty.openpty() if terminal else os.pipe()
        process = subprocess.Popen(["./run", *arguments], cwd=self.checkout, env=self.env, stdout=write, stderr=write,
                                   stdin=write if terminal else subprocess.DEVNULL, start_new_session=True)
        os.close(write)
        patience = threading.Timer(PATIENCE, process.kill)
        patience.start()
        self.addCleanup(patience.cancel)
        said = ""
        with open(read, "r+b" if terminal else "rb", buffering=0) as stream:
            try:
                while piece := stream.read(4096):
                    said += piece.decode().replace("\r\n", "\n")
                    if answer and said.endswith(QUESTION):
                        stream.write(answer.encode())
                        answer = ""
                    if until in said:
                        process.send_signal(signal.SIGTERM)
            except OSError:
                pass  # the end of a terminal
        self.assertIn(process.wait(PATIENCE), (0, -signal.SIGTERM), said)
        return said

    def assert_untouched(self):
        self.assertEqual(sorted(path.name for path in self.hermes.iterdir()), [".env", "config.yaml"])

    def test_without_a_terminal_it_only_shows(self):
        said = self.run_it()
        self.assertIn("auth.json: xiaomi: added sha256:", said)
        self.assertIn("--withdraw", said)
        self.assertTrue(said.endswith("`./run --yes` writes this and watches the home.\nNothing was written.\n"), said)
        self.assertLessEqual(len(said.splitlines()), 40)
        self.assertNotIn("sk-test", said)
        self.assert_untouched()

    def test_a_terminal_is_asked(self):
        for answer in "n\n", "\n", "\x04":
            with self.subTest(answer):
                said = self.run_it(terminal=True, answer=answer)
                self.assertTrue(said.endswith("\nNothing was written.\n"), said)
                self.assert_untouched()
        self.assertIn(PUBLISHED, self.run_it(terminal=True, answer="y\n"))
        self.assertNotIn(QUESTION, self.run_it(terminal=True, until=WATCHING))  # it is ours by now

    def test_yes_is_an_answer_and_it_is_undone_as_it_says(self):
        said = self.run_it("--yes")
        self.assertTrue((self.hermes / "compiled/snapshot.json").exists())
        undo = next(line for line in said.splitlines() if "To undo it: " in line).split("To undo it: ")[1]
        subprocess.run(["sh", "-c", undo], env=self.env, check=True, capture_output=True, timeout=PATIENCE)
        self.assertFalse((self.hermes / "compiled").exists())
        self.assertNotIn("sk-test-run-one", (self.hermes / "auth.json").read_text())

    def test_which_home(self):
        self.env["HERMES_HOME"] = str(self.home.path)
        self.write(self.home.path)
        del self.env["HOME"]
        self.assertIn(PUBLISHED, self.run_it())
        self.assertTrue((self.home.path / "compiled/snapshot.json").exists())
        del self.env["HERMES_HOME"]
        done = subprocess.run(["./run"], cwd=self.checkout, env=self.env, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (2, "no home: set HERMES_HOME or HOME, or try ./run demo\n"))
        shutil.rmtree(self.hermes)
        self.env["HOME"] = str(self.user)
        said = self.run_it()
        self.assertIn(f"There is no Hermes home {self.hermes}, so this is a sample one: "
                      f"{self.checkout}/build/sample-home\n", said)
        self.assertFalse(self.hermes.exists())


if __name__ == "__main__":
    unittest.main()
