"""The library as a stranger gets it: installed, found by pkg-config, linked shared and static, with nothing visible but
its own names."""
import os, pathlib, re, shutil, subprocess, tempfile, unittest

from harness import BUILD, PATIENCE, Home

RELAY = ["hermes-relay"] if (BUILD / "hermes-relay").exists() else []  # where its libraries are new enough
EXAMPLES = pathlib.Path(__file__).parents[2] / "runtime/examples"


def run(*command, **kwargs):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **kwargs)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def sanitized():
    return "HERMES_SANITIZE:STRING=\n" not in (BUILD / "CMakeCache.txt").read_text()


@unittest.skipUnless(shutil.which("cc") and shutil.which("pkg-config") and shutil.which("nm"), "no compiler")
class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="hermes-installed-"))
        run("cmake", "--install", BUILD, "--prefix", cls.root)
        cls.pc = next(cls.root.rglob("hermes-runtime.pc"))
        cls.lib = cls.pc.parents[1]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def flags(self, *args):
        return run("pkg-config", *args, "hermes-runtime", env=dict(os.environ, PKG_CONFIG_PATH=self.pc.parent)).split()

    def test_all_is_for_the_prefix_it_was_installed_to(self):
        prefix, = self.flags("--variable=prefix")
        self.assertEqual(os.path.realpath(prefix), os.path.realpath(self.root))
        for name in ("hermes-watch.service", "hermes-watch@.service", *(f"{relay}.service" for relay in RELAY)):
            unit = (self.root / "lib/systemd/user" / name).read_text()
            program = re.search(r"^ExecStart=(\S+)", unit, re.M)[1]
            self.assertTrue(pathlib.Path(program).samefile(self.root / "bin" / name.split(".")[0].strip("@")), program)
            page = re.search(r"^Documentation=file://(\S+)", unit, re.M)[1]
            self.assertTrue(pathlib.Path(page).is_file(), page)

    def test_names(self):
        for library in (self.lib / "libhermes-runtime.so", self.lib / "libhermes-runtime.a"):
            shared = library.suffix == ".so"
            names = [line.split()[-1]
                     for line in run("nm", *(["-D"] if shared else []), "--defined-only", "-g", library).splitlines()
                     if len(line.split()) > 1 and line.split()[-2] != "A"]
            foreign = [name for name in names if not name.startswith("hermes_")]
            with self.subTest(library.name):
                self.assertEqual(foreign, [])
                self.assertGreater(len(names), 20)
            if shared:
                self.assertTrue(all("@@HERMES_RUNTIME_1" in name for name in names), names)

    @unittest.skipIf(sanitized(), "a sanitizer's runtime would have to be linked too")
    def test_examples_build_and_run_shared_and_static(self):
        home = Home()
        home.write("config.yaml", "model:\n  provider: xiaomi\n  api_key: sk-test-first-00001\n")
        home.compile()
        shared = self.flags("--cflags", "--libs")
        static = self.flags("--cflags", "--static", "--libs")
        static[static.index("-lhermes-runtime")] = str(self.lib / "libhermes-runtime.a")
        for source in sorted(EXAMPLES.glob("*.c")):
            for kind, flags in (("shared", shared), ("static", static)):
                with self.subTest(f"{source.name} {kind}"):
                    program = self.root / f"{source.stem}-{kind}"
                    run("cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", program, source, *flags)
                    env = dict(os.environ, LD_LIBRARY_PATH=str(self.lib) if kind == "shared" else "")
                    out = run(program, home.path, *(["xiaomi"] if source.stem == "next_key" else []), env=env,
                              input="200\n")
                    self.assertTrue(out)
        home.close()

    def test_the_header_is_for_cpp_too(self):
        if shutil.which("c++") is None:
            self.skipTest("no C++ compiler")
        run("c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++",
            self.root / "include/hermes_runtime.h")

    def test_manual_pages(self):
        pages = {page.name for page in (self.root / "share/man").rglob("*.[13]")}
        programs = {f"{program}.1" for program in ("hermes-compile", "hermes-watch", *RELAY)}
        self.assertLessEqual(programs | {"libhermes-runtime.3"}, pages)
        header = (self.root / "include/hermes_runtime.h").read_text()
        page = (self.root / "share/man/man3/libhermes-runtime.3").read_text()
        for name in ("hermes_open", "hermes_acquire", "hermes_report", "hermes_classify", "hermes_config"):
            self.assertIn(f"{name}(", header)
            self.assertIn(f".Fn {name}", page)
        for name in re.findall(r"(?m)^[a-z].*\b(hermes_\w+)\(", header):
            self.assertIn(f".Nm {name}\n", (self.root / f"share/man/man3/{name}.3").read_text())

    def test_completions_lie_where_each_shell_looks(self):
        for name in ("hermes-compile", "hermes-watch", *RELAY):
            for path in (f"bash-completion/completions/{name}", f"fish/vendor_completions.d/{name}.fish",
                         f"zsh/site-functions/_{name}"):
                self.assertIn(name, (self.root / "share" / path).read_text())


if __name__ == "__main__":
    unittest.main()
