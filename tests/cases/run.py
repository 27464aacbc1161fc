#!/usr/bin/env python3
"""Each folder beside this file is a case, named after what it shows:

    in/            a Hermes home (config.yaml, .env, auth.json ...); all files of it become 0600
    managed/       files of the administrator, if there are any
    command        what is run there by sh, with the home as its directory; without it `hermes-compile`
    provider       the HTTP status that a provider on loopback answers, whose URL is @PROVIDER@ in the files of in/
    needs          `root`, where only root can set the stage
    readme         the rows of the README's tables that the case shows: the first cell of each, a line each

and what then must come out: exit, stdout, diagnostics (standard error), and of the home snapshot.json (its content) and
auth.json. A file that is not there means: nothing of it. Times and other things that differ in each run are written as
TIME, PID, PORT; the home is /home/u/.hermes.

    tests/cases/run.py [CASE...]            compares
    tests/cases/run.py --bless [CASE...]    writes down what came out; `git diff` shows what that changes
"""
import concurrent.futures, difflib, json, os, pathlib, re, shutil, subprocess, sys, tempfile, unittest

CASES = pathlib.Path(__file__).parent
sys.path.insert(0, str(CASES.parent / "system"))
from harness import BUILD, PATIENCE, Loopback
import http.server

REPO = CASES.parents[1]
EXPECTED = "exit", "stdout", "diagnostics", "snapshot.json", "auth.json"
LONG_AGO, FAR_AHEAD = 1.5e9, 4e9  # what a case itself says of time lies beyond
AT_ONCE = 4  # some cases wait for a lock


def answering(status):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        do_POST = do_GET

    return Loopback(Handler).start()


