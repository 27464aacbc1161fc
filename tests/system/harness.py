"""What the system tests share: a Hermes home in a temporary folder, hermes-watch with a notify socket of our own, the
two kinds of readers, and a provider on loopback. Nothing here sleeps: events are waited for."""
import fcntl, hashlib, http.client, http.server, json, os, pathlib, select, shutil, signal, socket, subprocess, sys
import tempfile, threading
import time, unittest, urllib.parse

BUILD = pathlib.Path(os.environ.get("HERMES_BUILD", pathlib.Path(__file__).parents[2] / "build/release"))
SHARED = pathlib.Path(os.environ.get("HERMES_SHARED", pathlib.Path(__file__).parents[3] / "shared"))
COMPILE, WATCH, READER = BUILD / "hermes-compile", BUILD / "hermes-watch", BUILD / "tests/reader"
PATIENCE = int(os.environ.get("PATIENCE", 60))  # seconds until a wait counts as a failure
OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private")


def has_own_mounts():
    """Not in a chroot whose root is no mount, for one."""
    works = os.getuid() == 0 and shutil.which(OWN_MOUNTS[0])
    return bool(works) and subprocess.run([*OWN_MOUNTS, "true"], capture_output=True).returncode == 0


def shared(pattern):
    """The files of ../shared that PATTERN names, one at least; where they are missing, a test is skipped."""
    paths = sorted(SHARED.glob(pattern))
    if not paths:
        raise unittest.SkipTest(f"SKIP: no ../shared/{pattern} here")
    return paths


def fingerprint(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()[:16]


def say_why(result, test, reason, add=unittest.TextTestResult.addSkip):
    """unittest tells reasons only where it tells everything; ./test lists them."""
    print("\nSKIP: " + reason.removeprefix("SKIP: "), flush=True)
    add(result, test, reason)


unittest.TextTestResult.addSkip = say_why


class Home:
    """A home and everything that any program ever printed about it."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hermes-home-"))
        self.path = self.root / "home"
        self.path.mkdir(mode=0o700)
        self.printed = b""
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.root),
                    "HERMES_MANAGED_DIR": str(self.root / "managed"),
                    "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def write(self, name, text):
        path = self.path / name
        data = text if isinstance(text, bytes) else text.encode()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, data)
        os.close(fd)
        return path

    def compile(self, *args, prefix=(), **kwargs):
        done = subprocess.run([*prefix, COMPILE, "--home", self.path, *args], env=self.env, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE, **kwargs)
        self.printed += done.stdout + done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def snapshot(self):
        return json.loads((self.path / "compiled/snapshot.json").read_text())

    def generation(self):
        try:
            return self.snapshot()["meta"]["generation"]
        except FileNotFoundError:
            return 0

    def pool(self, provider="xiaomi"):
        return json.loads((self.path / "auth.json").read_text())["credential_pool"].get(provider, [])

    def bytes_of(self, name):
        path = self.path / name
        return path.read_bytes() if path.exists() else None


class Watch:
    """hermes-watch on a home, or with ARGS on any; its STATUS lines are the events."""

    def __init__(self, home, *args, prefix=(), name="notify", **more):
        """NAME: of its socket, where there is another one. MORE: for Popen."""
        self.home, self.path = home, home.root / name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(PATIENCE)
        self.log = open(home.root / "watch.log", "ab+")
        env = dict(home.env, NOTIFY_SOCKET=str(self.path))
        command = [*prefix, WATCH, *(args or ("--home", home.path))]
        streams = {"stdin": subprocess.DEVNULL, "stdout": self.log, "stderr": self.log}
        self.process = subprocess.Popen(command, env=env, **{**streams, **more})
        self.ended = os.pidfd_open(self.process.pid)
        self.status, self.ready = "", False
        try:
            self.wait(lambda status: self.ready)
        except BaseException:
            self.abandon()
            raise

    def wait(self, fits):
        """Blocks until a STATUS line fits. It is sent when snapshot and pool are both in force."""
        while True:
            ready, _, _ = select.select([self.socket, self.ended], [], [], PATIENCE)
            if self.socket not in ready:
                raise AssertionError("hermes-watch %s; its last status: %s; its log:\n%s" % (
                    "ended" if ready else "says nothing", self.status, self.lines()[-3000:]))
            datagram = self.socket.recv(65536)
            self.home.printed += datagram
            self.ready = self.ready or b"READY=1" in datagram.splitlines()
            for line in datagram.decode().splitlines():
                if line.startswith("STATUS="):
                    self.status = line[7:]
                    if fits(self.status):
                        return self.status

    def wait_generation(self, number):
        return self.wait(lambda status: status.startswith(f"generation {number}") and "kept" not in status
                         and "waiting" not in status)

    def stop(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def overflow(self):
        """Of one that is stopped: more events than its queue takes. Two that are alike would become one."""
        limit = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        noise = [self.home.write(f"noise-{i}", "x") for i in range(2)]
        for i in range(limit + 1):
            os.close(os.open(noise[i % 2], os.O_WRONLY))

    def cmdline(self):
        return pathlib.Path(f"/proc/{self.process.pid}/cmdline").read_bytes()

    def lines(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def abandon(self):
        """Of a test that failed: what follows has a home and a socket again."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self.forget()

    def forget(self):
        self.home.printed += self.lines().encode()
        self.log.close()
        self.socket.close()
        os.close(self.ended)
        self.path.unlink()

    def close(self):
        if self.process.poll() is None:
            self.home.printed += self.cmdline()
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.forget()
        assert code == 0, f"hermes-watch ended with {code}:\n" + self.home.printed.decode()[-3000:]


class Loopback:
    """An HTTP server whose requests HANDLER answers."""

    def __init__(self, handler, port=0):
        class Quiet(handler):
            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a client that hung up

        self.server = Server(("127.0.0.1", port), Quiet)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Provider(Loopback):
    """Answers 200 to the keys in `good`, 429 to everything else."""

    def __init__(self):
        self.good, self.asked = set(), []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                key = self.headers.get("Authorization", "").removeprefix("Bearer ")
                provider.asked.append(key)
                self.send_response(200 if key in provider.good else 429)
                self.end_headers()

        super().__init__(Handler)
        self.url += "/v1"
        self.start()


def send(url, key):
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE)
    connection.request("GET", where.path, headers={"Authorization": "Bearer " + key})
    status = connection.getresponse().status
    connection.close()
    return status


class RuntimeReader:
    """A gateway on the runtime library that runs all the time."""

    def __init__(self, home):
        self.process = subprocess.Popen([READER, home.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def answer(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        url, key = self.process.stdout.readline().split()
        if key == "-":
            raise LookupError("no usable key")
        return send(url, key)

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class PoolReader:
    """Picks from auth.json by Hermes's rules, for every message anew."""

    def __init__(self, home):
        self.home = home

    def variables(self):
        lines = (self.home.path / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def pick(self):
        now = time.time()
        for entry in sorted(self.home.pool(), key=lambda entry: entry["priority"]):
            key = entry.get("access_token")
            if entry["source"].startswith("env:"):
                key = self.variables().get(entry["source"][4:])
            if not key or entry["last_status"] == "dead":
                continue
            until = entry["last_error_reset_at"] or (entry["last_status_at"] or 0) + 3600
            if entry["last_status"] == "exhausted" and now < until:
                continue
            return entry["base_url"], key
        raise LookupError("pool_exhausted")

    def answer(self):
        return send(*self.pick())
