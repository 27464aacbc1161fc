#!/usr/bin/env python3
"""Each *.txt beside this file is a journey: what a person types into one or two terminals, and what these show.

    # ...           what the person is up to
    one$ command    typed into terminal `one` (any name will do); done when the prompt is there again
    one& command    typed, and left running
    one? text       waits until the terminal shows it
    one^            Ctrl-C; done when the prompt is there again
    one| ...        what the terminal shows of all that: compared, or written by --bless

Terminals are ptys of 24 lines and 120 columns with bash in them, in a user's empty HOME; `$BUILD` has the programs,
which are in PATH, `$SOURCE` is this checkout. systemctl and loginctl are stubs that say what they are asked for. Times
and ids of processes are written as TIME and PID.

    tests/journeys/run.py [JOURNEY...]            compares
    tests/journeys/run.py --bless [JOURNEY...]    writes down what came out; `git diff` shows what that changes
"""
import difflib, fcntl, os, pathlib, pty, re, select, shutil, signal, struct, sys, tempfile, termios, time, unittest

JOURNEYS = pathlib.Path(__file__).parent
sys.path.insert(0, str(JOURNEYS.parent / "system"))
from harness import BUILD, PATIENCE

REPO = JOURNEYS.parents[1]
PROMPT = "\x1b]0;ready\x07"  # a terminal takes it for its title
STUB = '#!/bin/sh\necho "(${0##*/} $*)"\n'
RC = f"""PS1='\\[\\e]0;ready\\a\\]$ ' PS2='> '
unset HISTFILE PROMPT_COMMAND
stty -echoctl
"""


class Terminal:
    def __init__(self, place):
        self.seen, self.shown = "", ""
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.chdir(place.user)
            os.execve("/bin/bash", ["bash", "--noprofile", "--noediting", "--rcfile", place.rc, "-i"], place.env)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        self.wait(PROMPT)
        self.seen = ""

    def read(self, deadline):
        if not select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
            raise TimeoutError(f"the terminal shows only:\n{plain(self.seen)}")
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        if not data:
            raise EOFError(f"the shell ended:\n{plain(self.seen)}")
        self.seen += data.decode(errors="replace")

    def wait(self, text):
        """Until TEXT is there; what stands behind its line is left for later."""
        deadline = time.monotonic() + PATIENCE
        while text not in (self.seen if text == PROMPT else plain(self.seen)):
            self.read(deadline)

    def type(self, text):
        os.write(self.master, text.encode())

    def take(self, until=None):
        """What is shown and was not taken, to the line with UNTIL."""
        lines = plain(self.seen).split("\n")
        number = next((i for i, line in enumerate(lines) if until and until in line), len(lines) - 1)
        self.seen = "\n".join(lines[number + 1:]) if until else ""
        return [line.rstrip() for line in lines[:number + 1]]

    def close(self):
        os.close(self.master)
        try:
            os.kill(self.process, signal.SIGHUP)
        except ProcessLookupError:
            pass
        os.waitpid(self.process, 0)


def plain(text):
    """TEXT without what steers a terminal."""
    return re.sub(r"\x1b\][^\x07]*\x07|\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)


class Place:
    """A user's HOME, stubs, and the programs."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hermes-journey-")).resolve()
        self.user = self.root / "user"
        self.rc = str(self.root / "rc")
        stubs = self.root / "stubs"
        for folder in (self.user, stubs):
            folder.mkdir(mode=0o700)
        pathlib.Path(self.rc).write_text(RC)
        for name in ("systemctl", "loginctl"):
            (stubs / name).write_text(STUB)
            (stubs / name).chmod(0o755)
        self.env = {"PATH": f"{stubs}:{BUILD}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.user), "USER": "user",
                    "LANG": "C.UTF-8", "TERM": "xterm", "TZ": "UTC", "BUILD": str(BUILD), "SOURCE": str(REPO),
                    "HERMES_MANAGED_DIR": str(self.root / "managed"), "GIT_CONFIG_NOSYSTEM": "1", "PAGER": "cat",
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=0")}

    def normal(self, line):
        for path, name in ((self.user, "/home/user"), (BUILD, "/build"), (REPO, "/source"), (self.root, "/root")):
            line = line.replace(str(path), name)
        line = re.sub(r"\b(process|pid) \d+", r"\1 PID", line)
        return re.sub(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?", "TIME", line)

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


def act(terminal, sign, text):
    """What the terminal shows of one step."""
    if sign == "?":
        terminal.wait(text)
        return terminal.take(until=text)
    terminal.type("\x03" if sign == "^" else text + "\n")
    if sign == "&":
        return []
    terminal.wait(PROMPT)
    shown = terminal.take()
    return [line for number, line in enumerate(shown) if line not in ("$", "$ ") and not (number == 0 and text in line)]


def travel(journey):
    """The journey with what its terminals show now."""
    place, terminals, out = Place(), {}, []
    try:
        for line in journey.read_text().splitlines():
            step = re.match(r"(\w+)([$&?^|])(?: (.*))?$", line)
            if step is None:
                out.append(line)
                continue
            name, sign, text = step[1], step[2], step[3] or ""
            if sign == "|":
                continue
            out.append(line)
            terminal = terminals.get(name) or terminals.setdefault(name, Terminal(place))
            out += [f"{name}| {place.normal(shown)}".rstrip() for shown in act(terminal, sign, text)]
        return "\n".join(out) + "\n"
    finally:
        for terminal in terminals.values():
            terminal.close()
        place.close()


class Journeys(unittest.TestCase):
    maxDiff = None

    def test_each_shows_what_it_did(self):
        journeys = sorted(JOURNEYS.glob("*.txt"))
        self.assertGreater(len(journeys), 6)
        for journey in journeys:
            with self.subTest(journey.stem):
                if " git " in journey.read_text() and shutil.which("git") is None:
                    print(f"SKIP {journey.stem}: git is not installed")
                    continue
                shown = travel(journey)
                difference = "\n".join(difflib.unified_diff(journey.read_text().splitlines(), shown.splitlines(),
                                                            journey.name, "now", lineterm=""))
                self.assertEqual(difference, "", f"\n{difference}\n(tests/journeys/run.py --bless {journey.stem})")


if __name__ == "__main__":
    if "--bless" in sys.argv:
        names = [name for name in sys.argv[1:] if name != "--bless"]
        for name in names or sorted(path.stem for path in JOURNEYS.glob("*.txt")):
            (JOURNEYS / f"{name}.txt").write_text(travel(JOURNEYS / f"{name}.txt"))
    else:
        unittest.main()
