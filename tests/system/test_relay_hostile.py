"""hermes-relay against those who should not use it, against malformed requests, and against snapshots that go wrong."""
import json, os, pathlib, shutil, socket, ssl, stat, subprocess, sys, tempfile, threading, unittest

from harness import PATIENCE, fingerprint
from mock_provider import MockProvider, STREAM_HEAD, chunk, http
from relay import RELAY, Relay
from relay_case import EXTRA, KEY, SPARE, RelayCase


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def requests_reach_an_idle_provider(case):
    """More than the relay has threads, at a provider that answers none of them yet."""
    go = threading.Event()
    case.openai.usual = lambda request, connection: go.wait(PATIENCE) and http(200, {})
    relay = case.relay()
    clients = [relay.client() for _ in range(6)]
    try:
        for client in clients:
            client.request("POST", "/v1/chat/completions", b"{}", {"Authorization": "Bearer " + relay.token})
        case.openai.wait_seen(len(clients))
        go.set()
        case.assertEqual([client.getresponse().status for client in clients], [200] * len(clients))
    finally:
        go.set()
        for client in clients:
            client.close()


class Admission(RelayCase):
    def test_only_who_has_the_token_gets_in(self):
        relay = self.relay()
        path = self.home.path / "compiled/relay.token"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": relay.token},
                        {"x-api-key": relay.token[:-1]},
                        {"x-api-key": relay.token + "0"}, {"Authorization": "Bearer "},
                        {"Authorization": "Bearer " + KEY},
                        {"Cookie": "hermes_relay=" + relay.token}):
            with self.subTest(headers=headers):
                answer = relay.chat(headers=headers, token=False)
                self.assertEqual((answer.status, answer.json()["error"]["type"]), (401, "authentication_error"))
                self.assertEqual(relay.get("/status", headers=headers, token=False).status, 401)
        for headers in ({"Authorization": "Bearer " + relay.token}, {"x-api-key": relay.token},
                        {"x-goog-api-key": relay.token},
                        {"api-key": relay.token}):
            self.assertEqual(relay.chat(headers=headers, token=False).status, 200)
        self.assertEqual(relay.get("/healthz", token=False).json(), {"status": "ok"})
        self.assertEqual(len(self.openai.seen), 4)

    def test_the_token_stays_over_restarts_and_one_that_others_may_read_is_refused(self):
        relay = self.relay()
        token = relay.token
        relay.close()
        again = self.relay()
        self.assertEqual(again.token, token)
        again.close()
        path = self.home.path / "compiled/relay.token"
        path.chmod(0o644)
        self.check_refused(token)
        path.chmod(0o600)
        # a file system after a crash
        for damaged in (b"hr-" + bytes(64) + b"\n", b"hr-\n", b"", path.read_bytes() * 2):
            path.write_bytes(damaged)
            again = self.relay()
            self.assertRegex(path.read_text(), "^hr-[0-9a-f]{64}\n$")
            self.assertNotEqual(again.token, token)
            again.close()
        self.assertEqual(self.home.printed.count(b"relay.token was damaged and has been replaced"), 4)

    def check_refused(self, token):
        done = subprocess.run([RELAY, "--home", self.home.path, "--listen", "127.0.0.1:0"], capture_output=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, 4)
        self.assertNotIn(token.encode(), done.stderr)

    def test_a_foreign_host_is_refused(self):
        relay = self.relay()
        for host, expected in [("evil.example", 403), ("evil.example:%d" % relay.port, 403),
                               ("127.0.0.1.evil.example", 403), ("8.8.8.8", 403),
                               ("", 403), ("localhost", 200), (f"localhost:{relay.port}", 200), ("[::1]:80", 200),
                               ("127.0.0.1", 200),
                               (socket.gethostname(), 200)]:
            with self.subTest(host=host):
                answer = relay.raw(f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {relay.token}\r\n"
                                   "Connection: close\r\n\r\n".encode())
                self.assertEqual(status(answer), expected, answer)

    def test_a_browsers_page_is_refused(self):
        relay = self.relay()
        for origin in ("https://evil.example", "null", f"http://127.0.0.1:{relay.port}"):
            self.assertEqual(relay.chat(headers={"Origin": origin}).status, 403)
        self.assertEqual(relay.get("/status", headers={"Origin": "https://evil.example"}).status, 403)
        self.assertEqual(relay.get("/status", headers={"Origin": f"http://127.0.0.1:{relay.port}"}).status, 200)
        self.assertEqual(relay.request("OPTIONS", "/v1/models", headers={"Origin": "https://evil.example"}).status, 403)
        self.assertEqual(self.openai.seen, [])

    def test_the_status_page_takes_the_token_once_and_then_a_cookie_that_opens_nothing_else(self):
        relay = self.relay()
        answer = relay.get("/?token=" + relay.token, token=False)
        self.assertEqual((answer.status, answer.headers["location"]), (303, "/"))
        cookie = answer.headers["set-cookie"]
        self.assertIn("HttpOnly; SameSite=Strict", cookie)
        self.assertNotIn(relay.token, cookie)
        cookie = {"Cookie": "a=b; " + cookie.split(";")[0]}
        page = relay.get("/", headers=cookie, token=False)
        self.assertEqual(page.status, 200)
        self.assertIn("default-src 'none'", page.headers["content-security-policy"])
        self.assertEqual(relay.get("/status", headers=cookie, token=False).status, 200)
        self.assertEqual(relay.get("/?token=wrong", token=False).status, 401)
        self.assertEqual(relay.get("/status?token=" + relay.token, token=False).status, 401)
        self.assertEqual(relay.chat(headers=cookie, token=False).status, 401)
        relay.wait_log('"GET /" 303')

    def test_a_socket_of_the_user_needs_no_token(self):
        path = self.home.root / "relay.socket"
        relay = self.relay(listen=f"unix:{path}")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(relay.chat(token=False).status, 200)
        self.assertEqual(relay.chat(token=False, headers={"Origin": "https://evil.example"}).status, 403)
        relay.close()
        again = self.relay(listen=f"unix:{path}")  # what the last one left behind makes room
        self.assertEqual(again.chat(token=False).status, 200)

    def test_beyond_loopback_only_when_it_is_meant(self):
        done = subprocess.run([RELAY, "--home", self.home.path, "--listen", "0.0.0.0:0"], capture_output=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--allow-remote", done.stderr)
        relay = self.relay("--allow-remote", listen="0.0.0.0:0")
        self.assertEqual(relay.chat().status, 200)
        self.assertEqual(relay.chat(token=False).status, 401)

    def test_no_core_and_no_look_from_outside(self):
        relay = self.relay()
        limits = pathlib.Path(f"/proc/{relay.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size\s+0\s+0")
        if os.geteuid() == 0 and not os.environ.get("HERMES_BUILD", "").endswith("asan"):
            self.assertEqual(pathlib.Path(f"/proc/{relay.process.pid}").stat().st_uid, 0)


class Malformed(RelayCase):
    def head(self, relay, line="POST /v1/chat/completions HTTP/1.1", *more):
        return "\r\n".join([line, "Host: localhost", "Authorization: Bearer " + relay.token, "Connection: close", *more,
                            "", ""]).encode()

    def test_what_two_readers_could_read_differently_is_refused_and_nothing_reaches_the_provider(self):
        relay = self.relay()
        body = b'{"model":"m"}'
        chunked = chunk(body) + b"0\r\n\r\n"
        for name, head, sent in [
                ("both lengths", ("Content-Length: 13", "Transfer-Encoding: chunked"), chunked),
                ("both, the other way round", ("Transfer-Encoding: chunked", "Content-Length: 5"), chunked),
                ("two lengths", ("Content-Length: 13", "Content-Length: 5"), body),
                ("two equal lengths", ("Content-Length: 13", "Content-Length: 13"), body),
                ("a list of lengths", ("Content-Length: 13, 13",), body),
                ("a signed length", ("Content-Length: +13",), body),
                ("a negative length", ("Content-Length: -1",), body),
                ("a folded header", ("X-A: one", " two", "Content-Length: 13"), body),
                ("a folded encoding", ("Transfer-Encoding:", " chunked", "Content-Length: 13"), body),
                ("a fold that makes a name", ("Content-Length: 13", "Transfer-: chunked", "\tEncoding"), body),
                ("an unknown encoding", ("Transfer-Encoding: identity, chunked",), chunked),
                ("two encodings", ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), chunked),
                ("a blank before the colon", ("Content-Length : 13",), body),
                ("a name with a blank", ("X A: 1", "Content-Length: 13"), body),
                ("a control character", ("X-A: a\x01b", "Content-Length: 13"), body),
                ("a bare CR", ("X-A: a\rX-B: b", "Content-Length: 13"), body),
                ("two hosts", ("Host: other", "Content-Length: 13"), body),
                ("no colon", ("nonsense", "Content-Length: 13"), body)]:
            with self.subTest(name):
                self.assertIn(status(relay.raw(self.head(relay, "POST /v1/chat/completions HTTP/1.1", *head) + sent)),
                              (0, 400, 501))
        for line in ("GARBAGE", "GET /v1/models", "GET  HTTP/1.1", "GET /v1/models HTTP/9.9",
                     "GET http://evil.example/v1/models HTTP/1.1",
                     "CONNECT evil.example:443 HTTP/1.1", "TRACE /v1/models HTTP/1.1", "GET /v1/../../etc HTTP/1.1",
                     "GET /v1/%2e%2e/secrets HTTP/1.1", "GET /xiaomi/v1/./models HTTP/1.1", "GET /v1\\models HTTP/1.1",
                     "GET /" + "a" * 200_000 + " HTTP/1.1"):
            with self.subTest(line=line[:60]):
                self.assertIn(status(relay.raw(self.head(relay, line))), (0, 400, 404, 405, 414, 431, 505))
        self.assertEqual(self.openai.seen, [])
        self.assertEqual(relay.chat().status, 200)

    def test_a_chunked_body_that_is_none_reaches_nobody(self):
        relay = self.relay()
        for body in (b"zz\r\n", b"-5\r\nhello", b"ffffffffffffffffff\r\nx", b"5\r\nhelloXX0\r\n\r\n"):
            with self.subTest(body=body):
                connection = relay.connect()
                connection.sendall(self.head(relay, "POST /v1/chat/completions HTTP/1.1", "Transfer-Encoding: chunked")
                                   + body)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(65536)
                connection.close()
                self.assertIn(status(answer), (0, 400, 413))
        self.assertEqual(self.openai.seen, [])

    def test_where_a_body_in_chunks_ends_can_be_read_in_one_way_only(self):
        relay = self.relay()
        head = self.head(relay, "POST /v1/chat/completions HTTP/1.1", "Transfer-Encoding: chunked").replace(
            b"Connection: close\r\n", b"")
        hidden = b"POST /v1/hidden HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + \
            relay.token.encode() + b"\r\nContent-Length: 0\r\n\r\n"
        body = b'2\r\n{}\r\n0\r\n\r\n'
        for name, sent in [("behind a chunk", b"2\r\n{}\n0\r\n\r\n"), ("behind a size", b"2\n{}\r\n0\r\n\r\n"),
                           ("behind an extension", b"2;a=b\n{}\r\n0\r\n\r\n"),
                           ("behind the last size", b"2\r\n{}\r\n0\n\r\n"),
                           ("behind the trailer", b"2\r\n{}\r\n0\r\nX-A: b\n\r\n"),
                           ("at the end", b"2\r\n{}\r\n0\r\n\n")]:
            for apart in (False, True):
                with self.subTest(name, apart=apart), relay.connect() as connection:
                    connection.settimeout(10)
                    if apart: # headers and body are received apart
                        connection.sendall(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
                        self.assertIn(b" 100 ", connection.recv(65536))
                    connection.sendall((b"" if apart else head) + sent + hidden)
                    connection.shutdown(socket.SHUT_WR)
                    answers = b"".join(iter(lambda: connection.recv(65536), b""))
                    self.assertIn(status(answers), (0, 400))
                    self.assertEqual(answers.count(b"HTTP/1.1 "), 1 if answers else 0)
        self.assertEqual(self.openai.seen, [])
        for good in (body, b'1;a="b"\r\n{\r\n001\r\n}\r\n0;c\r\nX-A: b\r\nX-B: c\r\n\r\n'):
            for size in (1, 3, 1000):
                with self.subTest(good, size=size), relay.connect() as connection:
                    connection.sendall(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
                    self.assertIn(b" 100 ", connection.recv(65536))
                    for at in range(0, len(good), size):
                        connection.sendall(good[at:at + size])
                    self.assertEqual(status(connection.recv(65536)), 200)
        self.assertEqual(relay.raw(head + body + head.replace(b"localhost\r\n", b"localhost\r\nConnection: close\r\n")
                                   + body)[:12], b"HTTP/1.1 200")
        self.assertEqual({request.body for request in self.openai.seen}, {b"{}"})

    def test_headers_without_end_are_cut_off(self):
        relay = self.relay()
        connection = relay.connect()
        line = b"X-Long: " + b"a" * 1000 + b"\r\n"
        sent = 0
        try:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n")
            while sent < 100_000_000:
                connection.sendall(line * 64)
                sent += len(line) * 64
        except (BrokenPipeError, ConnectionResetError):
            pass
        connection.close()
        self.assertLess(sent, 20_000_000)
        self.assertEqual(relay.chat().status, 200)

    def test_a_body_without_end_is_cut_off_by_its_told_length(self):
        relay = self.relay()
        answer = relay.raw(self.head(relay, "POST /v1/files HTTP/1.1", "Content-Length: 99999999999999"))
        self.assertEqual(status(answer), 413)

    def test_other_requests_are_served_while_some_never_end(self):
        relay = self.relay(threads=1)
        idle = []
        for i in range(100):
            connection = relay.connect()
            connection.sendall([b"", b"GET /v1/models HTTP/1.1\r\nHo",
                                self.head(relay, "POST /v1/files HTTP/1.1", "Content-Length: 10")][i % 3])
            idle.append(connection)
        for _ in range(20):
            self.assertEqual(relay.chat().status, 200)
        for connection in idle:
            connection.close()


class Slow(RelayCase):
    """Time runs 100 times as fast for the relay."""
    env = {}

    def setUp(self):
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None or "asan" in os.environ.get("HERMES_BUILD", ""):
            self.skipTest("SKIP: no libfaketime, or one that the sanitizers do not bear")
        self.env = {"LD_PRELOAD": str(library), "FAKETIME": "+0 x100"}
        super().setUp()

    def test_who_takes_for_ever_over_a_request_is_cut_off(self):
        relay = self.relay()
        head = (f"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {relay.token}\r\n"
                "Content-Length: 1000000\r\n\r\n").encode()
        for name, start, drip in [("nothing", b"", b""), ("a line", b"GET /v1/mod", b"e"),
                                  ("headers", b"GET /v1/models HTTP/1.1\r\n", b"X: y\r\n"),
                                  ("a body", head, b"x"), ("a silent body", head, b"")]:
            with self.subTest(name):
                connection = relay.connect()
                connection.sendall(start)
                connection.settimeout(0.05)
                for _ in range(20 * PATIENCE):
                    try:
                        if drip:
                            connection.sendall(drip)
                        if connection.recv(1000) == b"":
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                else:
                    self.fail("it was not cut off")
                connection.close()
        self.assertEqual(self.openai.seen, [])
        self.assertEqual(relay.chat().status, 200)

    def test_a_provider_that_never_answers_is_given_up_and_nobody_else_is_asked(self):
        self.openai.usual = lambda request, connection: connection.recv(1) and None
        relay = self.relay()
        answer = relay.chat()
        self.assertEqual((answer.status, answer.headers["x-hermes-attempts"]), (504, "1"))
        self.assertEqual(self.openai.keys(), [KEY])

    def test_who_waits_for_an_answer_keeps_no_other_from_the_provider(self):
        requests_reach_an_idle_provider(self)

    def test_a_stream_of_nothing_but_comments_is_not_held_back_for_ever_and_a_silent_one_gets_some(self):
        go = threading.Event()

        def slow(request, connection):
            connection.sendall(STREAM_HEAD + chunk(request.body))
            go.wait(PATIENCE)
            return chunk(b"data: 2\n\n") + b"0\r\n\r\n"
        self.openai.usual = slow
        relay = self.relay()
        clients = []
        for begin in (b": processing\n\n", b"data: 1\n\n"): # the first is held back, the second is silent
            clients.append(relay.client())
            clients[-1].request("POST", "/v1/chat/completions", begin, {"Authorization": "Bearer " + relay.token})
        held, silent = [client.getresponse() for client in clients]
        self.assertEqual(held.read1(100), b": processing\n\n")
        self.assertEqual(silent.read1(9), b"data: 1\n\n")
        self.assertEqual(silent.read1(100), b": waiting\n\n")
        go.set()
        for client, response in zip(clients, (held, silent)):
            self.assertTrue(response.read().endswith(b"data: 2\n\n"))
            client.close()

    def test_what_does_not_end_is_cut_off_when_the_relay_has_to(self):
        go = threading.Event()

        def endless(request, connection):
            if b"stream" in request.body:
                connection.sendall(STREAM_HEAD + chunk(b"data: 1\n\n"))
            go.wait(PATIENCE)
        self.openai.usual = endless
        relay = self.relay()
        token = {"Authorization": "Bearer " + relay.token}
        clients = [relay.client() for _ in range(7)]
        for client, body in zip(clients, [b'{"stream": true}', b"{}"] * 3):
            client.request("POST", "/v1/chat/completions", body, token)
        clients[6].request("GET", "/events", headers=token)
        self.assertEqual(clients[6].getresponse().readline(), b"event: status\n")
        upload = relay.connect()
        upload.sendall(f"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {relay.token}\r\n"
                       f"Content-Length: 50000000\r\n\r\n".encode() + b"x" * 100000)
        self.openai.wait_seen(6)
        relay.process.terminate()
        self.assertEqual(relay.process.wait(PATIENCE), 0)
        go.set()
        for client in [*clients, upload]:
            client.close()


class TLS(RelayCase):
    def certificate(self):
        done = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                               "/CN=localhost", "-addext",
                               "subjectAltName=IP:127.0.0.1", "-keyout", self.root / "key.pem", "-out",
                               self.root / "cert.pem"],
                              capture_output=True, timeout=PATIENCE)
        if done.returncode != 0:
            self.skipTest("SKIP: no openssl to make a certificate with")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.root / "cert.pem", self.root / "key.pem")
        return context

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hermes-tls-"))
        self.addCleanup(shutil.rmtree, self.root)
        if shutil.which("openssl") is None:
            self.skipTest("SKIP: no openssl to make a certificate with")
        self.tls = self.certificate()
        super().setUp()

    def test_who_waits_for_an_answer_keeps_no_other_from_the_provider(self):
        self.home.write(".env", (self.home.path / ".env").read_text() + f"SSL_CERT_FILE={self.root / 'cert.pem'}\n")
        self.home.compile()
        requests_reach_an_idle_provider(self)

    def test_a_certificate_that_nobody_vouches_for_gets_no_key(self):
        answer = self.relay().chat()
        self.assertEqual(answer.status, 502)
        self.assertIn("certificate", answer.json()["error"]["message"])
        self.assertEqual(self.openai.seen, [])

    def test_one_that_the_system_trusts_does(self):
        self.env = {"SSL_CERT_FILE": str(self.root / "cert.pem"),  # the process environment is no source
                    "SSLKEYLOGFILE": str(self.root / "secrets")}  # nor does it say where secrets go
        relay = self.relay()
        self.assertEqual(relay.chat().status, 502)
        self.home.write(".env", (self.home.path / ".env").read_text() + f"SSL_CERT_FILE={self.root / 'cert.pem'}\n")
        self.home.compile()
        (self.home.path / "compiled/bookings").unlink()  # that failure
        self.assertEqual(relay.chat().status, 200)
        self.assertEqual(self.openai.keys(), [KEY])
        self.assertFalse((self.root / "secrets").exists())

    def test_a_provider_may_have_an_authority_of_its_own(self):
        private = MockProvider(self.tls)
        self.addCleanup(private.close)
        self.configure(f"  - name: private\n    base_url: {private.url}\n    api_key: sk-test-private-9999\n"
                       f"    ssl_ca_cert: {self.root / 'cert.pem'}\n")
        relay = self.relay()
        self.assertEqual(relay.chat(path="/custom:private/v1/chat/completions").status, 200)
        self.assertEqual(relay.chat().status, 502)  # for others it is none
        self.assertEqual(self.home.compile("--probe", "custom:private")[0], 0)
        # one that is not there counts for nothing, as in Hermes
        self.configure(f"  - name: private\n    base_url: {private.url}\n    api_key: sk-test-private-9999\n"
                       f"    ssl_ca_cert: {self.root / 'gone.pem'}\n")
        self.home.write(".env", (self.home.path / ".env").read_text()
                        + f"HERMES_CA_BUNDLE={self.root / 'cert.pem'}\nSSL_CERT_FILE=/dev/null\n")
        self.home.compile()
        (self.home.path / "compiled/bookings").unlink()
        self.assertEqual(relay.chat().status, 200)
        self.assertIn("certificate", relay.chat(path="/custom:private/v1/chat/completions").json()["error"]["message"])

    def test_a_certificate_is_not_checked_where_the_configuration_says_so(self):
        private = MockProvider(self.tls)
        self.addCleanup(private.close)
        for value in ("false", "'Off'"):
            self.configure(f"  - name: private\n    base_url: {private.url}\n    api_key: sk-test-private-9999\n"
                           f"    ssl_verify: {value}\n")
            relay = self.relay()
            self.assertEqual(relay.chat(path="/custom:private/v1/chat/completions").status, 200)
            self.assertEqual(relay.chat().status, 502)  # of the same host, and with the same handle
            self.assertEqual(relay.chat(path="/custom:private/v1/chat/completions").status, 200)
            self.assertEqual(self.home.compile("--probe", "custom:private")[0], 0)
            self.assertIn("warning[unverified-tls]", self.home.compile("--check")[2])
        self.assertEqual(self.openai.seen, [])


