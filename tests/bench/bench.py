"""Measures against floors and peers in the same run, and prints ratios: build/release/... must be built.
    cmake --build --preset release && python3 tests/bench/bench.py"""
import itertools, os, pathlib, resource, statistics, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from harness import BUILD, COMPILE, SHARED, Home, Watch

ROUNDS = 60
PAUSE = 0.05  # longer than the settle window: each edit finds the watcher asleep, as a person's does

PEER = pathlib.Path(__file__).with_name("peer.py")


def config(text, number):
    return text + f"\nmodel:\n  provider: xiaomi\n  api_key: sk-test-bench-{number:06}\n"


class Pipe:
    """A peer that says a byte when it is ready, and after each round."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
        self.wait()

    def wait(self):
        self.process.stdout.read(1)

    def close(self):
        self.process.kill()
        self.process.wait()


def edit(home, text, number, wait):
    fd = os.open(home.path / "config.yaml", os.O_WRONLY | os.O_TRUNC)
    os.write(fd, config(text, number).encode())
    start = time.perf_counter()
    os.close(fd)
    wait()
    return (time.perf_counter() - start) * 1000


def fresh_home(text):
    home = Home()
    home.write(".env", "XIAOMI_API_KEY=sk-test-bench-env\n")
    home.write("config.yaml", config(text, 999))
    return home


def same_results(ours, theirs):
    """That the peer did the same: the snapshot's content but for the warnings, and every entry of the pool."""
    contents = [home.snapshot()["content"] for home in (ours, theirs)]
    pools = [home.pool() for home in (ours, theirs)]
    for content in contents:
        content["warnings"] = []
    assert contents[0] == contents[1] and pools[0] == pools[1], "the peer published something else"


def reactions(name, text):
    """All of them in turn in each round, so that a slow moment of the disk is everybody's."""
    ours = fresh_home(text)
    watch = Watch(ours)
    generation = itertools.count(ours.generation() + 1)

    def next_generation():
        watch.wait(lambda status, prefix=f"generation {next(generation)},": status.startswith(prefix))

    sizes = [str(len(ours.bytes_of(file))) for file in ("compiled/snapshot.json", "auth.json")]
    homes, waits, closes, times = [ours], [next_generation], [watch.close], {}
    for peer, command in {"bare C loop": lambda home: [BUILD / "tests/floor", home, *sizes],
                          "python CSafeLoader": lambda home: ["/usr/bin/python3", PEER, home, "CSafeLoader"],
                          "python SafeLoader": lambda home: ["/usr/bin/python3", PEER, home, "SafeLoader"]}.items():
        home = fresh_home(text)
        home.compile("--quiet")
        pipe = Pipe(*command(str(home.path)))
        homes.append(home)
        waits.append(pipe.wait)
        closes.append(pipe.close)
        times[peer] = []
    names = ["hermes-watch", *times]
    for number in range(ROUNDS):
        for index, who in enumerate(names):
            times.setdefault(who, []).append(edit(homes[index], text, number, waits[index]))
            time.sleep(PAUSE)
    for close in closes:
        close()
    for home in homes[2:]:
        same_results(ours, home)
    for home in homes:
        home.close()
    medians = {who: statistics.median(values) for who, values in times.items()}
    mine = medians["hermes-watch"]
    print(f"{name}, edit to published and projected, both durable, median of {ROUNDS} rounds:")
    for who, value in medians.items():
        print(f"  {who:<20} {value:8.2f} ms  "
              f"{'' if who == 'hermes-watch' else f'ours is {mine / value:.2f} times that'}")


LOAD = "import sys, yaml; yaml.load(open(sys.argv[1]), getattr(yaml, sys.argv[2])); open(sys.argv[3]).read()"


