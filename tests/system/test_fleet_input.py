#!/usr/bin/env python3
"""What answers in etcd's place, or lies in etcd, and is not what it should be: the message, and the last good revision
in force."""
import base64, http.server, json, os, re, shutil, signal, subprocess, unittest

from fleet import FLEET, Etcd, FleetHome
from harness import Loopback, fingerprint
from test_fleet import EXIT_DIFFERS, EXIT_INVALID, EXIT_IO, EXIT_OK, NEW, OLD, FleetCase

HEADER = {"cluster_id": "1", "member_id": "2", "revision": "3", "raft_term": "4"}


class Stranger(Loopback):
    """Something on loopback that is no etcd. ANSWER(path) -> (status, headers, body)"""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, body = answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for piece in [body] if isinstance(body, bytes) else body:
                        self.wfile.write(piece)
                except OSError:
                    pass  # whoever asked had enough

        super().__init__(Handler)
        self.start()


def answers(status, body, headers=None):
    return lambda path: (status, headers or {"Content-Type": "application/json"}, body)


class Strangers(unittest.TestCase):
    """The commands, whose message is what answers."""

    class Nowhere:
        endpoints = "http://127.0.0.1:1"

    def told(self, *urls):
        home = FleetHome(self.Nowhere, endpoints=", ".join(urls))
        try:
            code, out, err = home.fleet("status")
            return code, err
        finally:
            home.close()

    def ask(self, answer):
        stranger = Stranger(answer)
        try:
            code, err = self.told(stranger.url)
            return code, err.replace(stranger.url, "URL")
        finally:
            stranger.close()

    def test_what_answers_is_no_etcd(self):
        nothing = "hermes-fleet: URL: the server there is not etcd (HTTP 200)\n"
        for body in (b"<html><body>It works!</body></html>", b"", b"{", b"[]", b'"text"', b"{}", b'{"kvs": []}',
                     b'{"header": 7}', b"\0\xff", b"{" * 100000):
            self.assertEqual(self.ask(answers(200, body)), (EXIT_INVALID, nothing), body[:40])
        self.assertEqual(self.ask(answers(404, b"404 page not found")),
                         (EXIT_INVALID, "hermes-fleet: URL: the server there is not etcd (HTTP 404)\n"))
        self.assertEqual(self.ask(answers(502, b"<html>")),
                         (EXIT_IO, "hermes-fleet: URL: the server there is not etcd (HTTP 502)\n"))

    def test_etcd_refuses_in_the_words_of_each_version(self):
        for body in (b'{"error": "no user", "code": 3, "message": "no user"}', b'{"code":3, "message":"no user"}',
                     b'{"error": {"grpc_code": 3, "message": "no user"}}',
                     b'{"error": {"code": 3, "message": "no user"}}'):
            self.assertEqual(self.ask(answers(400, body)), (EXIT_INVALID, "hermes-fleet: URL: no user\n"), body)

    def test_a_redirect_is_not_followed(self):
        asked = []
        other = Stranger(lambda path: asked.append(path) or (200, {}, b"{}"))
        for status in (301, 302, 307, 308):
            code, err = self.ask(answers(status, b"", {"Location": other.url + "/v3/kv/range"}))
            self.assertEqual((code, err), (EXIT_INVALID, f"hermes-fleet: URL: redirects elsewhere (HTTP {status}); "
                                                         "redirects are not followed\n"))
        other.close()
        self.assertEqual(asked, [])

    def test_an_answer_without_end(self):
        code, err = self.ask(answers(200, (b"x" * 1048576 for _ in range(64))))
        self.assertEqual((code, err), (EXIT_INVALID, "hermes-fleet: URL: the answer is larger than 32 MiB\n"))

    def test_values_that_are_no_base64(self):
        body = json.dumps({"header": HEADER, "kvs": [{"key": "%%%", "value": "%%%", "mod_revision": "x"}]}).encode()
        code, err = self.ask(answers(200, body))
        self.assertEqual(code, EXIT_INVALID)
        self.assertIn("the env file in etcd cannot be opened with ", err)

    def test_words_of_a_stranger_steer_no_terminal(self):
        body = json.dumps({"error": "\x1b[31mred\x07", "message": "\x1b[31mred\x07 " + "x" * 5000, "code": 7}).encode()
        code, err = self.ask(answers(403, body))
        self.assertEqual(code, EXIT_INVALID)
        self.assertNotIn("\x1b", err)
        self.assertLess(len(err), 400)

    def test_the_next_endpoint_is_asked(self):
        etcd = Etcd()
        strangers = [Stranger(answers(200, b"<html>")), Stranger(answers(503, b""))]
        urls = ["http://127.0.0.1:1", *(stranger.url for stranger in strangers), etcd.endpoints]
        home = FleetHome(etcd, endpoints=", ".join(urls))
        try:
            for _ in urls:  # it begins with any of them
                code, out, err = home.fleet("status")
                self.assertEqual((code, out, err), (EXIT_OK, "fleet prod, revision 0, 0 machines\n", ""))
        finally:
            home.close()
            for stranger in strangers:
                stranger.close()
            etcd.close()


