"""hermes-relay between a client and a provider of whom neither may see what is the other's."""
import gzip, json, os, subprocess, time, unittest, zlib

from harness import PATIENCE, Watch, fingerprint
from mock_provider import chunk, http
from relay import RELAY
from relay_case import KEY, RelayCase

LOGIN = "sk-ant-oat-test-login-5555"


class ToTheClient(RelayCase):
    def check(self, answer):
        self.assertNotIn(KEY, repr((answer.headers, answer.body)))
        return answer

    def test_an_answer_in_an_encoding_that_nobody_asked_for_is_decoded_and_masked(self):
        told = json.dumps({"error": {"message": "bad key " + KEY}}).encode()
        for status in (200, 400):
            for name, encoded in [("gzip", gzip.compress(told)), ("deflate", zlib.compress(told))]:
                self.openai.answers = {KEY: http(status, encoded, headers=[("Content-Encoding", name)])}
                with self.subTest(name, status=status):
                    answer = self.check(self.relay().chat(headers={"Accept-Encoding": "gzip"}))
                    self.assertEqual((answer.status, answer.body),
                                     (status, told.replace(KEY.encode(), b"*" * len(KEY))))
                    self.assertNotIn("content-encoding", answer.headers)
                    self.assertEqual(self.openai.seen[-1].headers["accept-encoding"], "identity")

    def test_an_encoding_that_is_not_known_does_not_pass(self):
        self.openai.answers = {KEY: http(200, b"\x01" + KEY.encode(), headers=[("Content-Encoding", "compress")])}
        self.assertEqual(self.check(self.relay().chat()).status, 502)
        self.assertEqual(len(self.openai.seen), 1)

    def test_a_key_is_masked_in_names_of_headers_in_trailers_and_cut_short(self):
        relay = self.relay()
        self.openai.answers = {KEY: http(200, b"ok", headers=[("X-" + KEY, 1), ("Location", "/" + KEY)])}
        self.check(relay.chat())
        self.openai.answers = {KEY: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
                               + chunk(b"ok") +
                               b"0\r\nX-T: " + KEY.encode() + b"\r\n\r\n"}
        self.check(relay.chat())
        self.openai.answers = {KEY: http(200, b"ends in " + KEY[:-1].encode(), type="text/plain")}
        self.assertEqual(relay.chat().body, b"ends in " + b"*" * (len(KEY) - 1))


def places_of(pid, text):
    """For each place in its writable memory that has TEXT: whether that is locked and kept out of core dumps."""
    found, area = [], None
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/smaps") as maps:
        for line in maps:
            words = line.split()
            if not words[0].endswith(":"):
                area = [int(end, 16) for end in words[0].split("-")] if words[1].startswith("rw") else None
            elif words[0] == "VmFlags:" and area and area[1] - area[0] < 1 << 30:
                try:
                    memory.seek(area[0])
                    count = memory.read(area[1] - area[0]).count(text.encode())
                except OSError:
                    continue  # not even its own process may read it
                found += [{"lo", "dd"} <= set(words)] * count
    return found


class InMemory(RelayCase):
    def test_a_key_lies_in_locked_memory_and_is_wiped_when_it_was_replaced(self):
        if os.geteuid() != 0 or self.sanitized():
            self.skipTest("SKIP: the memory of another process cannot be read, or is not as it would be")
        relay = self.relay(threads=1)
        self.assertEqual({relay.chat().status for _ in range(8)}, {200})
        self.assertEqual(set(places_of(relay.process.pid, KEY)), {True})
        self.configure(key=KEY.replace("1111", "9999"))
        self.assertEqual(relay.chat().status, 200)
        self.assertIn("9999", self.openai.seen[-1].headers["authorization"])
        relay.get("/status")
        self.assertEqual(places_of(relay.process.pid, KEY), [])

    def sanitized(self):
        return b"__asan_init" in RELAY.read_bytes()