def build_home(case, home, url):
    if (case / "in").exists():
        shutil.copytree(case / "in", home)
    else:  # a home without a file, which git keeps no folder for
        home.mkdir()
    for path in (home, *home.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if url and path.is_file():
            path.write_bytes(path.read_bytes().replace(b"@PROVIDER@", url.encode()))


def normal(text, root, url):
    """TEXT without what is different each time."""
    text = text.replace(str(root), "/home/u").replace(url or "\0", "http://127.0.0.1:PORT")
    text = re.sub(r"\b(?!2099)20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?", "TIME", text)
    return re.sub(r"\b(pid|process) \d+", r"\1 PID", text)


def what_stays(value):
    """A document's members that say something the same each time."""
    if isinstance(value, dict):
        return {name: what_stays(member) for name, member in value.items()
                if member is not None and name not in ("request_count", "updated_at")}
    if isinstance(value, (int, float)) and LONG_AGO < value < FAR_AHEAD:
        return "TIME"
    return [what_stays(item) for item in value] if isinstance(value, list) else value


def pretty(value):
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def read_snapshot(home):
    """Its content. The warnings stand in `diagnostics`, too, and the digests of sources are those of in/."""
    path = home / "compiled/snapshot.json"
    if not path.exists():
        return ""
    content = json.loads(path.read_text())["content"]
    return pretty({name: [source["path"] for source in value] if name == "sources" else value
                   for name, value in content.items() if name != "warnings" and value not in ([], {})})


def read_pool(home):
    path = home / "auth.json"
    text = path.read_bytes().decode(errors="backslashreplace") if path.is_file() else ""
    try:
        return pretty(what_stays(json.loads(text))) if text else ""
    except ValueError:
        return text


def run_case(case):
    """What comes out of CASE, a text for each name of EXPECTED; None where it needs more than there is."""
    if (case / "needs").exists() and os.getuid() != 0:
        return None
    root = pathlib.Path(tempfile.mkdtemp(prefix="hermes-case-"))
    provider = answering(int((case / "provider").read_text())) if (case / "provider").exists() else None
    url = provider and provider.url
    try:
        home = root / ".hermes"
        build_home(case, home, url)
        if (case / "managed").exists():
            shutil.copytree(case / "managed", root / "managed")
            for path in (root / "managed").iterdir():
                path.chmod(0o644)
        command = (case / "command").read_text() if (case / "command").exists() else "hermes-compile"
        env = {"PATH": f"{BUILD}:{os.environ['PATH']}", "HOME": str(root), "HERMES_HOME": str(home), "TZ": "UTC",
               "HERMES_MANAGED_DIR": str(root / "managed"), "LC_ALL": "C.UTF-8", "COLUMNS": "80",
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=1")}
        done = subprocess.run(["sh", "-c", command], cwd=home, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=PATIENCE)
        told = [normal(text.decode(errors="backslashreplace"), root, url) for text in (done.stdout, done.stderr)]
        files = [normal(text, root, url) for text in (read_snapshot(home), read_pool(home))]
        return dict(zip(EXPECTED, [f"{done.returncode}\n", *told, *files]))
    finally:
        if provider:
            provider.close()
        shutil.rmtree(root, ignore_errors=True)


def all_cases():
    return sorted(path for path in CASES.iterdir() if path.is_dir() and path.name[0] not in "._")


def run_cases(cases):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(cases, pool.map(run_case, cases)))


def expected(case, name):
    return (case / name).read_text() if (case / name).exists() else ""


def differences(case, results):
    lines = []
    for name, text in results.items():
        lines += difflib.unified_diff(expected(case, name).splitlines(), text.splitlines(), f"{case.name}/{name}",
                                      "what came out", lineterm="")
    return "\n".join(lines)


def bless(case, results):
    for name, text in results.items():
        if text:
            (case / name).write_text(text)
        else:
            (case / name).unlink(missing_ok=True)


def table_rows(heading):
    """The first cells of the README's table below HEADING."""
    text = (REPO / "README.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0].removeprefix("| ").strip() for line in text.splitlines() if line.startswith("| ")]
    return rows[2:]


class Cases(unittest.TestCase):
    maxDiff = None

    def test_each_case_comes_out_as_it_did(self):
        for case, results in run_cases(all_cases()).items():
            with self.subTest(case.name):
                difference = differences(case, results) if results else ""
                if difference:
                    self.fail(f"\n{difference}\n(tests/cases/run.py --bless {case.name})")

    def test_each_diagnostic_has_a_case(self):
        pages = subprocess.run([BUILD / "hermes-compile", "--explain-code", "all"], capture_output=True, text=True)
        codes = set(re.findall(r"(?:^|\n\n)([a-z0-9-]+): ", pages.stdout))
        self.assertGreater(len(codes), 60)
        told = "\n".join(expected(case, name) for case in all_cases() for name in ("diagnostics", "stdout"))
        self.assertEqual(set(), codes - set(re.findall(r"\b(?:error|warning|hint)\[([a-z0-9-]+)\]", told)))

    def test_each_mode_has_a_case(self):
        usage = subprocess.run([BUILD / "hermes-compile", "--help"], capture_output=True, text=True).stdout
        modes = set(re.findall(r"(?m)^  (--[a-z-]+)", usage.split("\nModes")[1].split("\nOptions:")[0]))
        self.assertGreater(len(modes), 6)
        commands = " ".join(expected(case, "command") for case in all_cases())
        self.assertEqual(set(), modes - set(re.findall(r"--[a-z-]+", commands)))

    def test_each_exit_status_has_a_case(self):
        self.assertEqual({expected(case, "exit") for case in all_cases()}, {f"{status}\n" for status in range(5)})

    def test_each_difference_from_hermes_has_a_case(self):
        shown = {line for case in all_cases() for line in expected(case, "readme").splitlines()}
        self.assertEqual(shown, set(table_rows("Where this differs from Hermes")))


def main(names):
    results = run_cases([CASES / name for name in names if name != "--bless"] or all_cases())
    for case, texts in results.items():
        if texts and "--bless" in names:
            bless(case, texts)
        elif texts:
            print(differences(case, texts), end="")
    return any(texts and differences(case, texts) for case, texts in results.items())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(sys.argv[1:]))
    unittest.main()
