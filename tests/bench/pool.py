"""The pool and drift against peers in the same run: a changed key in an auth.json of 1,000 providers and 10,000 entries
against a durable copy of that file, and drift among 300 processes.
    cmake --build --preset release && python3 tests/bench/pool.py"""
import json, os, pathlib, statistics, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from harness import COMPILE, Home

ROUNDS = 20


def entry(number, k):
    return {"id": f"{number * 10 + k:06x}", "label": f"key {k}", "auth_type": "api_key", "priority": k,
            "source": "manual",
            "access_token": f"sk-test-bench-{number:05}-{k}", "last_status": None, "last_status_at": None,
            "last_error_code": None,
            "last_error_reason": None, "last_error_message": None, "last_error_reset_at": None,
            "base_url": f"https://host{number}.example.com/v1", "request_count": 0}


def timed(work, *arguments):
    start = time.perf_counter()
    work(*arguments)
    return (time.perf_counter() - start) * 1000


def durable_copy(path):
    data = path.read_bytes()
    with open(path.with_suffix(".copy"), "wb", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())
    os.rename(path.with_suffix(".copy"), path.with_suffix(".peer"))
    fd = os.open(path.parent, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def projection(config, name):
    home = Home()
    pools = {f"custom:provider-{number}": [entry(number, k) for k in range(10)] for number in range(1000)}
    store = {"version": 1, "providers": {}, "credential_pool": pools}
    path = home.write("auth.json", json.dumps(store, indent=2) + "\n")
    run = lambda: subprocess.run([COMPILE, "--home", home.path, "--quiet"], check=True, env=home.env)
    ours, peer = [], []
    for number in range(ROUNDS):
        home.write("config.yaml", config + f"model:\n  provider: xiaomi\n  api_key: sk-test-bench-{number:06}\n")
        ours.append(timed(run))
        peer.append(timed(durable_copy, path))
        assert f"sk-test-bench-{number:06}" in path.read_text()
    mine, copy = statistics.median(ours), statistics.median(peer)
    print(f"one changed key, {name}, auth.json of {path.stat().st_size / 1e6:.1f} MB with 10,000 entries:\n"
          "  hermes-compile, whole process "
          f"{mine:7.1f} ms\n  a durable copy of the file    {copy:7.1f} ms   ours is {mine / copy:.2f} times that")
    home.close()


def drift():
    home = Home()
    home.write("config.yaml", "model:\n  provider: xiaomi\n")
    home.write(".env", "XIAOMI_API_KEY=sk-test-bench-env\n")
    run = lambda *arguments: subprocess.run([COMPILE, "--home", home.path, *arguments], env=home.env,
                                            capture_output=True)
    run()
    others = [subprocess.Popen(["sleep", "1000"], env={"A": "b" * 2000}) for _ in range(290)]
    hidden = {"HERMES_HOME": str(home.path), "A": "b" * 2000, "DEEPSEEK_API_KEY": "sk-test-bench-hidden"}
    others += [subprocess.Popen(["hermes", "1000"], executable="/bin/sleep", env=hidden) for _ in range(10)]
    plain, live = [], []
    for _ in range(ROUNDS):
        plain.append(timed(run, "--check"))
        live.append(timed(run, "--check", "--live"))
    for process in others:
        process.kill()
        process.wait()
    print(f"among 300 processes, 10 of them Hermes:\n  --check        {statistics.median(plain):6.1f} ms\n"
          "  --check --live "
          f"{statistics.median(live):6.1f} ms   drift is {statistics.median(live) - statistics.median(plain):.1f} ms "
          "of it")
    home.close()


projection("", "of one provider in the configuration")
projection("custom_providers:\n"
           + "".join(f"- name: provider-{number}\n  base_url: https://host{number}.example.com/v1\n"
                                           for number in range(1000)), "of 1,000 providers in the configuration")
drift()
