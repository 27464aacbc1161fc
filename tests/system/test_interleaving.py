"""Four Hermes-like writers, this program and a reader that takes no lock, all on one auth.json: no entry is lost, no
refresh token is lost, nobody ever reads half a file. `test_interleaving.py 10000` for as many writes."""
import json, pathlib, subprocess, sys, threading, unittest

from harness import PATIENCE, Home

WRITES = int(sys.argv.pop(1)) if len(sys.argv) == 2 and sys.argv[1].isdigit() else 1000
WRITERS = 4


def write(path, number, writes):
    """Rotates a refresh token of its own, and adds an entry to everybody's pool now and then: read, change and replace
    under the lock, as Hermes does."""
    from hermes_double import FileStore
    store = FileStore(path)
    for count in range(1, writes + 1):
        with store.lock():
            whole = json.loads(store.read())
            whole["providers"][f"login-{number}"] = {"tokens": {"refresh_token": f"sk-test-once-{count}"}}
            pool = whole["credential_pool"]
            pool[f"login-{number}"] = [{"id": f"{number:06x}", "auth_type": "oauth", "priority": 0,
                                        "source": "device_code",
                                        "refresh_token": f"sk-test-once-{count}"}]
            if count % 20 == 0:
                pool.setdefault("xiaomi", []).append({"id": f"{number:02x}{count:04x}", "auth_type": "api_key",
                                                      "source": "manual",
                                                      "access_token": f"sk-test-manual-{number}-{count}",
                                                      "priority": count})
            store.write(json.dumps(whole, indent=2) + "\n")


class Interleaving(unittest.TestCase):
    def test_nothing_is_lost_and_nothing_is_torn(self):
        home = Home()
        path = home.write("auth.json", '{\n  "version": 1,\n  "providers": {},\n  "credential_pool": {}\n}\n')
        home.write("config.yaml", "model:\n  provider: xiaomi\n")
        share = WRITES // WRITERS
        writers = [subprocess.Popen([sys.executable, __file__, "writer", path, str(number), str(share)])
                   for number in range(WRITERS)]
        self.done, self.reads, self.torn = False, 0, []
        reader = threading.Thread(target=self.read, args=(path,))
        reader.start()
        projections = refused = 0
        while any(writer.poll() is None for writer in writers):
            home.write("config.yaml", f"model:\n  provider: xiaomi\n  api_key: sk-test-ours-{projections:06}\n")
            code, _, err = home.compile()
            self.assertIn(code, (0, 4), err)
            self.assertTrue(code == 0 or "pool-locked" in err, err)
            projections, refused = projections + 1, refused + (code != 0)
        self.done = True
        reader.join()
        self.assertEqual([writer.wait(PATIENCE) for writer in writers], [0] * WRITERS)
        self.assertEqual(home.compile()[0], 0)
        self.assertEqual(self.torn, [])
        self.assertGreater(projections - refused, 0)
        store = json.loads(path.read_text())
        for number in range(WRITERS):
            last = f"sk-test-once-{share}"
            self.assertEqual(store["providers"][f"login-{number}"]["tokens"]["refresh_token"], last)
            self.assertEqual(store["credential_pool"][f"login-{number}"][0]["refresh_token"], last)
        manual = {e["id"] for e in store["credential_pool"]["xiaomi"] if e["source"] == "manual"}
        self.assertEqual(manual, {f"{n:02x}{c:04x}" for n in range(WRITERS) for c in range(20, share + 1, 20)})
        ours = [e["access_token"] for e in store["credential_pool"]["xiaomi"]
                if e["source"].startswith("manual:hermes-watch:")]
        self.assertEqual(ours, [f"sk-test-ours-{projections - 1:06}"])
        print(f"{share * WRITERS} writes, {projections} projections ({refused} of them found the lock held to the "
              f"end), {self.reads} reads")
        home.close()

    def read(self, path):
        """Every read is whole, and no login's token is ever older than in the read before."""
        newest = {}
        while not self.done:
            text = path.read_text()
            self.reads += 1
            try:
                for name, state in json.loads(text)["providers"].items():
                    count = int(state["tokens"]["refresh_token"].rsplit("-", 1)[1])
                    if count < newest.get(name, 0):
                        self.torn.append(f"{name} went from {newest[name]} back to {count}")
                    newest[name] = count
            except ValueError:
                self.torn.append(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["writer"]:
        write(pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        unittest.main()
