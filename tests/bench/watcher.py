"""Measures hermes-watch as a daemon: build/release must be built.
    python3 tests/bench/watcher.py [homes] [storm] [soak [EDITS]] [idle [SECONDS]]      all of them when none is named
homes: an edit among 200 homes of one process, against an edit of a process with one home, in turn.
storm: 10,000 saves in a second: what they cost, and that the last one is published.
soak:  EDITS edits (a million takes less than an hour; 20,000 unless told): memory and descriptors all the way.
idle:  system calls in SECONDS (60 unless told), and PSS."""
import os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from harness import Home, Watch

tempfile.tempdir = "/var/tmp"  # /tmp is everybody's: what others do there wakes a watcher of a home in it

PAUSE = 0.05  # longer than the settle window, as a person's edits are


def config(number):
    return f"model:\n  provider: xiaomi\n  api_key: sk-test-watcher-{number:08}\n"


def save(path, text):
    with open(path, "w") as file:
        file.write(text)


def smaps(watch, name):
    lines = pathlib.Path(f"/proc/{watch.process.pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def cpu(watch):
    fields = pathlib.Path(f"/proc/{watch.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def key_in_force(home):
    return home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]["secret"]


def many(count):
    home, arguments = Home(), []
    for i in range(count):
        (home.path / str(i)).mkdir(mode=0o700)
        save(home.path / str(i) / "config.yaml", config(i))
        arguments += ["--home", home.path / str(i)]
    return home, Watch(home, *arguments)


def homes():
    pairs = {count: many(count) for count in (1, 200)}
    times = {count: [] for count in pairs}
    for number in range(200):
        for count, (home, watch) in pairs.items():
            file = open(home.path / "0/config.yaml", "w")
            file.write(config(1000 + number))
            file.flush()
            start = time.perf_counter()
            file.close()
            watch.wait(lambda status: f"generation {number + 2}," in status)
            times[count].append((time.perf_counter() - start) * 1000)
            time.sleep(PAUSE)
    one, all_of_them = (sorted(values) for values in times.values())
    print(f"an edit, save to published, 200 rounds in turn:\n  1 home     median {statistics.median(one):7.2f} ms  p99 "
          f"{one[197]:7.2f} ms  PSS {smaps(pairs[1][1], 'Pss')} KB\n"
          f"  200 homes  median {statistics.median(all_of_them):7.2f} ms"
          f"  p99 {all_of_them[197]:7.2f} ms  PSS {smaps(pairs[200][1], 'Pss')} KB\n  200 homes cost "
          f"{statistics.median(all_of_them) / statistics.median(one):.2f} times what one costs")
    for home, watch in pairs.values():
        watch.close()
        home.close()


def single():
    home = Home()
    save(home.path / "config.yaml", config(0))
    return home, Watch(home)


def storm():
    tempfile.tempdir = "/dev/shm"  # a disk would slow the saves down
    home, watch = single()
    for name, size in (("the same text", 1), ("another text each time", 10000)):
        texts = [config(number) for number in range(1, size + 1)]
        before, start = cpu(watch), time.perf_counter()
        for number in range(10000):
            save(home.path / "config.yaml", texts[number % size])
            while time.perf_counter() < start + number / 10000:
                pass
        spent = time.perf_counter() - start
        last = f"sk-test-watcher-{size:08}"
        while key_in_force(home) != last:
            watch.wait(lambda status: True)
        print(f"10,000 saves of {name} in {spent:.2f} s: {(cpu(watch) - before) / spent * 100:.1f} % of a core; "
              "the last is in force,"
              f" generation {home.generation()}")
    watch.close()
    home.close()
    tempfile.tempdir = "/var/tmp"


def soak(edits):
    """Without a settle window, and where nothing waits for a disk: a million takes less than an hour."""
    tempfile.tempdir = "/dev/shm"
    home, marks = Home(), []
    hurried = "hermes_watch:\n  settle_ms: 0\n"
    save(home.path / "config.yaml", hurried + config(0))
    watch = Watch(home, "--quiet", "--home", home.path)
    for number in range(1, edits + 1):
        save(home.path / "config.yaml", hurried + config(number))
        watch.wait(lambda status: f"generation {number + 1}," in status)
        home.printed = b""
        if number % max(edits // 10, 1) == 0:
            time.sleep(2)  # everything that follows an edit is done
            marks.append((number, smaps(watch, "Pss"), smaps(watch, "Private_Dirty"),
                          len(os.listdir(f"/proc/{watch.process.pid}/fd"))))
            print("edits, PSS, private memory (KB), descriptors:", *marks[-1], flush=True)
    watch.close()
    home.close()
    tempfile.tempdir = "/var/tmp"


def idle(seconds):
    home, watch = single()
    time.sleep(10)  # status.json is written, drift is looked at
    trace = home.root / "trace"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, "-p", str(watch.process.pid)])
    time.sleep(seconds)
    tracer.terminate()
    tracer.wait()
    calls = [line for line in trace.read_text().splitlines() if "epoll_wait(" not in line and "<detached" not in line]
    print(f"idle for {seconds} s: {len(calls)} system calls; PSS {smaps(watch, 'Pss')} KB, "
          f"RSS {smaps(watch, 'Rss')} KB")
    watch.close()
    home.close()


def main(words):
    known = {"homes": homes, "storm": storm, "soak": lambda: soak(20000), "idle": lambda: idle(60)}
    if len(words) == 2 and words[1].isdigit():
        {"soak": soak, "idle": idle}[words[0]](int(words[1]))
        return
    for word in words or known:
        if word == "idle" and not shutil.which("strace"):
            print("SKIP idle: there is no strace")
        else:
            known[word]()


if __name__ == "__main__":
    main(sys.argv[1:])