class Snapshots(RelayCase):
    def test_the_last_good_one_stays_when_it_vanishes_or_breaks(self):
        relay = self.relay()
        snapshot = self.home.path / "compiled/snapshot.json"
        text = snapshot.read_bytes()
        torn = "the snapshot is torn or was edited; run hermes-compile"
        for told, damage in [
                ("there is no snapshot; run hermes-compile", snapshot.unlink),
                (torn, lambda: snapshot.write_bytes(text[:-50])),
                (torn, lambda: snapshot.write_bytes(text.replace(KEY.encode(), EXTRA.encode()))),
                ("the snapshot has a newer format than this library knows",
                 lambda: snapshot.write_bytes(text.replace(b'"format":1', b'"format":9')))]:
            with self.subTest(told):
                damage()
                snapshot.exists() and snapshot.chmod(0o600)
                self.assertEqual(relay.chat().headers["x-hermes-key"], fingerprint(KEY))
                self.assertEqual(relay.get("/status").json()["snapshot"], told)
        self.assertEqual(self.openai.keys(), [KEY] * 4)
        self.configure(key="sk-test-relay-fresh-9999")
        self.assertEqual(relay.chat().headers["x-hermes-key"], fingerprint("sk-test-relay-fresh-9999"))

    def test_a_provider_that_is_lost_while_a_request_runs_is_lost_to_the_next_one(self):
        go = threading.Event()

        def slow(request, connection):
            connection.sendall(STREAM_HEAD + chunk(b"data: 1\n\n"))
            go.wait(PATIENCE)
            return chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        self.openai.usual = slow
        relay = self.relay()
        client = relay.client()
        client.request("POST", "/v1/chat/completions", b"{}", {"Authorization": "Bearer " + relay.token})
        response = client.getresponse()
        first = response.read1(100)
        self.home.write("config.yaml", "model:\n  provider: anthropic\n  default: m\n")
        self.home.write(".env", "ANTHROPIC_API_KEY=sk-ant-test-relay-3333\n")
        code, out, err = self.home.compile()
        self.assertEqual(code, 0, out + err)
        self.assertEqual(relay.chat(path="/xiaomi/v1/chat/completions").status, 404)
        go.set()
        self.assertEqual(first + response.read(), b"data: 1\n\ndata: [DONE]\n\n")
        client.close()

    def test_a_relay_that_starts_before_the_first_compile_serves_after_it(self):
        shutil.rmtree(self.home.path / "compiled")
        relay = self.relay()
        self.assertEqual(relay.chat().status, 503)
        self.assertEqual(relay.get("/healthz").status, 503)
        self.configure()
        self.assertEqual(relay.chat().status, 200)

    def test_a_relay_that_is_its_own_provider_says_so(self):
        relay = self.relay()
        self.home.write("config.yaml",
                        f"model:\n  provider: custom:loop\n  default: m\ncustom_providers:\n  - name: loop\n"
                        f"    base_url: http://{relay.address}/v1\n    api_key: sk-test-relay-loop-7777\n")
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(relay.chat().status, 508)


