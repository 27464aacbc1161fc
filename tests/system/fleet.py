"""etcd on loopback, and homes that belong to a fleet on it. Nothing here sleeps: lines and files are waited for."""
import contextlib, ctypes, json, os, pathlib, random, select, shutil, signal, socket, subprocess, tempfile, threading
import time, unittest

from harness import BUILD, PATIENCE, Home, Watch

FLEET = BUILD / "hermes-fleet"
CONFIG = """model:
  provider: xiaomi
hermes_watch:
  fleet:
    name: {name}
    endpoints: [{endpoints}]
    key_file: {key}
"""


def need_etcd():
    if not FLEET.exists() or shutil.which("etcd") is None or shutil.which("etcdctl") is None:
        raise unittest.SkipTest("SKIP: there is no etcd here")
    told = subprocess.run(["etcd", "--version"], capture_output=True, text=True).stdout
    version = tuple(int(number) for number in told.split("\n")[0].split()[-1].split(".")[:2])
    if version < (3, 4):
        raise unittest.SkipTest(f"SKIP: etcd {version} has no /v3 gateway")


GIVEN = set()  # ports: nobody may listen yet on one that was given a moment ago


def free_port():
    """Not one that the kernel may give to anybody's connection before a member listens there, or comes back to it."""
    while True:
        with socket.socket() as s:
            port = random.randrange(12000, 32000)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in GIVEN:
            GIVEN.add(port)
            return port


