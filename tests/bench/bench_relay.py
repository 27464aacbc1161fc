"""hermes-relay beside nginx, @portkey-ai/gateway and floor_relay, which is the least that the relay's two libraries can
do, all in front of the same backend, in turn within one run; only ratios count.
    cmake --build --preset release && python3 tests/bench/bench_relay.py [--short] [--without-portkey] [--plain | --tls]
Once over HTTP and once with a backend of TLS: HTTP/2 for the relay and floor_relay, HTTP/1.1 for nginx, which has no
other towards a backend, and for the gateway. Wants nginx, wrk and openssl (.ci/install bench), and npm for the gateway,
which is left out where npm cannot be had."""
import http.client, os, pathlib, re, resource, selectors, shutil, socket, statistics, subprocess, sys, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from harness import BUILD, Home
from mock_provider import STREAM_HEAD, chunk
from relay import RELAY

SHORT = "--short" in sys.argv
ROUNDS, SECONDS = (2, 1) if SHORT else (7, 2)
GATEWAY = "@portkey-ai/gateway@1.15.2"
STREAMS = 10000
KEY, ANSWER = "sk-test-bench-relay", '{"id": "c", "choices": [{"message": {"content": "' + "x" * 950 + '"}}]}'
BODY = '{"model": "m", "messages": [{"role": "user", "content": "' + "hello " * 30 + '"}]}'
CPUS = sorted(os.sched_getaffinity(0))

NGINX = """%(user)s daemon off; worker_processes 1; pid %(folder)s/nginx.pid; error_log %(folder)s/error.log;
worker_rlimit_nofile 30000;
events { worker_connections 8192; }
http {
    access_log %(folder)s/access.log; keepalive_requests 1000000000; keepalive_timeout 600s;
    client_body_temp_path %(folder)s; proxy_temp_path %(folder)s; fastcgi_temp_path %(folder)s;
    uwsgi_temp_path %(folder)s; scgi_temp_path %(folder)s;
    %(servers)s
}"""
BACKEND = """access_log off; server { listen 127.0.0.1:%(port)d backlog=4096; default_type application/json;
    location / {
        if ($http_authorization ~ "limited") { return 429 '{"error": {"message": "slow down"}}'; }
        return 200 '%(answer)s';
    } }"""
SECURE = """upstream plain { server 127.0.0.1:%(backend)d; keepalive 1024; keepalive_requests 1000000000; }
    server { listen 127.0.0.1:%(port)d ssl http2 backlog=4096; ssl_certificate %(folder)s/cert.pem;
    ssl_certificate_key %(folder)s/key.pem; http2_max_concurrent_streams 128;
    location / { proxy_pass http://plain; proxy_http_version 1.1; proxy_set_header Connection ""; } }"""