class ToTheProvider(RelayCase):
    def test_neither_the_token_nor_the_clients_keys_go_there_under_any_name(self):
        relay = self.relay()
        answer = relay.chat(path=f"/v1/chat/completions?a=1&%6bey=x&access_token=x&token={relay.token}&b=2",
                            headers={"X_Api_Key": relay.token, "X-Auth-Token": relay.token, "Authorization": "Bearer "
                                     + relay.token})
        self.assertEqual(answer.status, 200)
        asked = self.openai.seen[0]
        self.assertEqual(asked.target, "/v1/chat/completions?a=1&b=2")
        self.assertNotIn(relay.token, repr(asked.raw_headers))

    def test_a_login_to_anthropic_travels_as_a_bearer(self):
        env = self.home.path / ".env"
        env.write_text(env.read_text() + f"ANTHROPIC_API_KEY={LOGIN}\n")
        self.home.compile()
        answer = self.relay().chat(path="/anthropic/v1/messages", headers={"anthropic-beta": "own-beta"})
        self.assertEqual(answer.status, 200)
        asked = self.anthropic.seen[0]
        self.assertEqual((asked.headers["authorization"], asked.headers.get("x-api-key")), ("Bearer " + LOGIN, None))
        betas = [line.split(": ")[1] for line in asked.raw_headers if line.lower().startswith("anthropic-beta:")]
        self.assertEqual(betas, ["own-beta", "oauth-2025-04-20"])

    def test_a_configured_authorization_stands_in_the_keys_place(self):
        self.configure("      authorization: Basic dGVzdA==\n")
        relay = self.relay()
        self.assertEqual(relay.chat(path="/custom:extra/v1/chat/completions").status, 200)
        self.assertEqual(self.home.compile("--probe", "custom:extra")[0], 0)
        for asked in self.extra.seen:
            sent = [line for line in asked.raw_headers if line.lower().startswith("authorization:")]
            self.assertEqual(sent, ["authorization: Basic dGVzdA=="])
        self.assertEqual(len(self.extra.seen), 2)

    def test_the_proxy_of_the_env_files_counts(self):
        self.home.write(".env", (self.home.path / ".env").read_text()
                        + f"HTTP_PROXY={self.extra.url.removesuffix('/v1')}\n")
        self.configure_url("http://provider.test/v1")
        self.assertEqual(self.relay().chat().status, 200)
        self.assertEqual([asked.target for asked in self.extra.seen], ["http://provider.test/v1/chat/completions"])

    def configure_url(self, url):
        config = self.home.path / "config.yaml"
        config.write_text(config.read_text().replace(self.openai.url, url))
        code, out, err = self.home.compile()
        self.assertEqual(code, 0, out + err)

    def test_a_post_of_nothing_says_that_it_is_empty(self):
        for headers in ("Content-Length: 0\r\n", ""):
            relay = self.relay()
            answer = relay.raw("POST /v1/batches/1/cancel HTTP/1.1\r\nHost: localhost\r\n"
                               f"Authorization: Bearer {relay.token}\r\n"
                               f"Connection: close\r\n{headers}\r\n".encode())
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
            self.assertEqual(self.openai.seen[-1].headers["content-length"], "0")

    def test_methods_and_headers_that_would_be_read_in_two_ways_are_refused(self):
        relay = self.relay()
        for line, more, status in [('G"T /v1/models', "", 405), ("G\x1b[1m /v1/models", "", 405),
                                   ("GET /v1/models", "Connection: x-a\r\nx-a: 1\r\n", 400)]:
            answer = relay.raw(f"{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {relay.token}\r\n"
                               f"{more}Connection: close\r\n\r\n".encode())
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), answer)
        self.assertEqual(self.openai.seen, [])

    def test_no_other_protocol_is_switched_to(self):
        self.openai.answers = {KEY: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                    b"\r\n\x81\x05hello"}
        self.assertEqual(self.relay().chat().status, 502)

    def test_a_websocket_is_refused_before_anyone_is_asked(self):
        relay = self.relay()
        for upgrade in ("websocket", "WebSocket", "h2c, websocket/13"):
            answer = relay.chat(headers={"Upgrade": upgrade, "Connection": "keep-alive, Upgrade"})
            self.assertEqual((answer.status, self.openai.seen), (426, []))
        self.assertEqual(relay.chat(headers={"Upgrade": "h2c", "Connection": "Upgrade"}).status, 200)

    def test_only_the_last_of_several_heads_counts(self):
        self.openai.answers = {KEY: b"HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\nX-Early: 1\r\n\r\n"
                               b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                               + chunk(b"all of it") + b"0\r\n\r\n"}
        answer = self.relay().chat()
        self.assertEqual((answer.body, answer.headers.get("x-early")), (b"all of it", None))