class Member:
    """One member of a cluster; its folder outlives a kill."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        self.client, self.peer = free_port(), free_port()
        self.process = None

    @property
    def url(self):
        return f"{self.cluster.scheme}://127.0.0.1:{self.client}"

    @property
    def peer_url(self):
        return f"{self.cluster.peer_scheme}://127.0.0.1:{self.peer}"

    def start(self, wait=True):
        c = self.cluster
        initial = ",".join(f"{m.name}={m.peer_url}" for m in c.members)
        command = ["etcd", "--name", self.name, "--data-dir", c.root / self.name, "--listen-client-urls", self.url,
                   "--advertise-client-urls", self.url, "--listen-peer-urls", self.peer_url,
                   "--initial-advertise-peer-urls", self.peer_url, "--initial-cluster", initial,
                   "--initial-cluster-token", c.token, *c.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.is_ready = threading.Event()
        self.thread = threading.Thread(target=self.drain, args=(self.process,), daemon=True)
        self.thread.start()
        if wait:
            self.wait_ready()

    def drain(self, process):
        with open(self.cluster.root / f"{self.name}.log", "ab") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if b"ready to serve client requests" in line:
                    self.is_ready.set()
        process.wait()
        self.is_ready.set()

    def wait_ready(self):
        assert self.is_ready.wait(PATIENCE) and self.process.poll() is None, (self.cluster.root / f"{self.name}.log"
                                                                             ).read_text()[-2000:]

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(PATIENCE)
            self.thread.join(PATIENCE)
            self.process.stdout.close()


class Etcd:
    """A cluster of COUNT members. TLS: a folder with ca.pem, server.pem and server-key.pem; clients and members need
    a certificate where it has client.pem."""

    def __init__(self, count=1, tls=None, options=()):
        need_etcd()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hermes-etcd-"))
        self.token = self.root.name
        self.scheme, self.peer_scheme, self.options = "http", "http", list(options)
        self.tls = tls
        if tls is not None:
            self.scheme = "https"
            self.options += ["--cert-file", tls / "server.pem", "--key-file", tls / "server-key.pem"]
            if (tls / "client.pem").exists():
                self.peer_scheme = "https"
                self.options += ["--client-cert-auth", "--trusted-ca-file", tls / "ca.pem", "--peer-client-cert-auth",
                                 "--peer-trusted-ca-file", tls / "ca.pem", "--peer-cert-file", tls / "server.pem",
                                 "--peer-key-file", tls / "server-key.pem"]
        for tries in range(5):
            self.members = [Member(self, f"n{i + 1}") for i in range(count)]
            for member in self.members:
                member.start(wait=False)
            try:
                for member in self.members:
                    member.wait_ready()
                return
            except AssertionError as error:  # another test was faster to take a port
                for member in self.members:
                    member.kill()
                    shutil.rmtree(self.root / member.name, ignore_errors=True)
                if "address already in use" not in str(error) or tries == 4:
                    raise

    @property
    def endpoints(self):
        return ", ".join(member.url for member in self.members)

    def certificates(self):
        if self.tls is None:
            return []
        client = ["--cert", self.tls / "client.pem", "--key", self.tls / "client-key.pem"]
        return ["--cacert", self.tls / "ca.pem", *(client if (self.tls / "client.pem").exists() else [])]

    def ctl(self, *args, check=True):
        command = ["etcdctl", "--endpoints", self.endpoints.replace(" ", ""), *self.certificates(), *args]
        return subprocess.run(command, env=dict(os.environ, ETCDCTL_API="3"), capture_output=True, text=True,
                              timeout=PATIENCE, check=check)

    def keys(self, prefix="/hermes-watch/"):
        return self.ctl("get", prefix, "--prefix", "--keys-only").stdout.split()

    @contextlib.contextmanager
    def watching(self, prefix):
        """Lines of `etcdctl watch`, from the first change on: none is missed."""
        command = ["etcdctl", "--endpoints", self.endpoints.replace(" ", ""), *self.certificates(), "watch", "--prefix",
                   "--rev", "1", prefix]
        process = subprocess.Popen(command, env=dict(os.environ, ETCDCTL_API="3"), stdout=subprocess.PIPE)
        try:
            yield process.stdout
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def bytes(self):
        """All that lies in its folders."""
        return b"".join(path.read_bytes() for path in self.root.rglob("*") if path.is_file())

    def close(self):
        for member in self.members:
            member.kill()
        shutil.rmtree(self.root, ignore_errors=True)


class Tap:
    """A way to a member that keeps a copy of all that goes by in both directions."""

    def __init__(self, member):
        self.member, self.seen = member, bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                here = self.listener.accept()[0]
                there = socket.create_connection(("127.0.0.1", self.member.client))
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self.forward, args=pair, daemon=True).start()

    def forward(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.seen += data
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        source.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.listener.close()


class FleetHome(Home):
    """A home of a fleet: a machine."""

    def __init__(self, etcd, key=None, name="prod", env="", more="", endpoints=None):
        super().__init__()
        self.etcd, self.name = etcd, name
        self.key = key or self.root / ".config/hermes" / f"{name}.fleet-key"
        if key is None:
            self.fleet("init", name)
        self.write("config.yaml", CONFIG.format(name=name, endpoints=endpoints or etcd.endpoints, key=self.key) + more)
        if env:
            self.write(".env", env)
        self.watch = None

    def fleet(self, *args, input=None, prefix=()):
        done = subprocess.run([*prefix, FLEET, "--home", self.path, *args], env=self.env, capture_output=True,
                              input=input if input is None else input.encode(), timeout=PATIENCE,
                              stdin=subprocess.DEVNULL if input is None else None)
        self.printed += done.stdout + done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def push(self, text):
        return self.fleet("push", input=text)

    def status(self):
        code, out, err = self.fleet("status", "--format", "json")
        return json.loads(out)

    def start(self):
        self.watch = Watch(self)
        return self

    def children(self):
        pid = self.watch.process.pid
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def wait_for(self, fits, what):
        """Until FITS, which is looked at whenever a file of the home or of its compiled/ changes."""
        libc = ctypes.CDLL(None, use_errno=True)
        (self.path / "compiled").mkdir(mode=0o700, exist_ok=True)
        fd = libc.inotify_init1(0o2000000)
        for folder in (self.path, self.path / "compiled"):
            # moved, created, closed, modified
            libc.inotify_add_watch(fd, str(folder).encode(), 0x80 | 0x100 | 0x8 | 0x2)
        until = time.monotonic() + PATIENCE
        events, pause = ([fd], 1) if fd >= 0 else ([], 0.05)  # all that this user may have are in use
        try:
            while True:
                found = fits()
                if found:
                    return found
                left = until - time.monotonic()
                assert left > 0, f"{what} never came:\n" + self.log()
                if select.select(events, [], [], min(left, pause))[0]:
                    os.read(fd, 65536)
        finally:
            if fd >= 0:
                os.close(fd)

    def fleet_state(self):
        try:
            return json.loads((self.path / "compiled/fleet.json").read_text())
        except FileNotFoundError:
            return {}

    def wait_state(self, **wanted):
        def fitting():
            s = self.fleet_state()
            return s if s and all(v(s[k]) if callable(v) else s[k] == v for k, v in wanted.items()) else None

        return self.wait_for(fitting, f"{wanted} in fleet.json")

    def wait_revision(self, number):
        """Until the revision is in force: the snapshot is made of it."""
        label = f"fleet:{self.name}@{number}"

        def fits():
            try:
                return any(s["path"] == label for s in self.snapshot()["content"]["sources"])
            except FileNotFoundError:
                return False
        return self.wait_for(fits, label)

    def first_key(self, provider="xiaomi"):
        providers = self.snapshot()["content"]["providers"]
        return providers[provider]["credentials"][0]["fingerprint"] if isinstance(providers, dict) else next(
            p["credentials"][0]["fingerprint"] for p in providers if p["id"] == provider)

    def log(self):
        path = self.root / "watch.log"
        return path.read_text() if path.exists() else ""

    def close(self):
        if self.watch is not None:
            self.watch.close()
            self.watch = None
        super().close()
