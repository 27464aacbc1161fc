"""A provider on loopback for the relay's tests, on raw sockets, because it has to misbehave: limits a key, streams
event by event when it is told to, echoes, lies about lengths, resets, redirects. What it does with a request is chosen
by the model in its body, or by the key."""
import json, re, socket, ssl, struct, threading


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.raw_headers = []

    def json(self):
        return json.loads(self.body or b"{}")

    @property
    def key(self):
        h = self.headers
        return h.get("authorization", "").removeprefix("Bearer ") or h.get("x-api-key") or h.get("x-goog-api-key") or ""


def http(status, body=b"", type="application/json", headers=(), length=None):
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {type}",
             f"Content-Length: {len(body) if length is None else length}",
             *[f"{name}: {value}" for name, value in headers]]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def limited(seconds=60, headers=()):
    return http(429, {"error": {"message": "slow down", "type": "rate_limit_error"}},
                headers=[("Retry-After", seconds), *headers])


class MockProvider:
    """`answers`: key -> bytes, or a function of (request, connection) that answers by itself and returns bytes or None.
    A key that is not in it gets what `usual` says."""

    def __init__(self, tls=None, path="/v1"):
        self.answers, self.seen, self.lock = {}, [], threading.Condition()
        self.usual = lambda request, connection: http(200, {"id": "ok", "key": "hidden", "path": request.target,
                                                            "usage": {"prompt_tokens": 3, "completion_tokens": 5}})
        self.connections = 0
        self.left = threading.Semaphore(0)  # released when a client leaves in the middle of a stream
        self.server = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.server.getsockname()[1]
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}{path}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            while (request := self.read(stream)) is not None:
                with self.lock:
                    self.seen.append(request)
                    self.lock.notify_all()
                answer = self.answers.get(request.key, self.usual)
                if callable(answer):
                    answer = answer(request, connection)
                if answer is None:
                    return
                connection.sendall(answer)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    @staticmethod
    def read(stream):
        line = stream.readline()
        if not line:
            return None
        method, target, _ = line.decode("latin-1").split()
        headers, raw = {}, []
        while (line := stream.readline().decode("latin-1").rstrip("\r\n")):
            name, value = line.split(":", 1)
            raw.append(line)
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while (size := int(stream.readline(), 16)):
                parts.append(stream.read(size))
                stream.readline()
            stream.readline()
            body = b"".join(parts)
        else:
            body = stream.read(int(headers.get("content-length", 0)))
        request = Request(method, target, headers, body)
        request.raw_headers = raw
        return request

    def keys(self):
        with self.lock:
            return [request.key for request in self.seen]

    def wait_seen(self, count, patience=60):
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.seen) >= count,
                                      patience), f"only {len(self.seen)} of {count} requests came"

    def close(self):
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
