"""hermes-compile --probe and hermes_watch.require_probe, against providers on loopback: what a key is said to be, what
is sent where, and what is not."""
import fcntl, http.server, json, os, pathlib, shutil, socket, ssl, subprocess, threading, unittest

from harness import BUILD, COMPILE, PATIENCE, WATCH, Home, Loopback, Watch, fingerprint

OLD, NEW = "sk-test-old-aaaaaaaa-1", "sk-test-new-bbbbbbbb-2"
BAD, LIMITED = "sk-test-bad-cccccccc-3", "sk-test-lim-dddddddd-4"


class Provider(Loopback):
    """Answers each key with the status that `answers` has for it; `gate` holds answers back while it is closed."""

    def __init__(self, answers, tls=None, location=None):
        self.answers, self.asked, self.gate, self.arrived = answers, [], threading.Event(), threading.Semaphore(0)
        self.gate.set()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                key = self.headers.get("Authorization", "").removeprefix("Bearer ") or self.headers.get("x-api-key", "")
                provider.asked.append((self.path, key, dict(self.headers)))
                provider.arrived.release()
                provider.gate.wait(PATIENCE)
                self.send_response(provider.answers.get(key, 500))
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        super().__init__(Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1"
        self.start()

    def keys(self):
        return [key for _, key, _ in self.asked]

    def wait(self):
        assert self.arrived.acquire(timeout=PATIENCE), "nobody asked"

    def close(self):
        self.gate.set()
        super().close()


def config(key, url, more="", provider="xiaomi"):
    return f"model:\n  provider: {provider}\n  default: m\n  base_url: {url}\n  api_key: {key}\n{more}"


REQUIRE = "hermes_watch:\n  require_probe: true\n"


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


class Case(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.closing = []

    def tearDown(self):
        for what in reversed(self.closing):
            what.close()
        for key in (OLD, NEW, BAD, LIMITED, "sk-test"):
            self.assertNotIn(key.encode(), self.home.printed)
        self.home.close()

    def provider(self, answers, **more):
        provider = Provider(answers, **more)
        self.closing.append(provider)
        return provider

    def watch(self, *more):
        watch = Watch(self.home, *(("--home", self.home.path, *more) if more else ()))
        self.closing.append(watch)
        return watch

    def key_in_force(self):
        return self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]["secret"]

    def probe(self, *args):
        code, out, err = self.home.compile("--probe", "--format", "json", *args)
        return code, [(p["provider"], p["state"], p.get("status")) for p in json.loads(out)["probes"]]


class ByHand(Case):
    def test_every_answer_has_its_word(self):
        provider = self.provider({NEW: 200, BAD: 401, LIMITED: 429, OLD: 403})
        self.home.write("config.yaml", config(NEW, provider.url))
        self.assertEqual(self.probe(), (0, [("xiaomi", "works", 200)]))
        path, key, headers = provider.asked[0]
        self.assertEqual((path, key), ("/v1/models", NEW))
        self.home.write(".env", f"XIAOMI_API_KEY={BAD}\n")
        self.assertEqual(self.probe("mimo"), (3, [("xiaomi", "works", 200), ("xiaomi", "refused", 401)]))
        self.home.write("config.yaml", config(LIMITED, provider.url))
        self.assertEqual(self.probe(), (3, [("xiaomi", "limited", 429), ("xiaomi", "refused", 401)]))
        origin = json.loads(self.home.compile("--probe", "--format", "json")[1])["probes"][1]["origin"]
        self.assertEqual(origin, {"path": ".env", "line": 1, "column": 16, "key": "XIAOMI_API_KEY"})
        code, out, _ = self.home.compile("--probe")
        self.assertIn(f"xiaomi  {fingerprint(LIMITED)}  limited (429)  (config.yaml:5:12 model.api_key)", out)
        self.home.write("config.yaml", config(OLD, provider.url))
        self.assertIn(("xiaomi", "refused", 403), self.probe()[1])
        self.assertEqual(self.home.compile("--probe", "nobody"),
                         (2, "",
                          'hermes-compile: "nobody" is not a provider of the sources; --status lists the providers\n'))

    def test_nobody_there(self):
        self.home.write("config.yaml", config(NEW, f"http://127.0.0.1:{unused_port()}/v1"))
        self.assertEqual(self.probe(), (4, [("xiaomi", "unreachable", None)]))

    def test_a_custom_provider_and_one_like_anthropic(self):
        provider = self.provider({NEW: 200, OLD: 200})
        self.home.write("config.yaml", config(NEW, provider.url.removesuffix("/v1"), provider="anthropic") +
                        f"custom_providers:\n- {{name: mine, base_url: {provider.url}/, api_key: {OLD}}}\n")
        self.assertEqual(self.probe(), (0, [("anthropic", "works", 200), ("custom:mine", "works", 200)]))
        asked = {key: (path, headers) for path, key, headers in provider.asked}
        self.assertEqual(asked[NEW][0], "/v1/models")
        self.assertEqual(asked[NEW][1]["anthropic-version"], "2023-06-01")
        self.assertEqual(asked[OLD][0], "/v1/models")

    def test_a_redirect_is_not_followed(self):
        elsewhere = self.provider({NEW: 200})
        provider = self.provider({NEW: 302}, location=elsewhere.url + "/models")
        self.home.write("config.yaml", config(NEW, provider.url))
        self.assertEqual(self.probe()[0], 3)
        self.assertEqual((provider.keys(), elsewhere.keys()), ([NEW], []))

    def test_proxies_come_from_the_sources_alone(self):
        proxy = self.provider({NEW: 200})
        self.home.write("config.yaml", config(NEW, "http://llm.example.invalid/v1"))
        address = f"http://127.0.0.1:{proxy.port}"
        self.home.env |= {name: address for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")}
        self.assertEqual(self.probe(), (4, [("xiaomi", "unreachable", None)]))
        self.assertEqual(proxy.asked, [])
        self.home.write(".env", f"HTTP_PROXY={address}\n")
        self.assertEqual(self.probe(), (0, [("xiaomi", "works", 200)]))
        self.assertEqual(proxy.asked[0][0], "http://llm.example.invalid/v1/models")
        self.home.write(".env", f"HTTP_PROXY={address}\nNO_PROXY=.example.invalid\n")
        self.assertEqual(self.probe()[0], 4)

    def test_a_netrc_of_the_user_is_not_read(self):
        provider = self.provider({NEW: 200})
        (self.home.root / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
        self.home.write("config.yaml", config(NEW, provider.url))
        self.assertEqual(self.probe()[0], 0)
        self.assertEqual(provider.asked[0][2]["Authorization"], "Bearer " + NEW)

    @unittest.skipUnless(shutil.which("openssl"), "SKIP: no openssl to make a certificate with")
    def test_tls_is_verified(self):
        pair = [str(self.home.root / name) for name in ("cert.pem", "key.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-out", pair[0], "-keyout", pair[1]],
                       check=True, capture_output=True)
        provider = self.provider({NEW: 200}, tls=pair)
        self.home.write("config.yaml", config(NEW, provider.url))
        self.home.env["SSL_CERT_FILE"] = pair[0]
        self.assertEqual(self.probe(), (4, [("xiaomi", "unreachable", None)]))
        self.assertEqual(provider.asked, [])
        self.home.write(".env", f"SSL_CERT_FILE={pair[0]}\n")
        self.assertEqual(self.probe(), (0, [("xiaomi", "works", 200)]))

    def test_no_key_in_arguments_or_environment(self):
        provider = self.provider({NEW: 200})
        provider.gate.clear()
        self.home.write("config.yaml", config(NEW, provider.url))
        process = subprocess.Popen([COMPILE, "--home", self.home.path, "--probe"], env=self.home.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        provider.wait()
        helper, = children(process.pid)
        for pid in (process.pid, helper):
            for name in ("cmdline", "environ", "comm"):
                self.assertNotIn(b"sk-test", pathlib.Path(f"/proc/{pid}/{name}").read_bytes())
        self.assertEqual(pathlib.Path(f"/proc/{helper}/cmdline").read_bytes(), b"hermes-http\0")
        self.assertEqual(pathlib.Path(f"/proc/{helper}/environ").read_bytes(), b"")
        provider.gate.set()
        self.home.printed += b"".join(process.communicate(timeout=PATIENCE))
        self.assertEqual(process.returncode, 0)

    def test_without_the_helper(self):
        alone = self.home.root / "hermes-compile"
        shutil.copy(COMPILE, alone)
        self.home.write("config.yaml", config(NEW, "http://127.0.0.1:1/v1"))
        done = subprocess.run([alone, "--home", self.home.path, "--probe"], env=self.home.env, capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 4)
        self.assertIn("unreachable: hermes-http: No such file or directory", done.stdout)

    def test_a_login_to_anthropic_travels_as_a_bearer(self):
        provider = self.provider({"sk-ant-oat-test-fake": 200})
        self.home.write("config.yaml", config("sk-ant-oat-test-fake", provider.url, provider="anthropic"))
        self.assertEqual(self.probe(), (0, [("anthropic", "works", 200)]))
        self.assertNotIn("x-api-key", provider.asked[0][2])

    def test_only_the_helper_links_libcurl(self):
        for program, linked in ((COMPILE, set()), (WATCH, set()), (BUILD / "hermes-http", {"curl", "ssl"})):
            listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
            self.assertEqual({name for name in ("curl", "ssl") if f"lib{name}" in listed}, linked, program)


class Required(Case):
    def start(self, answers):
        self.server = self.provider({OLD: 200} | answers)
        self.home.write("config.yaml", config(OLD, self.server.url, REQUIRE))
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(self.server.asked, [])  # there was nothing to protect

    def test_hermes_compile_keeps_a_working_key(self):
        self.start({BAD: 401, NEW: 200, LIMITED: 429})
        before = {name: self.home.bytes_of(name) for name in ("compiled/snapshot.json", "auth.json")}
        self.home.write("config.yaml", config(BAD, self.server.url, REQUIRE))
        code, _, err = self.home.compile()
        self.assertEqual(code, 1)
        self.assertIn("config.yaml:5:12: error[key-refused]: Xiaomi MiMo refuses this key: refused (401)", err)
        self.assertEqual(before, {name: self.home.bytes_of(name) for name in before})
        self.home.write("config.yaml", config(NEW, self.server.url, REQUIRE))
        self.assertEqual(self.home.compile()[0], 0)
        self.assertEqual(self.key_in_force(), NEW)
        self.home.write("config.yaml", config(LIMITED, self.server.url, REQUIRE))
        code, _, err = self.home.compile()
        self.assertEqual((code, self.key_in_force()), (0, LIMITED))
        self.assertIn("warning[key-unproven]", err)
        self.assertEqual(self.server.keys(), [BAD, NEW, LIMITED])  # each new one, once
        self.assertEqual(self.home.compile("--explain-code", "key-refused")[0], 0)

    def test_hermes_compile_keeps_nobody_out_while_a_provider_thinks(self):
        self.start({NEW: 200})
        self.home.write("config.yaml", config(NEW, self.server.url, REQUIRE))
        self.server.gate.clear()
        asking = subprocess.Popen([COMPILE, "--home", self.home.path, "--quiet"], env=self.home.env)
        self.server.wait()
        with open(self.home.path / "compiled/compile.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.home.write("config.yaml", config(OLD, self.server.url))
        self.assertEqual((self.home.compile()[0], self.home.generation()), (0, 2))
        self.server.gate.set()
        self.assertEqual(asking.wait(PATIENCE), 0)
        self.assertEqual((self.home.generation(), self.key_in_force()), (2, OLD))

    def test_a_dead_network_keeps_nothing_back(self):
        self.start({})
        self.home.write("config.yaml", config(NEW, f"http://127.0.0.1:{unused_port()}/v1", REQUIRE))
        code, _, err = self.home.compile()
        self.assertEqual((code, self.key_in_force()), (0, NEW))
        self.assertIn("warning[key-unproven]", err)

    def test_settings_are_checked(self):
        for line in ("require_probe: maybe", "notify_url: ftp://x/", "notify_url: [a]", "reload_unit: no/unit.service",
                     "reload_unit: hermes", "settle_ms: soon", "cooldown_429: 0", "cooldown_401: soon"):
            self.home.write("config.yaml", config(OLD, "http://127.0.0.1:1/v1", f"hermes_watch:\n  {line}\n"))
            code, _, err = self.home.compile("--check")
            self.assertEqual(code, 1, line)
            self.assertIn("error[wrong-type]: hermes_watch." + line.split(":")[0], err)

    def test_hermes_watch_keeps_a_working_key(self):
        self.start({BAD: 403, NEW: 200, LIMITED: 429})
        watch = self.watch()
        self.home.write("config.yaml", config(BAD, self.server.url, REQUIRE))
        watch.wait(lambda status: "kept" in status and "key-refused" in status)
        self.assertEqual(self.key_in_force(), OLD)
        self.home.write("config.yaml", "model: [\n")
        watch.wait(lambda status: "yaml-syntax" in status)
        self.home.write("config.yaml", config(BAD, self.server.url, REQUIRE))
        watch.wait(lambda status: "key-refused" in status)
        self.assertEqual(self.server.keys(), [BAD])  # saving it again does not ask again
        self.home.write("config.yaml", config(NEW, self.server.url, REQUIRE))
        watch.wait_generation(2)
        self.assertEqual(self.key_in_force(), NEW)
        self.home.write("config.yaml", config(LIMITED, self.server.url, REQUIRE))
        watch.wait_generation(3)
        self.home.write("config.yaml", config(OLD, f"http://127.0.0.1:{unused_port()}/v1", REQUIRE))
        watch.wait_generation(4)

    def test_hermes_watch_goes_on_while_a_provider_thinks(self):
        self.start({NEW: 200, LIMITED: 200})
        other = Home()
        self.closing.append(other)
        other.write("config.yaml", config(OLD, "http://127.0.0.1:1/v1"))
        watch = self.watch("--home", other.path)
        self.server.gate.clear()
        self.home.write("config.yaml", config(NEW, self.server.url, REQUIRE))
        self.server.wait()
        helper, = children(watch.process.pid)
        self.assertNotIn(b"sk-test", pathlib.Path(f"/proc/{helper}/environ").read_bytes())
        other.write("config.yaml", config(NEW, "http://127.0.0.1:1/v1"))
        watch.wait(lambda status: "generation 2, " in status)
        self.assertEqual(other.generation(), 2)  # while the first home still waits
        self.assertEqual(self.home.generation(), 1)
        self.home.write("config.yaml", config(LIMITED, self.server.url, REQUIRE))  # asks another question
        self.server.wait()
        self.assertNotIn(helper, children(watch.process.pid))
        self.server.gate.set()
        watch.wait(lambda status: str(self.home.path) in status and "generation 2, " in status)
        self.assertEqual(self.key_in_force(), LIMITED)


if __name__ == "__main__":
    unittest.main()
