"""./run demo: the story of a replaced key on a sample home, with what each reader sees before and after."""
import json, os, pathlib, sys, time

os.environ["HERMES_BUILD"] = sys.argv[1]
from harness import Home, PoolReader, Provider, RuntimeReader, Watch, fingerprint

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
A, B, C = "sk-test-demo-exhausted", "sk-test-demo-fresh", "sk-test-demo-third"


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def title(text):
    print("\n" + paint("1;36", text))


def config(url, key):
    return f"model:\n  provider: xiaomi\n  default: mimo-v2\n  base_url: {url}\n" + (f"  api_key: {key}\n" if key
                                                                                     else "")


def ask(name, reader):
    try:
        answer = reader.answer()
    except (LookupError, ValueError):
        answer = 429
    print(f"  {name:<26}" + (paint(32, "200 OK") if answer == 200 else paint(31, "429 Too Many Requests")))


def ask_all(readers):
    for name, reader in readers:
        ask(name, reader)


def main():
    home, provider = Home(), Provider()
    provider.good = {B, C}
    now = time.time()
    home.write("config.yaml", config(provider.url, A))
    home.write(".env", f"XIAOMI_API_KEY={A}\n")
    home.write("auth.json", json.dumps({"version": 1, "providers": {}, "credential_pool": {"xiaomi": [{
        "id": "6daf30", "label": "XIAOMI_API_KEY", "auth_type": "api_key", "priority": 0,
        "source": "env:XIAOMI_API_KEY",
        "last_status": "exhausted", "last_status_at": now, "last_error_code": 429, "last_error_reason": None,
        "last_error_message": "quota", "last_error_reset_at": now + 3600, "base_url": provider.url, "request_count": 0,
        "secret_fingerprint": fingerprint(A)}]}}, indent=2) + "\n")
    title("A key is exhausted for an hour. hermes-watch starts; it makes the snapshot, and the pool agrees with it.")
    watch = Watch(home)
    readers = [("gateway on the library", RuntimeReader(home)), ("unmodified Hermes (pool)", PoolReader(home))]
    ask_all(readers)

    def edit(what, text, number, name="config.yaml"):
        time.sleep(0.3)  # a person pauses too; without it the settle window would be part of every figure
        title(what)
        start = time.monotonic()
        home.write(name, text)
        watch.wait_generation(number)
        print(f"  generation {number}, {1000 * (time.monotonic() - start):.1f} ms after the edit began")
        ask_all(readers)

    edit("You put a fresh key into config.yaml.", config(provider.url, B), 2)
    title("You break the file: nothing is published, the last good snapshot stays.")
    home.write("config.yaml", "model: [\n")
    print("  " + watch.wait(lambda status: "kept" in status))
    ask_all(readers)
    edit("You mend it, with a third key.", config(provider.url, C), 3)
    edit("You put the exhausted key back: that it is cooling is not forgotten.", config(provider.url, A), 4)
    edit("A fresh key in .env only: the one in config.yaml is cooling, so this one answers.", f"XIAOMI_API_KEY={B}\n",
         5, ".env")
    edit("The same key in both.", config(provider.url, B), 6)
    edit("And out of config.yaml: .env speaks again.", config(provider.url, None), 7)
    title("Where does it come from?")
    print(home.compile("--explain", "xiaomi")[1])
    readers[0][1].close()
    watch.close()
    provider.close()
    home.close()


if __name__ == "__main__":
    main()
