"""The build says which commit it is made of, is installed anywhere without root, and is removed again."""
import os, pathlib, shutil, subprocess, sys, tempfile, unittest

from harness import BUILD, PATIENCE, Home

REPO = pathlib.Path(__file__).parents[2]


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


class Commit(unittest.TestCase):
    """commit.cmake, with a source folder of its own."""

    def setUp(self):
        if shutil.which("git") is None:
            self.skipTest("SKIP: there is no git here")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = pathlib.Path(folder.name) / "around/source"
        (self.source / ".cmake").mkdir(parents=True)
        shutil.copy(REPO / ".cmake/commit", self.source / ".cmake")
        shutil.copy(REPO / ".gitattributes", self.source)

    def git(self, folder, *arguments):
        return subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", "-C", folder, *arguments], check=True,
                              capture_output=True, timeout=PATIENCE).stdout

    def make(self, folder):
        self.git(folder, "init", "-q")
        self.git(folder, "add", "-A")
        self.git(folder, "commit", "-qm", "all")
        return self.git(folder, "rev-parse", "HEAD").decode()[:12]

    def commit_of(self, source):
        out = source.parent / "commit.h"
        subprocess.run(["cmake", f"-DSOURCE={source}", f"-DOUT={out}", "-P", REPO / ".cmake/commit.cmake"], check=True,
                       capture_output=True, timeout=PATIENCE)
        return out.read_text().split('"')[1]

    def test_in_a_repository(self):
        commit = self.make(self.source)
        self.assertEqual(self.commit_of(self.source), commit)
        (self.source / ".cmake/commit").write_text("changed\n")
        self.assertEqual(self.commit_of(self.source), commit + ", modified")

    def test_in_an_archive(self):
        commit = self.make(self.source)
        unpacked = self.source.parent / "unpacked"
        unpacked.mkdir()
        archive = self.git(self.source, "archive", "HEAD")
        subprocess.run(["tar", "-xC", unpacked], input=archive, check=True, timeout=PATIENCE)
        self.assertEqual(self.commit_of(unpacked), commit)

    def test_another_repository_around_the_source_is_not_its_own(self):
        self.make(self.source.parent)
        self.assertEqual(self.commit_of(self.source), "unknown")


class Install(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.user = self.home.path / "user with spaces"
        self.prefix = self.user / ".local"
        self.env = dict(os.environ, HOME=str(self.user))

    def cmake(self, *arguments):
        return subprocess.run(["cmake", *arguments], env=self.env, check=True, capture_output=True, text=True,
                              timeout=PATIENCE).stdout

    def test_it_works_without_root_and_leaves_nothing(self):
        self.assertNotIn("systemctl", self.cmake("--install", BUILD, "--prefix", self.prefix))
        self.home.write("config.yaml", "model: {provider: xiaomi, default: mimo-v2, api_key: sk-test-installed-one}\n")
        subprocess.run([self.prefix / "bin/hermes-compile", "--home", self.home.path, "--quiet"], check=True,
                       timeout=PATIENCE)
        self.assertIn("sk-test-installed-one", (self.home.path / "compiled/snapshot.json").read_text())
        unit = (self.prefix / "share/systemd/user/hermes-watch.service").read_text()
        self.assertIn(str(self.prefix / "bin/hermes-watch").replace(" ", "\\x20"), unit)
        subprocess.run([sys.executable, "-c", "import hermes_snapshot"], check=True, timeout=PATIENCE,
                       env={"PYTHONPATH": str(self.prefix / "share/hermes")})
        self.cmake(f"-DMANIFEST={BUILD}/install_manifest.txt", "-P", REPO / ".cmake/uninstall.cmake")
        self.assertEqual(files_in(self.user), set())
        self.assertEqual([*self.prefix.rglob("*hermes*"), *self.prefix.rglob("__pycache__")], [])

    def test_units_are_looked_for_where_they_are(self):
        said = self.cmake("--install", BUILD, "--prefix", self.user / "opt")
        self.assertIn(f"systemctl --user link '{self.user}/opt/lib/systemd/user'/*", said)


if __name__ == "__main__":
    unittest.main()
