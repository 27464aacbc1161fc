"""./run fleet-demo: three homes as three machines, one etcd, one push, and a key that is exhausted on one of them."""
import os, subprocess, sys, time

os.environ["HERMES_BUILD"] = sys.argv[1]
from demo import paint, title
from fleet import Etcd, FleetHome
from harness import BUILD, fingerprint

OLD, NEW, SPARE = "sk-test-demo-exhausted", "sk-test-demo-fresh", "sk-test-demo-spare"


def env(key):
    return f"XIAOMI_API_KEY={key}\nOPENROUTER_API_KEY={SPARE}\n"


def show(text):
    print("  " + text.replace("\n", "\n  ").rstrip())


def push(home, homes, number, text):
    start = time.monotonic()
    show("$ hermes-fleet push\n" + home.push(text)[1])
    for each in homes:
        each.wait_revision(number)
    print(f"  in force on {len(homes)} machines {1000 * (time.monotonic() - start):.0f} ms after the push began")


def try_keys(home, answers):
    """Which keys a gateway in this home tries, when providers answer so."""
    done = subprocess.run([BUILD / "examples/try_each_key", home.path], input=answers, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        show(line)


def main():
    etcd = Etcd()
    title("A fleet is a key file that every machine has, and an etcd that holds nothing but what is sealed with it.")
    first = FleetHome(etcd)
    homes = [first, FleetHome(etcd, key=first.key), FleetHome(etcd, key=first.key, env=f"XIAOMI_API_KEY={OLD}\n")]
    for home in homes:
        home.start()
    try:
        title("One push.")
        push(first, homes, 1, env(OLD))
        title("The key is rotated. The third machine still has the old one in its .env; it is told where.")
        push(first, homes, 2, env(NEW))
        code, out, err = homes[2].compile("--check")
        show("\n".join(line for line in err.splitlines() if "shadowed" in line))
        title("Who has it?")
        with etcd.watching("/hermes-watch/prod/machines/") as lines:
            while first.fleet("status")[0] != 0:
                lines.readline()
        show("$ hermes-fleet status\n" + first.fleet("status")[1])
        title("On the first machine the provider says 429. The others know before they try.")
        try_keys(homes[0], "429 900\n")
        for home in homes[1:]:
            home.wait_for(lambda: (home.path / "compiled/fleet-cooldowns.json").exists(), "the cooldown")
        show("$ hermes-fleet cooldowns\n" + first.fleet("cooldowns")[1])
        show("the second machine: " + subprocess.run([BUILD / "examples/key_states", homes[1].path],
                                                     capture_output=True, text=True).stdout.splitlines()[-1])
        title("In etcd's folder, keys and fingerprints in clear: " + paint(32, str(sum(
            etcd.bytes().count(word.encode()) for key in (OLD, NEW, SPARE) for word in (key, fingerprint(key)[7:])))))
    finally:
        for home in homes:
            home.close()
        etcd.close()


if __name__ == "__main__":
    main()
