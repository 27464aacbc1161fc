#!/usr/bin/env python3
"""What a fleet costs, in one run on loopback with three real members of etcd: tests/bench/fleet.py [--short] [HOMES...]

    push        `hermes-fleet push` begins -> a snapshot of it is published, in each of N homes, a hermes-watch each
    etcdctl     the same with `etcdctl watch` that runs `etcdctl get` and hermes-compile; N processes
    cooldown    a gateway in one home reports a 429 -> each other home knows
    idle        of one child: memory of its own, and how often it wakes up; of etcd, per machine: processor time

Figures of one machine that does everything: N homes, three members and the loop that watches them share its cores. The
members' data lies in the folder for temporary files, the homes lie in memory: of N machines each has a disk of its own,
and one ext4 looks at each file that was removed in the last minute whenever it makes one. A round begins when what the
one before left to do is done. Rows named disk: one home beside the members. confd is not in Debian; where it is
installed, it is not asked. --short: 1 and 10 homes, few rounds, for a look at whether it works."""
import ctypes, os, pathlib, select, statistics, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from fleet import Etcd, FleetHome
from harness import BUILD, COMPILE

SHORT = "--short" in sys.argv
ROUNDS, IDLE_S, REST_S = (3, 5, 1) if SHORT else (10, 25, 2)
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
MOVED_TO, CREATED = 0x80, 0x100


class Arrivals:
    """When a file of that name was put into compiled/ of each home."""

    def __init__(self, homes, name):
        self.libc = ctypes.CDLL(None)
        self.fd, self.name = self.libc.inotify_init1(0o2000000), name.encode()
        self.homes = {self.libc.inotify_add_watch(self.fd, str(home.path / "compiled").encode(), MOVED_TO): home
                      for home in homes}

    def wait(self, count, patience=60):
        """Of the first COUNT homes: seconds since the epoch of the monotonic clock."""
        seen, until = {}, time.monotonic() + patience
        while len(seen) < count:
            assert select.select([self.fd], [], [], until - time.monotonic())[0], f"{len(seen)} of {count} came"
            data, now, at = os.read(self.fd, 65536), time.monotonic(), 0
            while at < len(data):
                wd, _, _, size = (int.from_bytes(data[at + i:at + i + 4], sys.byteorder) for i in (0, 4, 8, 12))
                name = data[at + 16:at + 16 + size].rstrip(b"\0")
                if name == self.name and self.homes[wd] not in seen:
                    seen[self.homes[wd]] = now
                at += 16 + size
        return list(seen.values())

    def rest(self):
        time.sleep(REST_S)
        while select.select([self.fd], [], [], 0.3)[0]:
            os.read(self.fd, 65536)

    def close(self):
        os.close(self.fd)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def row(name, count, times):
    print(f"{name:10} {count:5}  median {1000 * statistics.median(times):7.1f} ms  "
          f"p99 {1000 * percentile(times, .99):7.1f} ms  ({len(times)} arrivals)", flush=True)


def start(etcd, homes, count, name="prod"):
    """As many more as make COUNT of HOMES."""
    while len(homes) < count:
        homes.append(FleetHome(etcd, key=homes[0].key if homes else None, name=name).start())
    for home in homes:
        home.wait_state(heard=True)


def stop(homes):
    for home in homes:
        home.close()
    homes.clear()


def key(name, number):
    return f"XIAOMI_API_KEY=sk-test-{name}-{number:04}\n"


def spent(etcd, homes):
    """Seconds of processor time of: children, hermes-watches, members."""
    return (sum(processor(home.children()[0]) for home in homes),
            sum(processor(home.watch.process.pid) for home in homes),
            sum(processor(member.process.pid) for member in etcd.members))


def pushes(etcd, homes, count, name="push"):
    before = spent(etcd, homes)
    arrivals = Arrivals(homes, "snapshot.json")
    times, alone = [], []
    for number in range(ROUNDS):
        arrivals.rest()
        start = time.monotonic()
        assert homes[0].push(key(f"{name}-{count}", number))[0] == 0
        alone.append(time.monotonic() - start)
        times += [when - start for when in arrivals.wait(count)]
    arrivals.close()
    row(name, count, times)
    each = [1000 * (now - was) / count / ROUNDS for now, was in zip(spent(etcd, homes), before)]
    print("           {:5}  processor time a machine and push, idling included: child {:.2f} ms, "
          "hermes-watch {:.2f} ms, etcd {:.2f} ms"
          .format("", *each))
    print(f"           {'':5}  the push itself: median {1000 * statistics.median(alone):.1f} ms")