class Sealed(FleetCase):
    def put(self, place, value):
        """VALUE, raw bytes, into etcd at PLACE of the fleet; as somebody does who can write to etcd."""
        done = subprocess.run(["etcdctl", "--endpoints", self.etcd.endpoints, "put",
                               f"/hermes-watch/{self.name}/{place}"], input=value, capture_output=True,
                              env=dict(os.environ, ETCDCTL_API="3"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def get(self, place):
        out = self.etcd.ctl("get", f"/hermes-watch/{self.name}/{place}", "-w", "json").stdout
        return base64.b64decode(json.loads(out)["kvs"][0]["value"])

    def machine(self):
        home = self.home().start()
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(1)
        return home

    def refuses(self, home, pattern, number=1):
        state = home.wait_state(trouble=lambda text: re.search(pattern, text))
        self.assertEqual(state["revision"], number)
        self.assertEqual(home.first_key(), fingerprint(OLD))
        status = self.wait_machines(home, lambda s: s["machines"] and s["machines"][0]["state"] == "refused")
        self.assertRegex(status["machines"][0]["error"], pattern)
        self.assertTrue(status["machines"][0]["behind"])
        self.assertEqual(home.compile("--check", "--live")[0], EXIT_DIFFERS)
        home.write(".env", "EDITED=1\n")  # what is local goes on
        home.wait_for(lambda: home.snapshot()["content"]["env"].get("EDITED"), "the edit")

    def test_altered_truncated_and_of_another_fleet(self):
        home = self.machine()
        sealed = self.get("sources/env")
        other = FleetHome(self.etcd, name=self.name + "-other")
        try:
            other.push(f"XIAOMI_API_KEY={NEW}\n")
            out = self.etcd.ctl("get", f"/hermes-watch/{other.name}/sources/env", "-w", "json").stdout
            foreign = base64.b64decode(json.loads(out)["kvs"][0]["value"])
        finally:
            other.close()
        altered = bytearray(sealed)
        altered[-1] ^= 1
        for value in (bytes(altered), sealed[:-1], sealed[:20], b"x", b"plain XIAOMI_API_KEY=1\n", foreign,
                      self.get("history/000000000001")):
            self.put("sources/env", value)
            home.wait_state(trouble=lambda text: "cannot be opened with" in text)
            self.put("sources/env", sealed)
            home.wait_state(trouble="")
        self.put("sources/env", foreign)
        self.refuses(home, "the env file in etcd cannot be opened with .*: it was altered, or sealed with another key")
        code, out, err = home.push(f"XIAOMI_API_KEY={NEW}\n")
        self.assertEqual(code, EXIT_INVALID)
        self.assertIn("the env file in etcd cannot be opened with", err)

    def test_an_old_revision_put_back(self):
        home = self.machine()
        old = self.get("sources/env")
        home.push(f"XIAOMI_API_KEY={NEW}\n")
        home.wait_revision(2)
        home.push(f"XIAOMI_API_KEY={OLD}\n")
        home.wait_revision(3)
        self.put("sources/env", old)
        self.refuses(home, "revision 1 is older than revision 3, which is active: etcd was restored from a backup, "
                           "or an old value was put back. To accept it: hermes-fleet rollback 1", number=3)
        code, out, err = home.fleet("rollback", "1")
        self.assertEqual((code, err), (EXIT_OK, ""))
        self.assertTrue(out.startswith(f"revision 4 of fleet {self.name}"), out)
        home.wait_revision(4)
        home.wait_state(trouble="", revision=4)

    def test_an_env_file_that_is_gone(self):
        home = self.machine()
        self.etcd.ctl("del", "--prefix", f"/hermes-watch/{self.name}/sources/")
        self.refuses(home, "etcd no longer has an env file for fleet .*; revision 1 stays active. Push it again")
        self.assertEqual(home.push(f"XIAOMI_API_KEY={NEW}\n")[1].split("\n")[0], f"revision 2 of fleet {self.name}:")
        home.wait_revision(2)

    def test_a_wrong_key_file(self):
        home = self.machine()
        home.key.write_text("hermes-fleet-key 1 " + "00" * 32 + "\n")
        home.write(".env", "EDITED=1\n")
        home.watch.wait(lambda status: "error[fleet-copy]" in status)
        self.assertEqual(home.first_key(), fingerprint(OLD))
        code, out, err = home.fleet("status")
        self.assertEqual(code, EXIT_INVALID)
        self.assertIn("the env file in etcd cannot be opened with", err)
        home.key.write_text("not a key\n")
        code, out, err = home.fleet("status")
        self.assertEqual((code, err), (EXIT_INVALID, err))
        self.assertIn("does not contain a fleet key", err)

    def test_records_of_strangers_count_for_nothing(self):
        home = self.machine()
        for place, value in (("machines/a/b", b"{}"), ("cooldowns/0123", b"x" * 100), ("resets/4567", b"x"),
                             ("history/000000000009", b"hwf1" + b"\0" * 60),
                             ("cooldowns/89ab", self.get("sources/env"))):
            self.put(place, value)
        code, out, err = home.fleet("status")
        self.assertEqual(code, EXIT_DIFFERS)
        self.assertIn("1 machine uses another key file than", err)
        self.assertEqual(home.fleet("cooldowns")[1], "no key is cooling\n")
        self.assertEqual(home.fleet("history")[0], EXIT_INVALID)
        home.push(f"XIAOMI_API_KEY={NEW}\n")
        home.wait_revision(2)

    def test_two_machines_with_one_id(self):
        home = self.machine()
        twin = subprocess.Popen([FLEET, "--home", home.path, "follow"], env=home.env, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        try:
            status = self.wait_machines(home, lambda s: any(m["state"] == "twin" for m in s["machines"]))
            told = next(m for m in status["machines"] if m["state"] == "twin")
            self.assertEqual(told["error"], "another machine has the same /etc/machine-id, host name and home: give "
                                            "the clone its own ID")
            self.assertEqual(len(status["machines"]), 2)
        finally:
            twin.stdin.close()
            twin.wait()
            twin.stdout.close()

    def test_a_copy_that_is_lost_is_fetched_again(self):
        home = self.machine()
        generation = home.generation()
        os.kill(home.children()[0], signal.SIGSTOP)
        (home.path / "compiled/fleet.sealed").unlink()
        home.watch.wait(lambda status: "error[fleet-copy] compiled/fleet.sealed is missing" in status)
        self.assertEqual(home.first_key(), fingerprint(OLD), "the previous version stays active")
        os.kill(home.children()[0], signal.SIGCONT)
        home.watch.wait(lambda status: status.startswith(f"generation {generation}") and "kept" not in status)
        self.assertTrue((home.path / "compiled/fleet.sealed").exists())

    def test_a_copy_that_was_altered_is_refused(self):
        home = self.machine()
        sealed = (home.path / "compiled/fleet.sealed").read_bytes()
        home.write("compiled/fleet.sealed", sealed[:-1] + bytes([sealed[-1] ^ 1]))
        home.watch.wait(lambda status: "error[fleet-copy]" in status)
        self.assertEqual(home.first_key(), fingerprint(OLD))
        (home.path / "compiled/fleet.sealed").unlink()
        home.watch.wait(lambda status: status.startswith("generation") and "kept" not in status)


class Clusters(unittest.TestCase):
    """An etcd that is another one than before."""

    def test_another_cluster_with_less_is_refused(self):
        first, second = Etcd(), Etcd()
        home = FleetHome(first).start()
        try:
            home.push(f"XIAOMI_API_KEY={NEW}\n")
            home.push(f"XIAOMI_API_KEY={OLD}\n")
            home.wait_revision(2)
            config = (home.path / "config.yaml").read_text()
            home.write("config.yaml", config.replace(first.endpoints, second.endpoints))
            state = home.wait_state(heard=False)
            self.assertRegex(state["trouble"], "etcd no longer has an env file for fleet prod; revision 2 stays active"
                                               r".*\(this is another etcd cluster, [0-9]+, than before, [0-9]+")
            self.assertEqual(home.first_key(), fingerprint(OLD))
            code, out, err = home.push(f"XIAOMI_API_KEY={NEW}\n")  # said by somebody who has the key, it counts
            self.assertEqual((code, out.split("\n")[0]), (EXIT_OK, "revision 3 of fleet prod:"))
            home.wait_revision(3)
            home.wait_state(heard=True, trouble="")
        finally:
            home.close()
            first.close()
            second.close()

    def test_a_restored_backup(self):
        etcd = Etcd()
        home = FleetHome(etcd).start()
        restored = None
        try:
            home.push(f"XIAOMI_API_KEY={OLD}\n")
            home.wait_revision(1)
            backup = etcd.root / "backup.db"
            etcd.ctl("snapshot", "save", str(backup))
            home.push(f"XIAOMI_API_KEY={NEW}\n")
            home.wait_revision(2)
            etcd.members[0].kill()
            shutil.rmtree(etcd.root / "n1")
            member = etcd.members[0]
            etcd.ctl("snapshot", "restore", str(backup), "--name", "n1", "--data-dir", str(etcd.root / "n1"),
                     "--initial-cluster", f"n1=http://127.0.0.1:{member.peer}", "--initial-cluster-token", "restored",
                     "--initial-advertise-peer-urls", f"http://127.0.0.1:{member.peer}")
            member.start()
            state = home.wait_state(trouble=lambda text: "rollback 1" in text)
            self.assertIn("revision 1 is older than revision 2, which is active: etcd was restored from a backup",
                          state["trouble"])
            self.assertEqual(home.first_key(), fingerprint(NEW))
            code, out, err = home.fleet("rollback", "1")
            self.assertEqual((code, err), (EXIT_OK, ""))
            home.wait_revision(3)
            self.assertEqual(home.first_key(), fingerprint(OLD))
        finally:
            home.close()
            etcd.close()


class Lines(unittest.TestCase):
    """A watch that goes wrong in the middle: something between the machine and etcd."""

    def test_a_watch_that_says_nonsense(self):
        pieces = {"half": b'{"result":{"header":' + json.dumps(HEADER).encode(), "nonsense": b"nonsense\n",
                  "html": b"<html>\n", "long": b"x" * (64 * 1024 * 1024)}
        told = {"half": "the watch ended in the middle of a line", "nonsense": "a line of the watch is not from etcd",
                "html": "a line of the watch is not from etcd", "long": "a line of the watch is longer than 8 MiB"}
        for kind, body in pieces.items():
            etcd = Etcd()
            stranger = Stranger(lambda path: self.between(etcd, path, body))
            home = FleetHome(etcd, endpoints=stranger.url)
            try:
                home.start()
                home.wait_state(trouble=lambda text: told[kind] in text)
            finally:
                home.close()
                stranger.close()
                etcd.close()

    @staticmethod
    def between(etcd, path, body):
        if path == "/v3/watch":
            return 200, {"Content-Type": "application/json"}, body
        answer = {"header": HEADER, "kvs": [], "succeeded": True, "ID": "7", "TTL": "60"}
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


if __name__ == "__main__":
    unittest.main()
