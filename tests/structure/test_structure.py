#!/usr/bin/env python3
"""The order of the folders in .floors holds: for includes, because the compiler refuses one that runs up, and for
calls, because no file reaches above its folder and no two files of a component call each other. And what a reader
counts on: short functions, public functions that carry the name of their header.

What is not true yet stands in `known`, a line each. That list only shrinks: a line that is true no longer fails, too,
and `test_structure.py --shrink` takes it out.
"""
import functools, json, os, pathlib, re, shlex, shutil, statistics, subprocess, sys, unittest

REPO = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("HERMES_BUILD", REPO / "build/release"))
COMPONENTS = "schema", "runtime", "compiler", "watcher"
LONGEST, MEDIAN, COLUMNS = 70, 10, 120
FORMATTER = "14"  # the major version of clang-format that the sources are laid out with: Debian 12's


class Shrinking(unittest.TestCase):
    list, shrink = pathlib.Path(__file__).with_name("known"), False

    def assert_known(self, kind, found, told=""):
        """FOUND is what `known` lists for KIND, no more and no less."""
        found, lines = {f"{kind} {each}" for each in found}, self.list.read_text().splitlines()
        gone = {line for line in lines if line.startswith(kind + " ")} - found
        if self.shrink:
            self.list.write_text("".join(line + "\n" for line in lines if line not in gone))
            gone = set()
        self.assertFalse(found - set(lines), f"not allowed:\n" + "\n".join([*sorted(found - set(lines)), told]))
        self.assertFalse(gone, "true no longer (--shrink takes it out of tests/structure/known)")


def read_floors():
    """folder -> the folders it names, low to high; and the arrows that still run up, as (folder, higher folder)."""
    floors, arrows = {}, []
    for line in (REPO / ".floors").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            folder, below = (part.strip() for part in line.split(":"))
            floors[folder] = [name for name in below.split() if not name.startswith("^")]
            arrows += [(folder, name[1:]) for name in below.split() if name.startswith("^")]
    return floors, arrows


FLOORS, ARROWS = read_floors()


@functools.cache
def reach(folder):
    """The folders whose headers FOLDER may include, itself among them."""
    return {folder}.union(*(reach(below) for below in FLOORS[folder]))


@functools.cache
def compile_commands():
    """source, from the top of the repository -> (its command, its object)."""
    commands = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        source = pathlib.Path(entry["file"]).relative_to(REPO).as_posix()
        commands[source] = words, pathlib.Path(entry["directory"]) / words[words.index("-o") + 1]
    return commands


def sources(suffix, folders=COMPONENTS):
    return sorted(path for folder in folders for path in (REPO / folder).rglob("*" + suffix)
                  if "node_modules" not in path.parts)


class Includes(Shrinking):
    def compiles(self, folder, header):
        """Whether a file in FOLDER that includes HEADER compiles, with the flags of a real file there."""
        command = next(words for source, (words, _) in compile_commands().items()
                       if os.path.dirname(source) == folder and not os.path.basename(source).startswith("hermes-"))
        command = command[:command.index("-o")] + ["-fsyntax-only", "-x", "c", "-"]
        done = subprocess.run(command, input=f'#include "{header}"\n', text=True, capture_output=True, cwd=BUILD)
        self.assertTrue(done.returncode == 0 or f"{header}: No such file" in done.stderr
                        or f"'{header}' file not found" in done.stderr, done.stderr)
        return done.returncode == 0

    def test_every_folder_has_its_floor(self):
        folders = {path.parent.relative_to(REPO).as_posix() for path in sources(".c")} - {"runtime", "runtime/examples"}
        self.assertEqual(folders, set(FLOORS), "folders with sources, and those of .floors")

    def test_no_arrow_runs_up(self):
        self.assert_known("arrow", {f"{low} ^{high}" for low, high in ARROWS})

    def test_an_include_that_runs_up_does_not_compile(self):
        headers = {folder: sorted((REPO / folder).glob("*.h"))[0].name for folder in FLOORS}
        for low in FLOORS:
            for high in FLOORS:
                if high not in reach(low) and (low, high) not in ARROWS:
                    self.assertFalse(self.compiles(low, headers[high]), f"{low} may include {high}/{headers[high]}")
            for below in FLOORS[low]:  # the other way it does, so it is the direction that is refused
                self.assertTrue(self.compiles(low, headers[below]), f"{low} may not include {below}/{headers[below]}")

    def test_no_include_walks_around_it(self):
        for path in sources(".[ch]"):
            self.assertNotRegex(path.read_text(), r'#include "[^"]*/', path)