def cooldowns(homes):
    arrivals, times = Arrivals(homes, "fleet-cooldowns.json"), []
    for number in range(ROUNDS):
        homes[0].push(key(f"cooling-{len(homes)}", number))
        for home in homes:
            home.wait_for(lambda: b"cooling-%d-%04d" % (len(homes), number) in
                          (home.path / "compiled/snapshot.json").read_bytes(), "the key")
        arrivals.rest()
        start = time.monotonic()
        subprocess.run([BUILD / "examples/try_each_key", homes[0].path], input=b"429 900\n", capture_output=True)
        times += [when - start for when in arrivals.wait(len(homes))]
    arrivals.close()
    row("cooldown", len(homes), times)


SCRIPT = """umask 077; ETCDCTL_API=3 etcdctl --endpoints {urls} get --print-value-only {key} >{home}/.env.new &&
mv {home}/.env.new {home}/.env && {compile} --home {home} --quiet"""


def by_hand(etcd, homes, count):
    urls, name = etcd.endpoints.replace(" ", ""), f"/by-hand/{count}"
    watchers = []
    for home in homes:
        home.write("config.yaml", "model:\n  provider: xiaomi\n")
        command = ["etcdctl", "--endpoints", urls, "watch", name, "--", "sh", "-c",
                   SCRIPT.format(urls=urls, key=name, home=home.path, compile=COMPILE)]
        watchers.append(subprocess.Popen(command, env=dict(home.env, ETCDCTL_API="3"), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL))
        home.compile()
    arrivals, times = Arrivals(homes, "snapshot.json"), []
    time.sleep(2)  # they say nothing when they listen
    for number in range(ROUNDS):
        arrivals.rest()
        start = time.monotonic()
        etcd.ctl("put", name, key(f"hand-{count}", number))
        times += [when - start for when in arrivals.wait(count)]
    for watcher in watchers:
        watcher.kill()
        watcher.wait()
    arrivals.close()
    row("etcdctl", count, times)


def memory(pid):
    fields = dict(line.split(":") for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))


def switches(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("voluntary_ctxt_switches:")[1].split()[0])


def processor(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(etcd, homes):
    children = [home.children()[0] for home in homes]
    members = [member.process.pid for member in etcd.members]
    before = [switches(pid) for pid in children], sum(map(processor, members)), sum(map(processor, children))
    time.sleep(IDLE_S)
    woken = statistics.median(switches(pid) - was for pid, was in zip(children, before[0])) * 60 / IDLE_S
    used = (sum(map(processor, children)) - before[2]) / len(homes) * 60 / IDLE_S
    print(f"idle       {len(homes):5}  a child: {statistics.median(map(memory, children)):.0f} KiB of its own, "
          f"{woken:.1f} wake-ups and {1000 * used:.1f} ms of processor a minute; all members together: "
          f"{100 * (sum(map(processor, members)) - before[1]) / IDLE_S:.1f} % of a core", flush=True)
    watches = statistics.median(memory(home.watch.process.pid) for home in homes)
    print(f"           {'':5}  a hermes-watch: {watches:.0f} KiB of its own")


LIMIT = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")


def allow(homes):
    """One for each hermes-watch; 128 is usual. What it was before."""
    before = LIMIT.read_text()
    if int(before) < homes + 64:
        LIMIT.write_text(str(homes + 64))
    return before


def on_disk(etcd):
    homes = []
    try:
        start(etcd, homes, 1, "disk")
        pushes(etcd, homes, 1, "disk")
    finally:
        stop(homes)


def main():
    counts = [int(word) for word in sys.argv[1:] if word != "--short"] or ([1, 10] if SHORT else [1, 10, 50, 200])
    etcd, homes, before = Etcd(3), [], allow(max(counts))
    try:
        on_disk(etcd)
        tempfile.tempdir = MEMORY
        for count in counts:
            start(etcd, homes, count)
            pushes(etcd, homes, count)
            if count <= 50:
                cooldowns(homes)
            if count in (1, 50, 200):
                idle(etcd, homes)
        for home in homes:
            home.watch.close()
            home.watch = None
        for count in [c for c in counts if c <= 50]:
            by_hand(etcd, homes[:count], count)
        began = time.monotonic()
        for _ in range(20):
            homes[0].compile("--quiet")
        print(f"one hermes-compile, its start included: {1000 * (time.monotonic() - began) / 20:.1f} ms")
    finally:
        stop(homes)
        etcd.close()
        LIMIT.write_text(before)


if __name__ == "__main__":
    main()
