"""200 keys replaced one after another under load from 64 connections: nothing fails, no connection is dropped, and no
request uses a key older than the one that was published before the request began."""
import json, re, selectors, threading, unittest

from harness import PATIENCE, Home
from mock_provider import MockProvider, STREAM_HEAD, chunk, http
from relay import Relay

ROTATIONS, CONNECTIONS = 200, 64


def key(number):
    return f"sk-test-rotation-{number:06}"


def number_of(request):
    return int(request.key.rsplit("-", 1)[1])


def answer(request, connection):
    told = {"number": number_of(request)}
    if not request.json()["stream"]:
        return http(200, told)
    for part in (STREAM_HEAD, chunk(b'data: {"first": true}\n\n'),
                 chunk(b"data: " + json.dumps(told).encode() + b"\n\n"), b"0\r\n\r\n"):
        connection.sendall(part)
    return b""


class Connection:
    """One request after the other, each second one a stream."""

    def __init__(self, load):
        self.load, self.socket, self.done = load, load.relay.connect(), 0

    def ask(self):
        self.floor, self.got = self.load.published, b""
        body = json.dumps({"model": "m", "stream": self.done % 2 == 1})
        self.socket.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.load.relay.address}\r\n"
                             "Authorization: Bearer "
                             f"{self.load.relay.token}\r\nContent-Type: application/json\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n"
                             + body).encode())

    def readable(self):
        part = self.socket.recv(65536)
        assert part, f"a connection was dropped after {self.done} requests, in {self.got!r}"
        self.got += part
        head, _, body = self.got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        whole = len(body) == int(length.group(1)) if length else body.endswith(b"0\r\n\r\n")
        if not whole:
            return
        assert self.got.startswith(b"HTTP/1.1 200 "), self.got
        number = int(re.search(rb'"number": (\d+)', body).group(1))
        assert number >= self.floor, f"key {number} served a request that began after {self.floor} had been published"
        self.done += 1
        if not self.load.enough:
            self.ask()


class Load:
    def __init__(self, relay):
        self.relay, self.published, self.enough, self.failure = relay, 0, False, None
        self.connections = [Connection(self) for _ in range(CONNECTIONS)]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            with selectors.DefaultSelector() as selector:
                for connection in self.connections:
                    selector.register(connection.socket, selectors.EVENT_READ, connection)
                    connection.ask()
                while not self.enough:
                    for event, _ in selector.select(PATIENCE):
                        event.data.readable()
        except Exception as failure:
            self.failure = failure

    def stop(self):
        self.enough = True
        self.thread.join(PATIENCE)
        for connection in self.connections:
            connection.socket.close()


class Rotation(unittest.TestCase):
    def test_200_keys_are_replaced_under_load(self):
        home, provider = Home(), MockProvider()
        self.addCleanup(home.close)
        self.addCleanup(provider.close)
        provider.usual = answer
        self.publish(home, provider, 0)
        relay = Relay(home)
        self.addCleanup(relay.close)
        load = Load(relay)
        try:
            for number in range(1, ROTATIONS + 1):
                self.publish(home, provider, number)
                load.published = number
                self.assertIsNone(load.failure)
        finally:
            load.stop()
        self.assertIsNone(load.failure)
        self.assertGreater(min(connection.done for connection in load.connections), 1)
        used = {number_of(request) for request in provider.seen}
        print(f"{sum(connection.done for connection in load.connections)} requests, {len(used)} keys")
        self.assertGreater(len(used), ROTATIONS // 2)
        self.assertNotIn(b"sk-test-rotation", home.printed)

    def publish(self, home, provider, number):
        home.write("config.yaml",
                   f"model:\n  provider: xiaomi\n  default: m\n  base_url: {provider.url}\n  api_key: {key(number)}\n")
        code, out, err = home.compile()
        self.assertEqual(code, 0, out + err)


if __name__ == "__main__":
    unittest.main()
