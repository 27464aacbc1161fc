"""hermes_watch.notify_url: what arrives at a receiver after each publish, and what happens while it is down. (Reloading
a unit wants a user manager: test_unit.py.)"""
import hashlib, hmac, http.server, json, queue, socket, threading, unittest

from harness import PATIENCE, Home, Loopback, Watch, fingerprint

KEYS = [f"sk-test-notify-{letter * 8}-{number}" for number, letter in enumerate("abcdef")]
SIGNING = "fake-signing-key-for-tests"


class Receiver(Loopback):
    """Takes events on PORT; `gate` holds its answers back while it is closed."""

    def __init__(self, port=0, status=204):
        self.events, self.gate, self.arrived = queue.Queue(), threading.Event(), threading.Semaphore(0)
        self.gate.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.arrived.release()
                receiver.gate.wait(PATIENCE)
                receiver.events.put((body, dict(self.headers)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        super().__init__(Handler, port)
        self.start()

    def event(self):
        body, headers = self.events.get(timeout=PATIENCE)
        return json.loads(body), body, headers

    def generations(self, last):
        """Of everything that comes, until generation LAST."""
        seen = []
        while last not in seen:
            seen.append(self.event()[0]["generation"])
        return seen

    def close(self):
        self.gate.set()
        super().close()


class Notify(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.closing = []

    def tearDown(self):
        for what in reversed(self.closing):
            what.close()
        for secret in (*KEYS, SIGNING):
            self.assertNotIn(secret.encode(), self.home.printed)
        self.home.close()

    def write(self, key, port):
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  default: m\n  api_key: {key}\n"
                                       f"hermes_watch:\n  notify_url: http://127.0.0.1:{port}/hook?token=fake\n")

    def open(self, what):
        self.closing.append(what)
        return what

    def test_an_event_after_each_publish(self):
        receiver = self.open(Receiver())
        self.home.write(".env", f"HERMES_WATCH_HMAC_KEY={SIGNING}\n")
        self.write(KEYS[0], receiver.port)
        watch = self.open(Watch(self.home))
        event, _, _ = receiver.event()
        self.assertEqual((event["event"], event["home"], event["generation"]), ("published", str(self.home.path), 1))
        self.write(KEYS[1], receiver.port)
        event, body, headers = receiver.event()
        change, = [change for change in event["changes"] if change.get("provider") == "xiaomi"]
        self.assertEqual((change["what"], change["from"], change["to"]),
                         ("rotated", fingerprint(KEYS[0]), fingerprint(KEYS[1])))
        self.assertEqual((event["generation"], event["pool"]), (2, "written"))
        signed = "sha256=" + hmac.new(SIGNING.encode(), body, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Hermes-Signature"], signed)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertNotIn(b"sk-test", body)
        self.home.write(".env", "A=1\n")  # without a key there is no signature
        event, _, headers = receiver.event()
        self.assertEqual(event["generation"], 3)
        self.assertNotIn("X-Hermes-Signature", headers)
        watch.wait_generation(3)

    def test_a_receiver_that_thinks_delays_no_compile(self):
        receiver = self.open(Receiver())
        receiver.gate.clear()
        self.write(KEYS[0], receiver.port)
        watch = self.open(Watch(self.home))
        self.assertTrue(receiver.arrived.acquire(timeout=PATIENCE))
        for number in (1, 2, 3):
            self.write(KEYS[number], receiver.port)
            watch.wait_generation(number + 1)
        receiver.gate.set()
        self.assertEqual(receiver.generations(4), [1, 2, 3, 4])

    def test_down_and_up_again(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        self.write(KEYS[0], port)
        watch = self.open(Watch(self.home))
        for number in range(1, 40):  # 16 are kept, and as many may be on their way
            self.write(KEYS[number % 6], port)
            watch.wait_generation(number + 1)
        receiver = self.open(Receiver(port))
        seen = receiver.generations(40)
        self.assertEqual(seen, sorted(set(seen)))
        self.assertLessEqual(len(seen), 32)
        self.write(KEYS[0], port)
        receiver.generations(41)
        self.closing.remove(watch)
        watch.close()
        self.assertEqual(self.home.printed.count(b"notify_url did not accept an event"), 1)
        self.assertEqual(self.home.printed.count(b"notify_url accepts events again"), 1)
        self.assertNotIn(b"token=fake", self.home.printed)

    def test_another_receiver(self):
        refusing, receiver = self.open(Receiver(status=500)), self.open(Receiver())
        self.write(KEYS[0], refusing.port)
        self.open(Watch(self.home))
        refusing.event()
        self.write(KEYS[1], receiver.port)
        self.assertEqual(receiver.event()[0]["generation"], 2)


if __name__ == "__main__":
    unittest.main()