class Life(RelayCase):
    def test_it_stops_when_what_runs_is_done(self):
        go = threading.Event()

        def slow(request, connection):
            connection.sendall(STREAM_HEAD + chunk(b"data: 1\n\n"))
            go.wait(PATIENCE)
            return chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        self.openai.usual = slow
        relay = self.relay()
        idle = relay.connect()
        client = relay.client()
        client.request("POST", "/v1/chat/completions", b"{}", {"Authorization": "Bearer " + relay.token})
        response = client.getresponse()
        first = response.read1(100)
        relay.process.terminate()
        self.assertEqual(idle.recv(1), b"")  # it waits for nobody who asks nothing
        idle.close()
        with self.assertRaises(OSError):  # each of its threads stops listening by itself
            while True:
                relay.connect().close()
        go.set()
        self.assertEqual(first + response.read(), b"data: 1\n\ndata: [DONE]\n\n")
        client.close()
        self.assertEqual(relay.process.wait(PATIENCE), 0)

    def test_systemd_may_hand_over_the_socket(self):
        listener = socket.create_server(("127.0.0.1", 0))
        # LISTEN_PID must be the relay's own: a program that becomes it knows its number.
        start = self.home.root / "start"
        start.write_text(f"#!{sys.executable}\nimport os, sys\nos.dup2({listener.fileno()}, 3)\n"
                         "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
                         f"os.execv({str(RELAY)!r}, sys.argv)\n")
        start.chmod(0o755)
        relay = Relay(self.home, listen=None, program=start, pass_fds=[listener.fileno()])
        self.addCleanup(relay.close)
        self.assertEqual(relay.port, listener.getsockname()[1])
        listener.close()
        self.assertEqual(relay.chat().status, 200)

    def test_status_events_tell_what_changes(self):
        self.openai.answers = {KEY: http(401, {"error": {"message": "invalid api key", "type": "invalid_request_error",
                                                         "code": "invalid_api_key"}})}
        relay = self.relay()
        client = relay.client()
        client.request("GET", "/events", headers={"Authorization": "Bearer " + relay.token})
        response = client.getresponse()

        def event():
            lines = []
            while (line := response.readline().rstrip(b"\n")) or not lines:
                if line and not line.startswith(b":"):
                    lines.append(line)
            self.assertEqual(lines[0], b"event: status")
            return json.loads(lines[1].removeprefix(b"data: "))
        keys = event()["providers"]
        self.assertEqual([key["state"] for provider in keys for key in provider["keys"] if provider["id"] == "xiaomi"],
                         ["good", "good"])
        relay.chat()
        while True:
            told = event()
            if told["switches"]:
                break
        self.assertEqual([key["state"] for provider in told["providers"] for key in provider["keys"]
                          if provider["id"] == "xiaomi"],
                         ["dead", "good"])
        relay.process.terminate()
        while response.readline():
            pass
        client.close()
        self.assertEqual(relay.process.wait(PATIENCE), 0)

    def test_the_units_are_well_formed(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("SKIP: no systemd-analyze")
        build = RELAY.parent
        folder = self.home.root / "units"
        folder.mkdir()
        (self.home.root / "run").mkdir(mode=0o700)
        service = (build / "hermes-relay.service").read_text()
        (folder / "hermes-relay.service").write_text("\n".join(f"ExecStart={RELAY}" if line.startswith("ExecStart=")
                                                               else line
                                                               for line in service.splitlines()) + "\n")
        source = pathlib.Path(__file__).parents[2] / "runtime/relay/hermes-relay.socket"
        shutil.copy(source, folder)
        done = subprocess.run(["systemd-analyze", "--man=no", "--user", "verify", folder / "hermes-relay.service",
                               folder / "hermes-relay.socket"],
                              env=dict(self.home.env, XDG_RUNTIME_DIR=str(self.home.root / "run")), capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("ListenStream=127.0.0.1:4137\n", source.read_text())

    def test_simulate_and_print_env(self):
        def run(*args):
            done = subprocess.run([RELAY, "--home", self.home.path, *args], capture_output=True, text=True,
                                  timeout=PATIENCE)
            return done.returncode, done.stdout, done.stderr
        code, out, err = run("--simulate", "XIAOMI_API_KEY=429:60")
        self.assertEqual((code, err), (0, ""))
        self.assertIn(f"xiaomi {fingerprint(SPARE)} MORE_ONE: serves", out)
        self.assertIn(f"xiaomi {fingerprint(KEY)} XIAOMI_API_KEY: cooling for 60 s", out)
        code, out, err = run("--simulate", f"{fingerprint(KEY)[7:17]}=402 {fingerprint(SPARE)}=401")
        self.assertEqual((code, out.splitlines()[-1]), (1, "nobody serves"))
        self.configure("hermes_watch: {cooldown_429: 7}\n")
        self.assertIn("cooling for 7 s (429)\n", run("--simulate", "XIAOMI_API_KEY=429")[1])
        for name in "NOBODY", KEY:
            code, _, err = run("--simulate", f"XIAOMI_API_KEY=429 {name}=429")
            self.assertEqual((code, name in err), (2, False))
            self.assertIn("answer 2 matches no key of the snapshot; name it by its fingerprint", err)
        self.assertEqual(run("--simulate", "XIAOMI_API_KEY")[0], 2)
        self.assertEqual(run("--frobnicate")[0], 2)
        for name in (fingerprint(KEY)[7:11], fingerprint(KEY)[:11]):
            self.assertIn(f"xiaomi {fingerprint(KEY)} XIAOMI_API_KEY: cooling for 60 s",
                          run("--simulate", f"{name}=429:60")[1])
        self.assertEqual(run("--simulate", f"{fingerprint(KEY)[:10]}=429")[0], 2)
        token = self.home.path / "compiled/relay.token"
        code, out, err = run("--print-env")
        self.assertEqual((code, stat.S_IMODE(token.stat().st_mode)), (0, 0o600))
        relay = self.relay()
        self.assertEqual(token.read_text().strip(), relay.token)
        code, out, err = run("--listen", relay.address)
        self.assertEqual(code, 4)
        self.assertIn("is another hermes-relay running? --listen takes another port", err)
        code, out, err = run("--print-env", "--listen", relay.address)
        self.assertEqual(code, 0)
        self.assertNotIn(relay.token, out)
        shell = subprocess.run(["sh", "-c", out
                                + '\necho "$OPENAI_API_KEY $OPENAI_BASE_URL $ANTHROPIC_API_KEY $ANTHROPIC_BASE_URL"'],
                               capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(shell.stdout.split(),
                         [relay.token, f"http://{relay.address}/v1", relay.token, f"http://{relay.address}"])
        self.assertIn(f"#       base_url: http://{relay.address}/xiaomi/v1\n", out)
        for line in "# OpenAI clients, served by xiaomi", "# Anthropic clients, served by anthropic":
            self.assertIn(line + "\n", out)
        self.assertNotIn("GEMINI", out)  # no provider of the home has that dialect
        paste = subprocess.run(["sh", "-c", out.splitlines()[-1].lstrip("# ")], capture_output=True, text=True,
                               timeout=PATIENCE)
        self.assertEqual((paste.returncode, paste.stderr), (0, ""))
        self.assertIn(f"HERMES_RELAY_TOKEN={relay.token}", (self.home.path / ".env").read_text().splitlines())
        (self.home.path / "compiled/snapshot.json").unlink()
        self.assertIn("run hermes-compile first", run("--print-env")[1])
        self.assertEqual(self.openai.seen, [])


if __name__ == "__main__":
    unittest.main()
