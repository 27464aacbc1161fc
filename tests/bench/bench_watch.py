"""From a save to what was published, beside every other way to have it done: a table for the README. All of them in
turn in each round, so that a slow moment of the machine is everybody's; each has a home of its own.
    cmake --build --preset release && python3 tests/bench/bench_watch.py [EDITS [IDLE_SECONDS]]"""
import os, pathlib, re, select, shutil, signal, statistics, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from harness import BUILD, COMPILE, Home, Watch

EDITS, IDLE = (int(n) for n in [*sys.argv[1:], *(200, 60)[len(sys.argv) - 1:]])
PAUSE = 0.06  # longer than the settle window: each edit finds everybody asleep, as a person's does
LOST = 3.0    # seconds after which an edit counts as not seen

COMPILES = f'"{COMPILE}" --quiet --home "$1" 2>/dev/null && echo .'
LOOP = (f'inotifywait -m -q -e close_write,moved_to --format %f "$1" | while read -r name; do '
        f'[ "$name" != config.yaml ] || {{ {COMPILES}; }}; done')
ENTR = f'echo "$1/config.yaml" | entr -n -p sh -c \'{COMPILES}\' sh "$1"'
WATCHMAN = f'watchman-wait -m 0 -p config.yaml -- "$1" | while read -r name; do {COMPILES}; done'
WATCHDOG = """
import subprocess, sys
from watchdog.observers import Observer
from watchdog.events import FileSystemEventHandler
class Handler(FileSystemEventHandler):
    def on_closed(self, event):
        if event.src_path.endswith("/config.yaml"):
            subprocess.run([sys.argv[2], "--quiet", "--home", sys.argv[1]], stderr=subprocess.DEVNULL)
            print(flush=True)
observer = Observer(); observer.schedule(Handler(), sys.argv[1]); observer.start(); observer.join()
"""


def config(number):
    return f"model:\n  provider: xiaomi\n  api_key: sk-test-bench-{number:06}\n"


def fresh_home():
    home = Home()
    home.write(".env", "XIAOMI_API_KEY=sk-test-bench-env\n")
    home.write("config.yaml", config(999999))
    home.compile("--quiet")
    return home


class Peer:
    """Says a line, or at least a byte, after each publish."""

    def __init__(self, *command):
        self.home = fresh_home()
        sizes = [str(len(self.home.bytes_of(name))) for name in ("compiled/snapshot.json", "auth.json")]
        command = [{"HOME": str(self.home.path), "SIZES": None}.get(word, word) for word in command]
        command = [word for item in command for word in (sizes if item is None else [item])]
        self.process = subprocess.Popen(command, env=self.home.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        stdin=subprocess.DEVNULL, bufsize=0, start_new_session=True)

    def heard(self, seconds):
        """Everything that was said until now, or the first thing said within SECONDS."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return False
        return len(os.read(self.process.stdout.fileno(), 65536)) > 0

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own: the shell and what it started
        self.process.wait()
        self.home.close()


class Ours:
    def __init__(self):
        self.home = fresh_home()
        self.watch = Watch(self.home)
        self.watch.socket.settimeout(None)
        self.generation = self.home.generation()

    def heard(self, seconds):
        """Of a new generation: a status may also tell of drift, at any time."""
        end = time.perf_counter() + seconds
        while select.select([self.watch.socket], [], [], max(end - time.perf_counter(), 0))[0]:
            said = re.search(rb"STATUS=generation (\d+),", self.watch.socket.recv(65536))
            if said and int(said[1]) > self.generation:
                self.generation = int(said[1])
                return True
        return False

    def close(self):
        self.watch.close()
        self.home.close()


def peers():
    shell = lambda script: ("sh", "-c", script, "sh", "HOME")
    yield "a bare C loop, which parses nothing", Peer(BUILD / "tests/floor", "HOME", "SIZES")
    yield "hermes-watch", Ours()
    for name, tool, command in (("`inotifywait -m` and `hermes-compile`", "inotifywait", shell(LOOP)),
                                ("`entr` and `hermes-compile`", "entr", shell(ENTR)),
                                ("`watchman-wait` and `hermes-compile`", "watchman-wait", shell(WATCHMAN))):
        if shutil.which(tool):
            yield name, Peer(*command)
        else:
            print(f"SKIP: {tool} is not installed")
    if subprocess.run(["/usr/bin/python3", "-c", "import watchdog"], capture_output=True).returncode == 0:
        yield "Python's watchdog and `hermes-compile`", Peer("/usr/bin/python3", "-c", WATCHDOG, "HOME", str(COMPILE))
    else:
        print("SKIP: python3-watchdog is not installed")


def edit(peer, number):
    while peer.heard(0):
        pass
    fd = os.open(peer.home.path / "config.yaml", os.O_WRONLY | os.O_TRUNC)
    os.write(fd, config(number).encode())
    start = time.perf_counter()
    os.close(fd)
    seen = peer.heard(LOST)
    return (time.perf_counter() - start) * 1000 if seen else None


def reactions():
    all_peers = dict(peers())
    times = {name: [] for name in all_peers}
    time.sleep(2)  # until each of them watches
    for number in range(EDITS):
        for name, peer in all_peers.items():
            times[name].append(edit(peer, number))
            time.sleep(PAUSE)
    for peer in all_peers.values():
        peer.close()
    floor = statistics.median(t for t in times["a bare C loop, which parses nothing"] if t is not None)
    print(f"\n| from a save to published, both files durable, {EDITS} edits each | median | p99 | times the bare loop "
          "| not seen |\n"
          "| --- | --- | --- | --- | --- |")
    for name, values in times.items():
        seen = sorted(t for t in values if t is not None)
        if not seen:
            print(f"| {name} | - | - | - | {EDITS} |")
            continue
        median, p99 = statistics.median(seen), seen[min(len(seen) - 1, int(len(seen) * 0.99))]
        print(f"| {name} | {median:.2f} ms | {p99:.1f} ms | {median / floor:.1f} | {EDITS - len(seen)} |")


def idle():
    ours = Ours()
    ours.heard(3)
    proc = pathlib.Path(f"/proc/{ours.watch.process.pid}")
    switches = lambda: sum(int(line.split()[1]) for line in (proc / "status").read_text().splitlines()
                           if "ctxt" in line)
    before = switches()
    time.sleep(IDLE)
    pss = next(int(line.split()[1]) for line in (proc / "smaps_rollup").read_text().splitlines()
               if line.startswith("Pss:"))
    print(f"\nidle for {IDLE} s: woken {switches() - before} times, PSS {pss / 1024:.2f} MB")
    ours.close()


reactions()
idle()