PROXY = """upstream backend { server 127.0.0.1:%(backend)d; keepalive 1024; keepalive_requests 1000000000; }
    upstream secure { server 127.0.0.1:%(secure)d; keepalive 1024; keepalive_requests 1000000000; }
    upstream streams { server 127.0.0.1:%(streams)d; keepalive 1024; }
    server { listen 127.0.0.1:%(port)d backlog=4096; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Authorization "Bearer sk-test-bench-relay";
    location / { proxy_pass http://backend; }
    location /tls/ { proxy_pass https://secure/; proxy_ssl_verify on; proxy_ssl_name localhost;
        proxy_ssl_trusted_certificate %(folder)s/cert.pem; }
    location /streams/ { proxy_buffering off; proxy_pass http://streams/; } }"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_port(port):
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise TimeoutError(port)


def on(cpu):
    """The one that is measured has a processor of its own, where there are two."""
    return lambda: os.sched_setaffinity(0, {CPUS[cpu % len(CPUS)]})


class Nginx:
    def __init__(self, root, name, cpu, servers):
        folder = root / name
        folder.mkdir()
        (folder / "nginx.conf").write_text(NGINX % {"user": "user root;" if os.geteuid() == 0 else "", "folder": folder,
                                                    "servers": servers})
        self.process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-p", folder], preexec_fn=on(cpu),
                                        stderr=subprocess.DEVNULL)

    def pid(self):
        return int(subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                  text=True).stdout.split()[0])

    def close(self):
        self.process.terminate()
        self.process.wait()


class Relay:
    """One thread, and its access log in a file."""

    def __init__(self, home, port):
        self.host, self.port, self.address = "127.0.0.1", port, f"127.0.0.1:{port}"
        with open(home.root / "relay.log", "wb") as log:
            self.process = subprocess.Popen([RELAY, "--home", home.path, "--listen", self.address, "--threads", "1"],
                                            env=home.env,
                                            stderr=log, preexec_fn=on(1))
        wait_port(port)
        self.token = (home.path / "compiled/relay.token").read_text().strip()

    def pid(self):
        return self.process.pid

    def close(self):
        self.process.terminate()
        self.process.wait()


class Floor:
    def __init__(self, port, url):
        self.port = port
        self.process = subprocess.Popen([BUILD / "tests/floor_relay", str(port), url], preexec_fn=on(1))
        wait_port(port)

    def pid(self):
        return self.process.pid

    def close(self):
        self.process.terminate()
        self.process.wait()


class Gateway:
    def __init__(self, port, certificate):
        folder = BUILD.parent / "gateway"
        folder.mkdir(exist_ok=True)
        main = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
        if not main.exists():
            subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", GATEWAY], cwd=folder,
                           check=True,
                           stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(["node", main, f"--port={port}", "--headless"], preexec_fn=on(1),
                                        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(certificate)},
                                        stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def pid(self):
        return self.process.pid

    def close(self):
        self.process.kill()
        self.process.wait()


class StreamBackend:
    """Says the head and one event of a stream at once; ends it at once, or never, as the path says."""
    HEAD = STREAM_HEAD + chunk(b'data: {"delta": "one"}\n\n')
    END = chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        selector = selectors.EpollSelector()
        selector.register(self.server, selectors.EVENT_READ)
        while True:
            for event, _ in selector.select():
                if event.fileobj is self.server:
                    connection, _ = self.server.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(connection, selectors.EVENT_READ)
                    continue
                try:
                    asked = event.fileobj.recv(65536)
                except ConnectionResetError:
                    asked = b""
                if not asked:
                    selector.unregister(event.fileobj)
                    event.fileobj.close()
                elif asked.rstrip().endswith(b"}") or b"GET " in asked[:4]:
                    event.fileobj.send(self.HEAD)
                    if b"endless" not in asked:
                        event.fileobj.send(self.END)


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem", "-out",
                    folder / "cert.pem"], capture_output=True, check=True)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Resident MB, and those that nobody else has."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    kb = {name: int(value) for name, value in re.findall(r"(\w+): +(\d+) kB", text)}
    return kb["Rss"] / 1024, (kb["Private_Clean"] + kb["Private_Dirty"]) / 1024


UNITS = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}


def wrk(root, url, connections, headers, seconds):
    script = root / "post.lua"
    script.write_text(f"wrk.method = 'POST'\nwrk.body = '{BODY}'\n" +
                      "".join(f"wrk.headers[{name!r}] = {value!r}\n" for name, value in headers.items()))
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s",
                           script, url],
                          capture_output=True, text=True, preexec_fn=on(0))
    wrong = re.search(r"Non-2xx[^\n]*|Socket errors[^\n]*", done.stdout)
    if wrong:
        print(f"  {url} {connections}: {wrong.group(0)}")
    found = {share: float(value) * UNITS[unit]
             for share, value, unit in re.findall(r"(50|99)% +([\d.]+)(us|ms|s|m)", done.stdout)}
    rate = float(re.search(r"Requests/sec: +([\d.]+)", done.stdout).group(1))
    return found["50"], found["99"], rate or float("nan")


def throughput(root, who, what):
    """WHO: name -> (url, headers, process)."""
    table = {}
    for connections in (1, 64, 1000):
        asked = who
        seconds = SECONDS * 2 if connections == 1000 else SECONDS
        results = {name: [] for name in asked}
        for _ in range(ROUNDS):
            for name, (url, headers, process) in asked.items():
                before = cpu_seconds(process.pid())
                p50, p99, rate = wrk(root, url, connections, headers, seconds)
                spent = cpu_seconds(process.pid()) - before
                # on a busy machine a slow one may not come to an answer
                results[name].append((p50, p99, rate, spent / max(rate * seconds, 1) * 1e6))
        table[connections] = {name: [statistics.median(column) for column in zip(*rows)]
                              for name, rows in results.items()}
    print(f"\n1 KB answers, {what}, one thread, median of {ROUNDS} interleaved rounds of {SECONDS} s\n"
          "| connections | | p50 ms | p99 ms | requests/s | CPU us/request | added p50 | added p99 "
          "| throughput | CPU |\n"
          "|-|-|-|-|-|-|-|-|-|-|")
    for connections, rows in table.items():
        direct, nginx = rows["direct"], rows["nginx"]
        for name, row in rows.items():
            added = [f"{(row[i] - direct[i]) / (nginx[i] - direct[i]):.2f}" if nginx[i] > direct[i] else "?"
                     for i in (0, 1)] if name != "direct" else ["", ""]
            print(f"| {connections} | {name} | {row[0]:.3f} | {row[1]:.2f} | {row[2]:.0f} | {row[3]:.1f} "
                  f"| {added[0]} | {added[1]} | "
                  f"{row[2] / nginx[2]:.2f} | {row[3] / nginx[3]:.2f} |")
    print("(CPU: as a multiple of nginx's; added: latency above the direct one, likewise; throughput: as a share)")
    if "portkey" in who:
        for connections, rows in table.items():
            direct, ours, theirs = rows["direct"], rows["hermes-relay"], rows["portkey"]
            print(f"beside portkey at {connections}: {ours[2] / theirs[2]:.1f} times the throughput, "
                  f"1/{(theirs[0] - direct[0]) / max(ours[0] - direct[0], 1e-9):.0f} of the added latency")


def request_time(connection, path, headers, first_byte=False):
    start = time.perf_counter()
    connection.request("POST", path, BODY, headers)
    response = connection.getresponse()
    if first_byte:
        response.read(1)
    else:
        response.read()
    took = time.perf_counter() - start
    response.read()
    return took * 1000


def first_byte(ports):
    """PORTS: name -> (port, path, headers)."""
    connections = {name: http.client.HTTPConnection("127.0.0.1", port) for name, (port, _, _) in ports.items()}
    times = {name: [] for name in ports}
    for round in range(200 if SHORT else 1500):
        for name, (_, path, headers) in ports.items():
            times[name].append(request_time(connections[name], path, headers, True))
    medians = {name: statistics.median(values[20:]) for name, values in times.items()}
    added = {name: value - medians["direct"] for name, value in medians.items()}
    print("\nfirst byte of a stream, median: "
          + ", ".join(f"{name} {value:.3f} ms" for name, value in medians.items()) +
          f"; whole: {medians['hermes-relay'] / medians['nginx']:.2f} times nginx's; "
          f"added: {added['hermes-relay'] / added['nginx']:.2f} times")


def failover(home, relay, backend, configure):
    """In each round a key that nobody knows yet is refused first, and then only the good one is asked."""
    client, direct = (http.client.HTTPConnection("127.0.0.1", port) for port in (relay.port, backend))
    headers = {"Authorization": "Bearer " + relay.token, "Content-Type": "application/json"}
    refused, served, trips = [], [], []
    for number in range(20 if SHORT else 150):
        configure(f"sk-test-limited-{number:06}")
        for path in ("/other/v1/warm", "/other/v1/warm"):
            request_time(client, path, headers)
        refused.append(request_time(client, "/v1/chat/completions", headers))
        served.append(request_time(client, "/v1/chat/completions", headers))
        for key in ("warm", "limited"):
            took = request_time(direct, "/v1/chat/completions", {"Authorization": "Bearer " + key})
        trips.append(took)
    medians = [statistics.median(values) for values in (refused, served, trips)]
    print(f"\nfailover: {medians[0]:.3f} ms with it, {medians[1]:.3f} without, one round trip {medians[2]:.3f} ms: "
          f"{medians[0] - medians[1] - medians[2]:+.3f} ms beyond the round trip")


def idle_streams(relay):
    """RELAY is a fresh one."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    count = min(STREAMS, limit // 2 - 500)  # the relay, and this process, have two descriptors a stream
    if SHORT:
        count = min(count, 1000)
    before = memory(relay.process.pid)
    request = (f"POST /streams/v1/endless HTTP/1.1\r\nHost: {relay.address}\r\nAuthorization: Bearer {relay.token}\r\n"
               f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}").encode()
    open_streams = []
    for at in range(0, count, 200):
        batch = [socket.create_connection((relay.host, relay.port)) for _ in range(min(200, count - at))]
        for stream in batch:
            stream.sendall(request)
        for stream in batch:
            got = b""
            while b"data:" not in got:
                part = stream.recv(4096)
                assert part, got
                got += part
        open_streams += batch
    after = memory(relay.process.pid)
    print(f"\n{count} idle streams: {after[0]:.1f} MB resident ({after[1]:.1f} private), {before[0]:.1f} before; "
          f"{(after[0] - before[0]) * 1024 / count:.1f} KB a stream")
    for stream in open_streams:
        stream.close()