@functools.cache
def symbols():
    """source -> (the global names it defines, those it wants), as its object has them."""
    tables = {}
    for source, (_, made) in compile_commands().items():
        folder = os.path.dirname(source)
        if folder not in FLOORS or not made.exists() or os.path.basename(source).startswith("hermes-"):
            continue  # what is called hermes-* is a program, above all folders
        lines = subprocess.run(["nm", made], text=True, capture_output=True, check=True).stdout.splitlines()
        words = [line.split() for line in lines]
        tables[source] = ({w[-1] for w in words if w[-2] in "TDBRVWC"}, {w[-1] for w in words if w[-2] == "U"})
    return tables


def component(source):
    return source.split("/")[0]


def homes():
    """name -> the sources that define it."""
    found = {}
    for source, (defined, _) in symbols().items():
        for name in defined - {"main"}:
            found.setdefault(name, []).append(source)
    return found


def calls():
    """caller -> {callee: the symbols}, between files of the components."""
    home, graph = homes(), {source: {} for source in symbols()}
    for source, (_, wanted) in symbols().items():
        for name in wanted & home.keys():
            callee = min(home[name], key=lambda other: component(other) != component(source))
            graph[source].setdefault(callee, set()).add(name)
    return graph


def circles(graph):
    """Sets of files each of which reaches all others of its set."""
    def reached(start):
        seen, todo = set(), [start]
        while todo:
            for callee in graph[todo.pop()]:
                if callee not in seen:
                    seen.add(callee)
                    todo.append(callee)
        return seen

    all_reached = {source: reached(source) for source in graph}
    return {frozenset(other for other in all_reached[source] if source in all_reached[other])
            for source in graph if source in all_reached[source]}


class Calls(Shrinking):
    @classmethod
    def setUpClass(cls):
        cls.graph = calls()

    def test_there_are_objects(self):
        """One for each source, or the rest proves nothing."""
        missing = {path.relative_to(REPO).as_posix() for path in sources(".c")} - self.graph.keys()
        self.assertEqual({path for path in missing if os.path.dirname(path) in FLOORS and "/hermes-" not in path},
                         set())

    def test_a_circle_is_seen(self):
        self.assertEqual(circles({"a": {"b": {"f"}}, "b": {"c": {"g"}}, "c": {"b": {"h"}}, "d": {}}), {frozenset("bc")})

    def test_no_two_files_call_each_other(self):
        told = []
        found = set()
        for circle in sorted(circles(self.graph), key=sorted):
            found |= circle
            told.append("circle of " + ", ".join(sorted(circle)))
            told += [f"    {caller} -> {callee}: {', '.join(sorted(names))}" for caller in sorted(circle)
                     for callee, names in sorted(self.graph[caller].items()) if callee in circle]
        self.assert_known("circle", {f"{component(source)}/{os.path.basename(source)}" for source in found},
                          "\n".join(told))

    def test_a_name_is_defined_once(self):
        self.assert_known("twice", {name for name, where in homes().items() if len(where) > 1})

    def test_no_call_runs_up(self):
        for caller, callees in self.graph.items():
            low = os.path.dirname(caller)
            for callee, names in callees.items():
                high = os.path.dirname(callee)
                self.assertTrue(high in reach(low) or (low, high) in ARROWS, f"{caller} -> {callee}: {names}")


def functions(text):
    """(name, lines) of each function; .clang-format puts the braces of a body, and no others, alone at column 0."""
    lines = text.split("\n")
    for begin, line in enumerate(lines):
        if line == "{":
            first = begin
            while first > 0 and lines[first - 1] and not re.search(r"[;}/]$|^#", lines[first - 1]):
                first -= 1
            yield re.search(r"(\w+)\(", lines[first])[1], lines.index("}", begin) - first + 1


PROTOTYPE = r"^(?!#|typedef|static)[\w\s*]*?\b(\w+)\((?!\*)"


# Functions whose answer may be left alone, and why.
UNCHECKED = {
    "diagnostic_add": "what was said, for who has more to say of it",
    "diagnostic_add_as": "likewise",
    "yaml_loader_refuse": "likewise",
    "draft_add_key": "the key, for who has more to say of it",
    "json_span_number": "what stood in *RET stays there",
    "json_token_skip": "the next token fails, too",
    "http_child_ended": "whoever waits for the end knows the answer",
    "references_expand": "whether the pair is another one now, for who keeps the old ones",
    "watch_client_update": "news, for who goes on with what it watches",
    "watch_add": "what others ask of an inode is asked again by them",
    "cooldowns_parse": "a memory: what is wrong in it is left out",
    "bookings_put": "this process knows it, whatever happens to the file",
}


