"""Measures against floors and peers in the same run, and prints ratios: build/release/... must be built.
    cmake --build --preset release && python3 tests/bench/bench.py"""
import os, pathlib, statistics, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from harness import BUILD, COMPILE, SHARED, Home, Watch

ROUNDS = 60
PAUSE = 0.05  # longer than the settle window: each edit finds the watcher asleep, as a person's does

PYTHON = """
import os, sys, yaml
from watchdog.observers import Observer
from watchdog.events import FileSystemEventHandler
home, loader, snapshot, pool = sys.argv[1], getattr(yaml, sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
def replace(name, size):
    with open(home + "/peer.tmp", "wb") as file:
        file.write(b"x" * size); file.flush(); os.fsync(file.fileno())
    os.rename(home + "/peer.tmp", home + "/" + name)
    fd = os.open(home, os.O_RDONLY); os.fsync(fd); os.close(fd)
class Handler(FileSystemEventHandler):
    def on_closed(self, event):
        if not event.src_path.endswith("config.yaml"): return
        yaml.load(open(event.src_path), loader); open(home + "/.env").read()
        replace("peer-1", snapshot); replace("peer-2", pool)
        os.write(1, b".")
observer = Observer(); observer.schedule(Handler(), home); observer.start(); os.write(1, b"."); observer.join()
"""


def config(text, number):
    return text + f"\nmodel:\n  provider: xiaomi\n  api_key: sk-test-bench-{number:06}\n"


def reaction(home, text, wait):
    times = []
    for number in range(ROUNDS):
        data = config(text, number).encode()
        fd = os.open(home.path / "config.yaml", os.O_WRONLY | os.O_TRUNC)
        os.write(fd, data)
        start = time.perf_counter()
        os.close(fd)
        wait()
        times.append(time.perf_counter() - start)
        time.sleep(PAUSE)
    return statistics.median(times) * 1000


def by_pipe(home, text, command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
    process.stdout.read(1)
    try:
        return reaction(home, text, lambda: process.stdout.read(1))
    finally:
        process.kill()
        process.wait()


def reactions(name, text):
    home = Home()
    home.write(".env", "XIAOMI_API_KEY=sk-test-bench-env\n")
    home.write("config.yaml", config(text, 999))
    watch = Watch(home)
    ours = reaction(home, text, lambda: watch.wait(lambda status: status.startswith("generation")))
    watch.close()
    sizes = [str(len(home.bytes_of(file))) for file in ("compiled/snapshot.json", "auth.json")]
    floor = by_pipe(home, text, [BUILD / "tests/floor", home.path, *sizes])
    print(f"{name}, edit to published and projected, both durable:\n  bare C loop          {floor:8.2f} ms"
          f"\n  hermes-watch         {ours:8.2f} ms  {ours / floor:6.2f} times the floor")
    for loader in ("CSafeLoader", "SafeLoader"):
        peer = by_pipe(home, text, ["/usr/bin/python3", "-c", PYTHON, home.path, loader, *sizes])
        print(f"  python {loader:<13} {peer:8.2f} ms  ours is {ours / peer:.3f} of it")
    home.close()


def check(text):
    home = Home()
    path = home.write("config.yaml", text)
    commands = {"libyaml's events": [BUILD / "tests/events", path],
                "hermes-compile --check": [COMPILE, "--home", home.path, "--check", "--quiet"]}
    times = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, env=home.env)
            times[name].append(time.perf_counter() - start)
    floor, ours = (statistics.median(values) * 1000 for values in times.values())
    print(f"whole process on {len(text)} bytes:\n  libyaml's events       {floor:8.2f} ms\n  hermes-compile --check "
          f"{ours:8.2f} ms  {ours / floor:6.2f} times")
    home.close()


real = SHARED / "data/config-real.yaml"
text = real.read_text().replace("\nmodel:\n", "\nmodel_example:\n") if real.exists() else ""
reactions("a small configuration", "")
if text:
    reactions("the 79 KB configuration", text)
    check(real.read_text())
else:
    print("SKIP: no ../shared/data here, so no 79 KB configuration")
