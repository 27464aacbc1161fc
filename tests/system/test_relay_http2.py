"""hermes-relay and a provider that speaks HTTP/2: what it says that it did not take is sent again, and nothing else."""
import pathlib, shutil, socket, ssl, struct, subprocess, tempfile, threading, unittest

from harness import PATIENCE
from relay_case import RelayCase

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
ACK = END_STREAM = 1
END_HEADERS = 4
REFUSED_STREAM = 7
STATUS_200 = b"\x88"  # of HPACK's static table


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Http2Provider:
    """Answers each request with a success, but for those that `plan` has something else for."""

    def __init__(self, context):
        self.context, self.plan, self.streams = context, [], []
        context.set_alpn_protocols(["h2"])
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.server.getsockname()[1]}/v1"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with self.context.wrap_socket(connection,
                                          server_side=True) as connection, connection.makefile("rb") as stream:
                stream.read(24)  # the preface
                connection.sendall(frame(SETTINGS, 0, 0))
                while len(head := stream.read(9)) == 9:
                    kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
                    stream.read(int.from_bytes(head[:3], "big"))
                    if kind == SETTINGS and not flags & ACK:
                        connection.sendall(frame(SETTINGS, ACK, 0))
                    if kind in (DATA, HEADERS) and flags & END_STREAM and not self.answer(connection, number):
                        return
        except OSError:
            pass

    def answer(self, connection, number):
        """False: the connection ends."""
        self.streams.append(number)
        does = self.plan.pop(0) if self.plan else "serve"
        if does == "serve":
            connection.sendall(frame(HEADERS, END_HEADERS, number, STATUS_200)
                               + frame(DATA, END_STREAM, number, b'{"id":"x"}'))
        elif does == "refuse":
            connection.sendall(frame(RST_STREAM, 0, number, struct.pack(">I", REFUSED_STREAM)))
        else:  # the last stream that it took
            connection.sendall(frame(GOAWAY, 0, 0,
                                     struct.pack(">II", number - 2 if does == "go away before" else number, 0)))
        return not does.startswith("go away")

    def close(self):
        self.server.close()


class Http2(RelayCase):
    def setUp(self):
        if shutil.which("openssl") is None:
            self.skipTest("SKIP: no openssl to make a certificate with")
        root = pathlib.Path(tempfile.mkdtemp(prefix="hermes-http2-"))
        self.addCleanup(shutil.rmtree, root)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", root / "key.pem", "-out", root / "cert.pem"],
                       capture_output=True, timeout=PATIENCE, check=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(root / "cert.pem", root / "key.pem")
        super().setUp()
        self.provider = Http2Provider(context)
        self.addCleanup(self.provider.close)
        self.configure(f"  - name: two\n    base_url: {self.provider.url}\n    api_key: sk-test-two-5555\n"
                       f"    ssl_ca_cert: {root / 'cert.pem'}\n")

    def test_what_was_refused_is_sent_again_and_what_was_taken_is_not(self):
        relay = self.relay(threads=1)

        def chat(*plan):
            self.provider.plan, self.provider.streams = list(plan), []
            return relay.chat(path="/custom:two/v1/chat/completions").status, len(self.provider.streams)
        self.assertEqual(chat("refuse"), (200, 2))
        self.assertEqual(chat(), (200, 1))
        self.assertEqual(chat("refuse"), (200, 2))
        self.assertEqual(chat("go away before"), (200, 2))
        self.assertEqual(chat(), (200, 1))
        self.assertEqual(chat("go away after"), (502, 1))


if __name__ == "__main__":
    unittest.main()