def to_be_checked(text):
    """name -> whether it is marked, of each prototype that answers with an error, with whether it succeeded in changing
    something, or with something that is the caller's."""
    found = {}
    form = r"^(?!typedef|static|extern|#)(\w[\w ]*?[ *]+)(\w+)\(([^;{]*?)\)([^;{()]*(?:\(\([^;{]*)?);"
    for match in re.finditer(form, text, re.M):
        answer, name, parameters, rest = (" ".join(part.split()) for part in match.groups())
        only_read = r"\(\*.*?\)\(.*?\)|const (?:struct |enum |unsigned )?\w+ \*(?:const \*)?"
        changes = re.search(r"[*\[]", re.sub(only_read, "", parameters))
        if (answer in ("int", "ssize_t") or (answer == "bool" and changes)
                or (answer.endswith("*") and not answer.startswith("const "))):
            found[name] = "MUST_CHECK" in rest
    return found


def carries(name, stem):
    words, wanted = name.split("_"), "hermes" if stem == "hermes_runtime" else stem
    wanted = wanted.split("_")
    return [word.rstrip("s") for word in words[:len(wanted)]] == [word.rstrip("s") for word in wanted]


def texts():
    """What people write here line by line: sources, scripts, what CMake reads."""
    named = [REPO / name for name in ("CMakeLists.txt", "run", "test", ".floors", ".ci/packages")]
    found = [path for suffix in (".c", ".h", ".def", ".py", ".cmake", ".cmake.in", "CMakeLists.txt")
             for path in sources(suffix, (*COMPONENTS, "tests", ".cmake"))]
    scripts = [path for folder in (".ci", ".cmake", ".github", "tests") for path in (REPO / folder).rglob("*")
               if path.suffix == "" and path.is_file() and path.read_bytes()[:2] == b"#!"]
    return named + found + scripts


class Text(Shrinking):
    def test_lines_fit(self):
        paths = texts()
        self.assertGreater(len(paths), 500)
        self.assertEqual([], [f"{path.relative_to(REPO)}:{number}" for path in paths
                              for number, line in enumerate(path.read_text().split("\n"), 1) if len(line) > COLUMNS])

    def test_sources_are_laid_out_as_the_formatter_does_it(self):
        tool = shutil.which("clang-format")
        version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else ""
        if f"version {FORMATTER}." not in version:
            self.skipTest(f"SKIP: clang-format {FORMATTER} is not installed")
        done = subprocess.run([tool, "--dry-run", "-Werror", *sources(".[ch]", (*COMPONENTS, "tests"))],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr[:3000])

    def test_every_path_in_the_guide_is_there(self):
        text = (REPO / ".github/CONTRIBUTING.md").read_text()
        paths = set(re.findall(r"(?:schema|runtime|compiler|watcher|tests)/[\w./-]*\w|\.floors", text))
        self.assertGreater(len(paths), 30)
        self.assertEqual(set(), {path for path in paths if not (REPO / path).exists()})

    def test_functions_are_short(self):
        lengths = []
        for path in sources(".c"):
            for name, count in functions(path.read_text()):
                self.assertLessEqual(count, LONGEST, f"{path}: {name}")
                lengths.append(count)
        self.assertGreater(len(lengths), 1000)
        self.assertLessEqual(statistics.median(lengths), MEDIAN)

    def test_what_has_to_be_looked_at_is_marked(self):
        """But for the functions of the runtime library, which is a guest in other programs, and what lies below it."""
        marks = {name: marked for path in sources(".h", ("runtime", "compiler", "watcher"))
                 if path.name != "hermes_runtime.h" for name, marked in to_be_checked(path.read_text()).items()}
        self.assertGreater(len(marks), 150)
        self.assertEqual({name for name, marked in marks.items() if not marked}, set(UNCHECKED))

    def test_public_functions_carry_the_name_of_their_header(self):
        """Or that of their own file, where one header speaks for several; or of their folder. One or many is the
        same."""
        strays = set()
        for path in sources(".h"):
            folder = path.parent
            for name in re.findall(PROTOTYPE, path.read_text(), re.M):
                files = [source for source in homes().get(name, ()) if (REPO / source).parent == folder]
                stems = {path.stem, folder.name}.union(pathlib.Path(source).stem for source in files)
                if files and not any(carries(name, stem) for stem in stems):
                    strays.add(name)
        self.assert_known("name", strays)


if __name__ == "__main__":
    Shrinking.shrink = "--shrink" in sys.argv
    unittest.main(argv=[word for word in sys.argv if word != "--shrink"])