def check(text):
    home = Home()
    path = home.write("config.yaml", text)
    env = home.write(".env", "XIAOMI_API_KEY=sk-test-bench-env\n")
    python = ["/usr/bin/python3", "-c", LOAD, path]
    commands = {"libyaml's events": [BUILD / "tests/events", path],
                "hermes-compile --check": [COMPILE, "--home", home.path, "--check", "--quiet"],
                "python CSafeLoader": [*python, "CSafeLoader", env], "python SafeLoader": [*python, "SafeLoader", env]}
    times = {name: [] for name in commands}
    for round in range(ROUNDS):
        for name, command in commands.items():
            if round >= ROUNDS // 6 and "python" in name:
                continue
            start = time.perf_counter()
            subprocess.run(command, check=True, env=home.env)
            times[name].append(time.perf_counter() - start)
    floor, ours, fast, slow = (statistics.median(values) * 1000 for values in times.values())
    print(f"whole process on {len(text)} bytes:\n  libyaml's events       {floor:8.2f} ms\n  hermes-compile --check "
          f"{ours:8.2f} ms  {ours / floor:6.2f} times\n  python CSafeLoader     {fast:8.2f} ms  ours is "
          f"{fast / ours:.0f} times faster"
          f"\n  python SafeLoader      {slow:8.2f} ms  ours is {slow / ours:.0f} times faster")
    home.close()


SECTION = """section{0}:
  # a comment as people write them, of about the usual length
  enabled: true
  name: "a name of some length {0}"
  timeout: {0}
  list: [one, two, three]
  nested:
    path: /home/user/some/where/{0}
    ratio: 0.5
    mode: auto
"""
PROVIDER = """  - name: provider-{0}
    base_url: https://host{0}.example.com/v1
    api_key: sk-test-provider-key-{0:08}
"""


def charged(home, *options):
    """Processor time in seconds and peak of memory in bytes of one hermes-compile."""
    done = subprocess.run([BUILD / "tests/usage", COMPILE, "--home", home.path, "--quiet", *options], env=home.env,
                          check=True, stderr=subprocess.PIPE, text=True)
    micros, kilobytes = done.stderr.split()[-2:]
    return int(micros) / 1e6, int(kilobytes) * 1024


def scale(name, text, env, base=None):
    """One --check, its time for each byte of the sources and its memory as a multiple of them; then the first
    publish."""
    home = Home()
    home.write("config.yaml", text)
    home.write(".env", env)
    size = len(text) + len(env)
    best = min(charged(home, "--check") for _ in range(5))
    first = charged(home)
    home.close()
    each = best[0] / size
    print(f"| {name} | {size / 1e6:.1f} MB | {best[0] * 1000:.0f} ms | {each * 1e9:.0f} ns | "
          f"{each / (base or each):.2f} | "
          f"{best[1] / size:.1f} | {first[0] * 1000:.0f} ms | {first[1] / size:.1f} |")
    return each


def scales():
    print("| sources | size | --check | a byte | times the first of its kind | memory, "
          "times the size | published | its memory |"
          "\n| --- |" + " --- |" * 7)
    base = None
    for megabytes in (1, 4, 15.5):
        count = int(megabytes * 1e6 / len(SECTION.format(10000)))
        each = scale(f"configuration of {count:,} sections", "".join(SECTION.format(i) for i in range(count)), "", base)
        base = base or each
    base = None
    for count in (1000, 10000):
        text = "custom_providers:\n" + "".join(PROVIDER.format(i) for i in range(count))
        each = scale(f"{count:,} custom providers", text, "", base)
        base = base or each
    base = None
    for count in (10000, 100000):
        env = "".join(f"VARIABLE_{i:06}=value-{i:08}\n" for i in range(count))
        each = scale(f"{count:,} variables", "model: x\n", env, base)
        base = base or each


real = SHARED / "data/config-real.yaml"
text = real.read_text().replace("\nmodel:\n", "\nmodel_example:\n") if real.exists() else ""
reactions("a small configuration", "")
if text:
    reactions("the 79 KB configuration", text)
    check(real.read_text())
else:
    print("SKIP: no ../shared/data here, so no 79 KB configuration")
reactions("75 KB of values, few comments", "".join(SECTION.format(i) for i in range(300)))
scales()