def main():
    if shutil.which("wrk") is None or shutil.which("nginx") is None:
        sys.exit("wrk or nginx is missing: .ci/install bench")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (50000, 50000))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    home, streams = Home(), StreamBackend()
    backend_port, secure_port, proxy_port, gateway_port = (free_port() for _ in range(4))
    closing = [home.close]

    def configure(key):
        home.write("config.yaml",
                   f"model:\n  provider: xiaomi\n  default: m\n  base_url: http://127.0.0.1:{backend_port}/v1\n"
                   f"  api_key: {key}\ncredential_pool_sources:\n  xiaomi: [SPARE]\ncustom_providers:\n"
                   f"  - name: other\n    base_url: http://127.0.0.1:{backend_port}/v1\n    api_key: {KEY}-other\n"
                   f"  - name: streams\n    base_url: http://127.0.0.1:{streams.port}/v1\n    api_key: {KEY}-streams\n"
                   f"  - name: secure\n    base_url: https://localhost:{secure_port}/v1\n    api_key: {KEY}-secure\n"
                   f"    ssl_ca_cert: {home.root}/cert.pem\n")
        home.write(".env", f"SPARE={KEY}-spare\n")
        code, out, err = home.compile()
        assert code == 0, out + err

    try:
        certificate(home.root)
        configure(KEY)
        servers = (BACKEND % {"port": backend_port, "answer": ANSWER},  # its TLS server hears a body before it answers
                   SECURE % {"port": secure_port, "backend": backend_port, "folder": home.root})
        backend = Nginx(home.root, "backend", 0, "\n".join(servers))
        closing.append(backend.close)
        proxy = Nginx(home.root, "proxy", 1, PROXY % {"port": proxy_port, "backend": backend_port,
                                                      "secure": secure_port, "streams": streams.port,
                                                      "folder": home.root})
        closing.append(proxy.close)
        relay = Relay(home, free_port())
        closing.append(relay.close)
        json_type, token = {"Content-Type": "application/json"}, {"Authorization": "Bearer " + relay.token}
        path = "/v1/chat/completions"
        plain, secure = f"http://127.0.0.1:{backend_port}", f"https://localhost:{secure_port}"
        floors = [Floor(free_port(), url) for url in (plain, secure)]
        closing += [floor.close for floor in floors]

        def row(url, at_nginx, at_relay, floor):
            return {"direct": (url + path, json_type, backend),
                    "nginx": (f"http://127.0.0.1:{proxy_port}{at_nginx}{path}", json_type, proxy),
                    "hermes-relay": (f"http://{relay.address}{at_relay}{path}", {**json_type, **token}, relay),
                    "floor_relay": (f"http://127.0.0.1:{floor.port}{path}", json_type, floor)}
        who, with_tls = row(plain, "", "", floors[0]), row(secure, "/tls", "/secure", floors[1])
        if shutil.which("npm") is not None and "--without-portkey" not in sys.argv:
            gateway = Gateway(gateway_port, home.root / "cert.pem")
            closing.append(gateway.close)
            wait_port(gateway_port)
            for rows, url in (who, plain), (with_tls, secure):
                rows["portkey"] = (f"http://127.0.0.1:{gateway_port}{path}", {
                    **json_type, "Authorization": "Bearer " + KEY, "x-portkey-provider": "openai",
                    "x-portkey-custom-host": f"{url}/v1"}, gateway)
        wait_port(proxy_port)
        if not {"--streams", "--tls"} & set(sys.argv):
            throughput(home.root, who, "HTTP")
        if not {"--streams", "--plain"} & set(sys.argv):
            throughput(home.root, with_tls, "a backend of TLS")
        if "--streams" not in sys.argv:
            time.sleep(2)  # until the relay has given back what it needs no more
            print("\nresident (private) MB after that: " +
                  ", ".join("{} {:.1f} ({:.1f})".format(name, *memory(process.pid()))
                            for name, (_, _, process) in who.items()))
        first_byte({"direct": (streams.port, "/v1/ends", json_type),
                    "nginx": (proxy_port, "/streams/v1/ends", json_type),
                    "hermes-relay": (relay.port, "/streams/v1/ends", {**json_type, **token})})
        failover(home, relay, backend_port, configure)
        fresh = Relay(home, free_port())
        closing.append(fresh.close)
        idle_streams(fresh)
    finally:
        for close in reversed(closing):
            close()


if __name__ == "__main__":
    main()
