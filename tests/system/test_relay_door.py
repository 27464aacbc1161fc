"""Who gets in at the relay's door, and what it says to the others."""
import json, os, re, signal, socket, subprocess, sys, threading, unittest

from harness import PATIENCE, fingerprint
from mock_provider import STREAM_HEAD, chunk, http
from relay import RELAY, Relay
from relay_case import KEY, RelayCase


def head(relay, line="GET /v1/models HTTP/1.1", host=b"localhost", more=b""):
    return (line.encode() + b"\r\nHost: " + host + b"\r\nAuthorization: Bearer " + relay.token.encode()
            + b"\r\nConnection: close\r\n" + more + b"\r\n")


class Door(RelayCase):
    def handed_over(self, *listeners):
        """A relay that systemd starts with these sockets."""
        dups = "".join(f"os.dup2({listener.fileno()}, {100 + i}); " for i, listener in enumerate(listeners))
        dups += "".join(f"os.dup2({100 + i}, {3 + i}); " for i in range(len(listeners)))
        start = self.home.root / "start"
        start.write_text(f"#!{sys.executable}\nimport os, sys\n{dups}\n"
                         f"os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='{len(listeners)}')\n"
                         f"os.execv({str(RELAY)!r}, sys.argv)\n")
        start.chmod(0o755)
        relay = Relay(self.home, listen=None, program=start, pass_fds=[listener.fileno() for listener in listeners])
        self.addCleanup(relay.close)
        return relay

    def unix(self, name, mode):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.home.root / name))
        listener.listen()
        os.chmod(self.home.root / name, mode)
        self.addCleanup(listener.close)
        return listener

    def test_a_socket_file_that_others_may_open_asks_for_the_token(self):
        relay = self.handed_over(self.unix("open", 0o666))
        self.assertEqual(relay.chat(token=False).status, 401)
        self.assertEqual(relay.chat().status, 200)

    def test_a_socket_file_of_mode_0600_needs_no_token(self):
        self.assertEqual(self.handed_over(self.unix("own", 0o600)).chat(token=False).status, 200)

    def test_every_socket_that_is_handed_over_serves(self):
        first, second = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
        relay = self.handed_over(first, second)
        for listener in (first, second):
            relay.port = listener.getsockname()[1]
            self.assertEqual(relay.chat().status, 200)
            listener.close()

    def test_names_are_let_in_when_they_are_allowed(self):
        for options, served, refused in (((), ("localhost", "[::1]:4137"),
                                          ("host.docker.internal", "evil.example", "[::1].evil.example", "[::1]x")),
                                         (("--allow-host", "host.docker.internal", "--allow-host", "box.lan"),
                                          ("host.docker.internal:4137", "BOX.lan", "localhost"), ("evil.example",)),
                                         (("--allow-remote",), ("box.lan", "192.0.2.7:4137"),
                                          ("[::1].evil.example", "box.lan:x"))):
            relay = self.relay(*options)
            for host in served:
                self.assertIn(b" 200 ", relay.raw(head(relay, host=host.encode()))[:20], (options, host))
            for host in refused:
                self.assertIn(b" 403 ", relay.raw(head(relay, host=host.encode()))[:20], (options, host))
            self.assertEqual(relay.get("/v1/models", token=False).status, 401)

    def test_origins_are_let_in_when_they_are_allowed(self):
        relay = self.relay("--allow-origin", "app://obsidian.md")
        self.assertEqual(relay.chat(headers={"Origin": "app://obsidian.md"}).status, 200)
        self.assertEqual(relay.chat(headers={"Origin": "app://obsidian.md"}, token=False).status, 401)
        self.assertEqual(relay.chat(headers={"Origin": "https://evil.example"}).status, 403)

    def test_a_browser_is_told_what_an_allowed_page_may_do(self):
        app, evil = "https://app.example", "https://evil.example"
        asks = {"Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os"}
        relay = self.relay("--allow-origin", app)
        for path in ("/v1/chat/completions", "/anthropic/v1/messages"):
            told = relay.request("OPTIONS", path, headers={"Origin": app, **asks}, token=False)
            self.assertEqual((told.status, told.headers["access-control-allow-origin"]), (204, app))
            self.assertIn("POST", told.headers["access-control-allow-methods"])
            self.assertEqual(told.headers["access-control-allow-headers"], asks["Access-Control-Request-Headers"])
        self.openai.answers = {}
        for token, status in (True, 200), (False, 401):
            told = relay.chat(headers={"Origin": app}, token=token)
            self.assertEqual((told.status, told.headers["access-control-allow-origin"], told.headers["vary"]),
                             (status, app, "Origin"))
        for headers in ({"Origin": evil, **asks}, asks):
            told = relay.request("OPTIONS", "/v1/chat/completions", headers=headers, token=False)
            self.assertIn(told.status, (401, 403))
            self.assertNotIn("access-control-allow-origin", told.headers)
        self.assertNotIn("access-control-allow-origin", relay.chat().headers)
        self.assertEqual({request.method for request in self.openai.seen}, {"POST"})

    def test_what_ends_at_a_nul_is_refused(self):
        relay = self.relay()
        for data in (head(relay, more=b"Content-Length: 5\x0099\r\n"), head(relay, more=b"X-A: 1\x002\r\nX-B: 3\r\n"),
                     head(relay, host=b"localhost\x00.evil.example"),
                     head(relay, "GET /v1/mod\x00els HTTP/1.1")):
            self.assertNotIn(b" 200 ", relay.raw(data)[:20], data)
        self.assertIn(b" 403 ",
                      relay.raw(head(relay, "GET /status HTTP/1.1", more=b"Origin: http://evil.example\r\n"))[:20])
        self.assertIn(b" 400 ",
                      relay.raw(head(relay, more=b"Origin: http://evil.example\r\nOrigin: http://localhost\r\n"))[:20])
        self.assertEqual(self.openai.seen, [])
        self.assertIn(b" 200 ", relay.raw(head(relay, more=b"X-A: 1 \t \r\nX-B:  2\r\n"))[:20])

    def test_large_headers_get_an_answer_on_both_sides(self):
        relay = self.relay()
        answer = relay.chat(headers={"X-Pad": "x" * 40000})
        self.assertEqual((answer.status, answer.json()["error"]["type"]), (431, "invalid_request_error"))
        self.assertIn(" 431 ", relay.wait_log("431"))
        lines = "".join(f"X-Part-{i}: {'y' * 4000}\r\n" for i in range(30))
        self.openai.answers = {KEY: f"HTTP/1.1 200 OK\r\n{lines}X-Last: here\r\nContent-Length: 2\r\n\r\n{{}}".encode()}
        answer = relay.chat(headers={"X-Pad": "x" * 20000})
        self.assertEqual((answer.status, answer.body, answer.headers["x-last"]), (200, b"{}", "here"))

    def test_a_token_that_another_user_may_have_got_is_replaced(self):
        if os.geteuid() != 0:
            self.skipTest("SKIP: only root can be another user, too")
        relay = self.relay()
        old, address = relay.token, relay.address
        relay.close()
        listener = ("import os, socket, sys; os.setuid(65534); "
                    "s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print(flush=True); sys.stdin.read()")
        with subprocess.Popen([sys.executable, "-c", listener, str(relay.port)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as other:
            other.stdout.readline()
            for _ in range(2):
                done = subprocess.run([RELAY, "--home", self.home.path, "--listen", address], env=self.home.env,
                                      capture_output=True, text=True, timeout=PATIENCE)
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn("another user of this machine is listening there", done.stderr)
            self.assertEqual((self.home.path / "compiled/relay.token").read_text().strip(), old)
        relay = self.relay(listen=address)
        self.assertNotEqual(relay.token, old)
        self.assertIn("clients need the new one", relay.wait_log("the token has been replaced"))
        self.assertEqual(relay.chat(headers={"Authorization": "Bearer " + old}).status, 401)
        self.assertEqual(relay.chat().status, 200)
        new = relay.token
        relay.close()
        self.assertEqual(self.relay(listen=address).token, new)

    def test_a_request_that_comes_back_ends_with_508(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.home.write("config.yaml", f"model:\n  provider: custom:self\n  default: m\ncustom_providers:\n"
                        f"  - name: self\n    base_url: http://localhost:{port}/v1\n    api_key: sk-test-self-1111\n")
        self.home.compile()
        token = self.relay().token
        self.home.write("config.yaml", (self.home.path / "config.yaml").read_text().replace("sk-test-self-1111", token))
        self.home.compile()
        relay = self.relay(listen=f"127.0.0.1:{port}")
        self.assertEqual(relay.chat().status, 508)
        relay.wait_log("508", 2)
        self.assertEqual(len([line for line in relay.lines if "POST" in line]), 2)

    def test_what_an_end_cuts_off_is_said(self):
        begun, go = threading.Event(), threading.Event()

        def stream(request, connection):
            connection.sendall(STREAM_HEAD + chunk(b"data: 1\n\n"))
            begun.set()
            go.wait(PATIENCE)
        self.openai.answers = {KEY: stream}
        relay = self.relay("--drain", "1")
        client = relay.client()
        client.request("POST", "/v1/chat/completions", json.dumps({"model": "m", "stream": True}),
                       {"Authorization": "Bearer " + relay.token, "Content-Type": "application/json"})
        client.getresponse().readline()
        relay.process.send_signal(signal.SIGTERM)
        self.assertRegex(relay.wait_log("cut off"), "running answers cut off after 1 s: 1")
        go.set()
        client.close()

    def test_two_that_start_at_once_agree_on_the_token(self):
        for _ in range(10):
            (self.home.path / "compiled/relay.token").unlink(missing_ok=True)
            relays = [subprocess.Popen([RELAY, "--home", self.home.path, "--print-env"], env=self.home.env,
                                       stdout=subprocess.PIPE) for _ in range(4)]
            texts = {re.sub(rb"#.*", b"", relay.communicate()[0]) for relay in relays}
            self.assertEqual(len(texts), 1)
            self.assertRegex((self.home.path / "compiled/relay.token").read_text(), r"^hr-[0-9a-f]{64}\n$")

    def test_what_strangers_send_is_cleaned_in_the_log(self):
        relay = self.relay()
        relay.raw(b"G\x1b[2J\x07\"T /v1/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        line = relay.wait_log("405")
        self.assertFalse(re.search(r'[\x00-\x08\x0b-\x1f\x7f-\x9f]', line.rstrip("\n")), line)
        for path in (f"/v1/x{relay.token}", "/v1/%73k-test-in-a-path-1234/models", f"/{KEY}/v1/models"):
            segment = next(part for part in path.split("/") if part not in ("v1", "models", ""))
            relay.get(path)
            line = relay.wait_log(path.replace(segment, fingerprint(segment)))
            self.assertNotIn(segment, line)


if __name__ == "__main__":
    unittest.main()