class NamesThatAreKeys(RelayCase):
    """A key was pasted where a name belongs. One has the form of a key; the other is a key of the sources, in words."""
    def wait_file(self, name):
        """It is written after the watcher has said that it is ready, and tells nobody."""
        end = time.monotonic() + PATIENCE
        while not (text := self.home.bytes_of(name)):
            self.assertLess(time.monotonic(), end, name)
            os.sched_yield()
        return text.decode()

    def shown(self, config, env=""):
        self.home.write("config.yaml", config)
        self.home.write(".env", env)
        code, out, err = self.home.compile()
        self.assertEqual(code, 0, out + err)
        relay = self.relay()
        answer = relay.chat()
        texts = [out, err, repr((answer.headers, answer.body)), relay.wait_log(answer.headers["x-hermes-request-id"])]
        texts += [relay.get(path).body.decode() for path in ("/status", "/metrics", "/v1/models", "/requests/"
                                                             + answer.headers["x-hermes-request-id"])]
        texts += [subprocess.run([RELAY, "--home", self.home.path, "--print-env"], capture_output=True).stdout.decode()]
        texts += [self.home.compile(option)[1:] for option in ("--status", "--explain", "--check")]
        watch = Watch(self.home)
        texts += [watch.status, self.wait_file("compiled/status.json"), self.wait_file("compiled/metrics.prom")]
        watch.close()
        return "\n".join(map(str, texts))

    def test_as_the_name_of_a_provider(self):
        for name in ("sk-test-PaStEd93847561", "correct-horse-battery"):
            with self.subTest(name):
                shown = self.shown(f"model:\n  provider: custom:{name}\n  default: m\ncustom_providers:\n"
                                   f"  - name: {name}\n    base_url: {self.openai.url}\n"
                                   "    api_key: correct-horse-battery\n")
                self.assertNotIn(name.lower(), shown.lower())
                self.assertIn(fingerprint(f"custom:{name}".lower()), shown)

    def test_in_a_base_url(self):
        for place in ("/correct-horse-battery/v1", "/v1#correct-horse-battery", "/v1#sk-test-PaStEd93847561"):
            with self.subTest(place):
                shown = self.shown(f"model:\n  provider: custom:mine\n  default: m\ncustom_providers:\n  - name: mine\n"
                                   f"    base_url: {self.openai.url[:-3]}{place}\n    api_key: correct-horse-battery\n")
                self.assertNotIn("battery", shown)
                self.assertNotIn("PaStEd", shown)
                self.assertIn("custom:mine", shown)

    def test_the_name_of_a_setting_or_a_variable(self):
        self.home.write("config.yaml",
                        "model:\n  provider: xiaomi\n  correct-horse-battery: 1\ncorrect-horse-battery: 1\n")
        self.home.write(".env", "XIAOMI_API_KEY=correct-horse-battery\n")
        code, out, err = self.home.compile("--check")
        self.assertNotIn("horse", out + err)
        self.assertIn(fingerprint("correct-horse-battery"), out + err)

    def test_what_was_said_before_its_value_was_read(self):
        """In the file that is read first, of a value in the one that is read last; and where a file does not parse."""
        for config, env in (("correct-horse-battery: 1\ncorrect-horse-battery: 2\n", "A=1\nXIAOMI_API_KEY={}\n"),
                            ("hermes_watch:\n  correct-horse-battery: 1\n", "A=1\nXIAOMI_API_KEY={}\n"),
                            ("a: {{token: '{}', b: *correct-horse-battery}}\n", "A=1\n"),
                            ("model: {{provider: xiaomi}}\n", "A=${{correct-horse-battery}}\nXIAOMI_API_KEY=\"{}\"\n")):
            with self.subTest(config + env):
                self.home.write("config.yaml", config.format("correct-horse-battery"))
                self.home.write(".env", env.format("correct-horse-battery"))
                code, out, err = self.home.compile("--check")
                self.assertNotIn("horse", out + err)
                self.assertIn("config.yaml" if "A=1" in env else ".env", out + err)


if __name__ == "__main__":
    unittest.main()
