"""hermes-relay on a home, and a client of it that sees every byte."""
import http.client, json, os, pathlib, re, signal, socket, subprocess, threading

from harness import BUILD, PATIENCE

RELAY = BUILD / "hermes-relay"


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, {k.lower(): v for k, v in response.getheaders()}, body

    def json(self):
        return json.loads(self.body)


class Relay:
    def __init__(self, home, *args, listen="127.0.0.1:0", threads=2, env=None, program=RELAY, **popen):
        self.home = home
        self.log = open(home.root / "relay.log", "ab+")
        self.start = self.log.seek(0, os.SEEK_END)
        self.process = subprocess.Popen([program, "--home", home.path, *(["--listen", listen] if listen else []),
                                         "--threads", str(threads), *args], env=dict(home.env, **(env or {})),
                                         stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.PIPE, **popen)
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        self.address = re.search(r"listening on (\S+) for", self.wait_log("listening on ")).group(1)
        self.token = (home.path / "compiled/relay.token").read_text().strip()
        if not self.address.startswith("unix:"):
            self.host, port = self.address.rsplit(":", 1)
            self.port = int(port)

    def read_log(self):
        for line in self.process.stderr:
            self.home.printed += line
            with self.changed:
                self.lines.append(line.decode())
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def wait_log(self, part, count=1):
        """The COUNT-th line of the log with that in it."""
        def found():
            fitting = [line for line in self.lines if line and part in line]
            return fitting[count - 1] if len(fitting) >= count else self.lines and self.lines[-1] is None and "ended"
        with self.changed:
            assert self.changed.wait_for(found, PATIENCE), f"{part!r} was not logged:\n{self.lines}"
            assert found() != "ended", f"the relay ended:\n{''.join(line for line in self.lines if line)}"
            return found()

    def connect(self):
        if self.address.startswith("unix:"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(PATIENCE)
            connection.connect(self.address[5:])
            return connection
        connection = socket.create_connection((self.host, self.port), PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def client(self):
        connection = http.client.HTTPConnection("127.0.0.1", getattr(self, "port", 0), timeout=PATIENCE)
        connection.sock = self.connect()
        return connection

    def request(self, method, path, body=None, headers=None, token=True, client=None):
        connection = client or self.client()
        headers = dict(headers or {})
        if token and not any(name.lower() in ("authorization", "x-api-key", "x-goog-api-key") for name in headers):
            headers["Authorization"] = "Bearer " + self.token
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = Answer(response, response.read())
        if client is None:
            connection.close()
        return answer

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def chat(self, model="some-model", path="/v1/chat/completions", **kwargs):
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        return self.request("POST", path, body, **kwargs)

    def raw(self, data):
        """Sends bytes, and returns everything until the relay closes."""
        connection = self.connect()
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while (part := connection.recv(65536)):
                answer += part
        except ConnectionResetError:
            pass
        connection.close()
        return answer

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            self.home.printed += pathlib.Path(f"/proc/{self.process.pid}/cmdline").read_bytes()
        code = self.stop()
        self.reader.join(PATIENCE)
        self.process.stderr.close()
        self.log.close()
        assert code == 0, f"hermes-relay ended with {code}:\n" + self.home.printed.decode("utf-8", "replace")[-3000:]
