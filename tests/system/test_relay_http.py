"""hermes-relay between clients and providers: what passes, what is put on, what is taken off, byte for byte."""
import gzip, hashlib, http.client as http_client, json, os, pathlib, socket, threading, unittest, zlib

from harness import PATIENCE, fingerprint
from mock_provider import STREAM_HEAD, chunk, http, limited, reset
from relay_case import ANTHROPIC, EXTRA, KEY, SPARE, RelayCase

EVENTS = [b'data: {"choices":[{"delta":{"content":"\xc3\xa9"}}]}\n\n', b": a comment\r\n\r\n",
          b"event: x\ndata: 1\ndata: 2\n\n",
          b'data: {"usage":{"prompt_tokens":11,"completion_tokens":7}}\n\n', b"data: [DONE]\n\n"]


def echo(request, connection):
    return http(200, {"method": request.method, "target": request.target, "headers": request.raw_headers,
                      "body": request.body.decode("latin-1")})


class Requests(RelayCase):
    def asked(self, provider):
        provider.wait_seen(1)
        return provider.seen[-1]

    def test_the_providers_key_replaces_the_clients_credentials(self):
        relay = self.relay()
        answer = relay.request("POST", "/v1/chat/completions?key=client-key&alt=sse&api_key=x", {"model": "m"},
                               {"Authorization": "Bearer " + relay.token, "Cookie": "session=1",
                                "X-Goog-Api-Key": "client",
                                "api-key": "client", "Proxy-Authorization": "Basic x", "X-Forwarded-For": "10.0.0.1",
                                "Connection": "keep-alive, X-Hop", "X-Hop": "stops here", "TE": "trailers",
                                "X-Request-Id": "stays", "OpenAI-Organization": "org-1", "User-Agent": "client/1"})
        self.assertEqual(answer.status, 200)
        asked = self.asked(self.openai)
        self.assertEqual(asked.target, "/v1/chat/completions?alt=sse")
        self.assertEqual(asked.headers["authorization"], "Bearer " + KEY)
        self.assertEqual((asked.headers["x-request-id"], asked.headers["user-agent"]), ("stays", "client/1"))
        for name in ("cookie", "openai-organization", "x-goog-api-key", "api-key", "proxy-authorization",
                     "x-forwarded-for", "x-hop", "te", "expect"):
            self.assertNotIn(name, asked.headers)
        self.assertNotIn(relay.token, repr(asked.raw_headers))
        self.assertEqual(asked.headers["host"], f"127.0.0.1:{self.openai.port}")

    def test_what_names_an_account_passes_where_the_configuration_says_so(self):
        self.configure("hermes_watch:\n  pass_headers: [openai-organization, Cookie, X-Goog-User-Project]\n")
        relay = self.relay()
        relay.chat(headers={"OpenAI-Organization": "org-1", "OpenAI-Project": "stops", "Cookie": "session=1",
                            "x-goog-user-project": "p"})
        asked = self.asked(self.openai).headers
        self.assertEqual([asked.get(name)
                          for name in ("openai-organization", "openai-project", "cookie", "x-goog-user-project")],
                         ["org-1", None, "session=1", "p"])

    def test_the_model_names_its_provider_however_it_is_written(self):
        self.configure("fallback_providers:\n  - provider: custom:extra\n    model: backup\n")
        relay = self.relay()
        plain = {"Content-Type": "application/json"}
        packed = json.dumps({"model": "extra/foo"}).encode()
        form = (b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nextra/foo\r\n'
                b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n')
        for body, headers in [(b'{"model":"extra\\/foo"}', plain), (b'{"model":"\\u0065xtra/foo"}', plain),
                              (gzip.compress(packed), {"Content-Encoding": "gzip", **plain}),
                              (gzip.compress(zlib.compress(packed)),
                               {"Content-Encoding": "deflate, Identity,gzip", **plain}),
                              (gzip.compress(packed[:9]) + gzip.compress(packed[9:]),
                               {"Content-Encoding": "gzip", **plain}),
                              (zlib.compress(packed), {"Content-Encoding": "deflate", **plain}),
                              (form, {"Content-Type": "multipart/form-data; boundary=b"})]:
            with self.subTest(body=body):
                self.assertEqual(relay.request("POST", "/v1/chat/completions", body, headers).status, 200)
                asked = self.extra.seen[-1]
                self.assertEqual((asked.key, asked.headers.get("content-encoding")), (EXTRA, None))
                self.assertEqual(asked.body, form.replace(b"extra/foo", b"foo") if body is form else b'{"model":"foo"}'
                                 if b"u0065" in body
                                 or b"\\/" in body else packed.replace(b"extra/foo", b"foo"))
        for path in "/v1/models/extra/foo", "/v1/models/extra%2Ffoo?a=b":
            self.assertEqual(relay.get(path).status, 200)
            self.assertEqual(self.extra.seen[-1].target, "/v1/models/foo" + ("?a=b" if "?" in path else ""))
        self.assertEqual(self.openai.seen, [])
        self.openai.usual = limited()
        relay.request("POST", "/v1/responses", gzip.compress(b'{"model":"m"}'), {"Content-Encoding": "gzip", **plain})
        self.assertEqual(self.extra.seen[-1].json(), {"model": "backup"})

    def test_a_name_of_the_configuration_for_a_model_is_asked_for_where_that_is(self):
        self.configure("fallback_providers:\n  - provider: custom:extra\n    model: backup\n"
                       "model_aliases:\n  Quick: {provider: extra, model: 'org/small:4b'}\n"
                       "  m: {provider: anthropic, model: claude-x}\n"
                       "  gone: {provider: nobody-knows, model: x}\n"
                       f"  own: {{provider: custom, base_url: '{self.extra.url}/own', model: big, api_key: {SPARE}}}\n")
        relay = self.relay()
        small = b'{"model":"org/small:4b"}'
        form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n--b--\r\n'
        for body, came, type in [(b'{"model":"quick"}', small, "application/json"),
                                 (b'{"model":"\\u0051uick"}', small, "application/json"),
                                 (form % b"QUICK", form % b"org/small:4b", "multipart/form-data; boundary=b"),
                                 (b"a=b&model=quick&c=d", b"a=b&model=org%2Fsmall%3A4b&c=d",
                                  "application/x-www-form-urlencoded")]:
            with self.subTest(body):
                self.assertEqual(relay.request("POST", "/v1/responses", body, {"Content-Type": type}).status, 200)
                self.assertEqual((self.extra.seen[-1].key, self.extra.seen[-1].body), (EXTRA, came))
        self.assertEqual(relay.get("/v1/models/quick?a=b").status, 200)
        self.assertEqual(self.extra.seen[-1].target, "/v1/models/org%2Fsmall%3A4b?a=b")
        self.assertEqual(relay.chat("own").status, 200)
        asked = self.extra.seen[-1]
        self.assertEqual((asked.key, asked.target, asked.json()["model"]), (SPARE, "/v1/own/chat/completions", "big"))
        self.assertEqual(relay.chat("m", path="/v1/messages").status, 200)
        self.assertEqual(self.anthropic.seen[-1].json()["model"], "claude-x")
        large = json.dumps({"model": "quick", "input": "x" * (33 << 20)}).encode()
        self.assertEqual(relay.request("POST", "/v1/responses", large).status, 200)
        self.assertEqual(self.extra.seen[-1].body, large.replace(b'"quick"', b'"org/small:4b"'))
        self.assertEqual(self.openai.seen, [])
        self.assertEqual(relay.chat("gone").status, 404)
        for path, model in ("/xiaomi/v1/chat/completions", "quick"), ("/v1/chat/completions", "quicker"):
            self.assertEqual(relay.chat(model, path=path).status, 200)
            self.assertEqual(self.openai.seen[-1].json()["model"], model)

    def test_a_body_that_cannot_be_read_goes_to_nobody_but_whom_the_path_names(self):
        relay = self.relay()
        for encoding, status in ("compress", 415), ("gzip", 400):
            answer = relay.request("POST", "/v1/responses", b"what is this", {"Content-Encoding": encoding})
            self.assertEqual((answer.status, self.openai.seen), (status, []))
        answer = relay.request("POST", "/xiaomi/v1/responses", b"what is this", {"Content-Encoding": "compress"})
        self.assertEqual((answer.status, self.openai.seen[-1].body), (200, b"what is this"))
        bomb = gzip.compress(b"0" * (40 << 20))
        self.assertEqual(relay.request("POST", "/v1/responses", bomb, {"Content-Encoding": "gzip"}).status, 413)

    def test_a_body_too_large_to_be_kept_goes_where_its_beginning_says(self):
        relay = self.relay()
        body = json.dumps({"model": "extra/foo", "input": "x" * (33 << 20)}).encode()
        self.assertEqual(relay.request("POST", "/v1/responses", body).status, 200)
        self.assertEqual(len(self.extra.seen[-1].body), len(body) - len("extra/"))
        self.assertEqual(self.extra.seen[-1].json()["model"], "foo")
        self.assertEqual(self.openai.seen, [])

    def test_a_client_of_another_dialect_is_sent_to_who_has_it_or_told_so(self):
        relay = self.relay()
        self.assertEqual(relay.chat(path="/v1/messages").status, 200)
        self.assertEqual(self.anthropic.seen[-1].headers["x-api-key"], ANTHROPIC)
        answer = relay.chat(path="/anthropic/v1/chat/completions")
        self.assertEqual((answer.status, len(self.anthropic.seen)), (400, 1))
        self.assertIn("dialect", answer.json()["error"]["message"])
        self.assertEqual(relay.chat(path="/xiaomi/v1/messages").status, 200)  # many providers have both
        self.openai.usual = http(404, {"error": {"message": "no such path"}})
        answer = relay.chat(path="/xiaomi/v1/messages")
        self.assertEqual((answer.status, answer.json()["type"]), (404, "error"))
        self.assertIn("dialect", answer.json()["error"]["message"])

    def test_a_path_of_several_dialects_is_for_whom_the_clients_headers_say(self):
        relay = self.relay()
        for path in ("/v1/files", "/v1/models", "/v1/models/claude-x?limit=5"):
            self.assertEqual(relay.get(path, headers={"anthropic-version": "2023-06-01"}).status, 200)
            self.assertEqual((self.anthropic.seen[-1].target, self.openai.seen), (path, []))
        self.assertEqual(relay.get("/v1/files").status, 200)
        self.assertEqual(relay.get("/extra/v1/files", headers={"anthropic-version": "2023-06-01"}).status, 200)
        self.assertEqual((len(self.openai.seen), len(self.extra.seen)), (1, 1))

    def test_a_provider_is_named_by_path_alias_or_model(self):
        relay = self.relay()
        for path, model, provider, target, asked_model in [
                ("/v1/chat/completions", "m", self.openai, "/v1/chat/completions", "m"),
                ("/xiaomi/v1/embeddings", "m", self.openai, "/v1/embeddings", "m"),
                ("/chat/completions", "m", self.openai, "/v1/chat/completions", "m"),
                ("/extra/chat/completions", "m", self.extra, "/v1/chat/completions", "m"),
                ("/messages", "anthropic/m", self.anthropic, "/v1/messages", "m"),
                ("/mimo/v1/models/a%2Fb", "m", self.openai, "/v1/models/a%2Fb", "m"),
                ("/custom:extra/v1/chat/completions", "m", self.extra, "/v1/chat/completions", "m"),
                ("/custom%3Aextra/v1/chat/completions", "m", self.extra, "/v1/chat/completions", "m"),
                ("/claude/v1/messages", "m", self.anthropic, "/v1/messages", "m"),
                ("/v1/chat/completions", "extra/big-model", self.extra, "/v1/chat/completions", "big-model"),
                ("/v1/messages", "anthropic/claude-x", self.anthropic, "/v1/messages", "claude-x"),
                ("/v1/chat/completions", "nobody/big", self.openai, "/v1/chat/completions", "nobody/big"),
                ("/xiaomi/v1/chat/completions", "extra/big", self.openai, "/v1/chat/completions", "extra/big")]:
            with self.subTest(path=path, model=model):
                before = len(provider.seen)
                self.assertEqual(relay.chat(model, path=path).status, 200)
                self.assertEqual(len(provider.seen), before + 1)
                self.assertEqual((provider.seen[-1].target, provider.seen[-1].json()["model"]), (target, asked_model))

    def test_a_path_that_begins_as_a_base_url_does_is_for_that_provider(self):
        self.configure(f"  - name: azure\n    base_url: {self.extra.url.removesuffix('/v1')}/openai/v1\n"
                       f"    api_key: {SPARE}\n")
        relay = self.relay()
        for path, target in [("/openai/v1/chat/completions", "/openai/v1/chat/completions"),
                             ("/openai/deployments/d/chat/completions?api-version=1",
                              "/openai/deployments/d/chat/completions?api-version=1"),
                             ("/deployments/d/embeddings", "/openai/deployments/d/embeddings"),
                             ("/azure/openai/v1/embeddings", "/openai/v1/embeddings"),
                             ("/azure/deployments/d/embeddings", "/openai/deployments/d/embeddings")]:
            with self.subTest(path):
                self.assertEqual(relay.chat(path=path).status, 200)
                self.assertEqual((self.extra.seen[-1].key, self.extra.seen[-1].target), (SPARE, target))
        self.assertEqual(relay.chat("extra/m", path="/v1/chat/completions").status, 200)
        self.assertEqual(relay.chat(path="/openapi/v1/chat/completions").status, 404)
        one = self.extra.url.removesuffix("/v1")
        self.configure(f"  - {{name: one, base_url: '{one}/openai/v1', api_key: {SPARE}}}\n"
                       f"  - {{name: two, base_url: '{self.anthropic.url}/openai/v1', api_key: {SPARE}}}\n")
        asked = len(self.extra.seen)
        for path in ("/openai/v1/chat/completions", "/openai/deployments/d/chat/completions"):
            self.assertEqual(relay.chat(path=path).status, 404)
        self.assertEqual((len(self.extra.seen), self.anthropic.seen), (asked, []))
        self.assertEqual(self.openai.seen, [])

    def test_an_unknown_provider_is_told_in_the_clients_dialect(self):
        relay = self.relay()
        answer = relay.chat(path="/nobody/v1/chat/completions")
        self.assertEqual((answer.status, answer.json()["error"]["type"]), (404, "not_found_error"))
        answer = relay.chat(path="/nobody/v1/messages")
        self.assertEqual((answer.status, answer.json()["type"], answer.json()["error"]["type"]),
                         (404, "error", "not_found_error"))
        self.assertEqual(self.openai.seen + self.extra.seen + self.anthropic.seen, [])

    def test_anthropic_clients_get_their_key_header_and_a_version(self):
        relay = self.relay()
        answer = relay.request("POST", "/anthropic/v1/messages", {"model": "claude-x"}, {"x-api-key": relay.token})
        self.assertEqual(answer.status, 200)
        asked = self.asked(self.anthropic)
        self.assertEqual((asked.target, asked.headers["x-api-key"], asked.headers["anthropic-version"]),
                         ("/v1/messages", ANTHROPIC, "2023-06-01"))
        self.assertNotIn("authorization", asked.headers)
        relay.request("POST", "/anthropic/v1/messages", {"model": "c"},
                      {"x-api-key": relay.token, "anthropic-version": "2024-01-01",
                                                                        "anthropic-beta": "tools"})
        self.assertEqual((self.anthropic.seen[-1].headers["anthropic-version"],
                          self.anthropic.seen[-1].headers["anthropic-beta"]),
                         ("2024-01-01", "tools"))

    def test_headers_of_the_configuration_are_added_and_overrule_the_clients(self):
        self.relay().chat(path="/custom:extra/v1/chat/completions", headers={"User-Agent": "client", "X-Tenant": "red"})
        asked = self.asked(self.extra)
        self.assertEqual((asked.headers["x-tenant"], asked.headers["user-agent"]), ("blue", "configured"))
        self.assertEqual([line.lower() for line in asked.raw_headers
                          if line.lower().startswith(("x-tenant", "user-agent"))],
                         ["x-tenant: blue", "user-agent: configured"])

    def test_bodies_and_methods_pass_as_they_are(self):
        self.openai.usual = echo
        relay = self.relay()
        boundary = "----b0undary"
        form = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode() +
                bytes(range(256)) * 50 + f"\r\n--{boundary}--\r\n".encode())
        for method, path, body, type in [
                ("POST", "/v1/audio/transcriptions", form, "multipart/form-data; boundary=" + boundary),
                ("POST", "/v1/embeddings", b'{"model" :  "e", "input":["\xc3\xa9"]}', "application/json"),
                ("GET", "/v1/models", None, None), ("DELETE", "/v1/files/file-1", None, None),
                ("PUT", "/v1/things", b"x", "text/plain"), ("PATCH", "/v1/things", b"", "text/plain"),
                ("POST", "/v1/empty", b"", None)]:
            with self.subTest(method=method, path=path):
                got = relay.request(method, path, body, {"Content-Type": type} if type else {}).json()
                self.assertEqual((got["method"], got["target"], got["body"]),
                                 (method, path, (body or b"").decode("latin-1")))
                types = [line for line in got["headers"] if line.lower().startswith("content-type")]
                self.assertEqual(types, ["Content-Type: " + type] if type else [])
        head = relay.request("HEAD", "/v1/models")
        self.assertEqual((head.status, head.body), (200, b""))

    def test_large_bodies_pass_both_ways(self):
        def digest(request, connection):
            return http(200, request.body, "application/octet-stream",
                        [("X-Digest", hashlib.sha256(request.body).hexdigest())])
        self.openai.usual = digest
        relay = self.relay()
        for size in (70_000, 5_000_000, 40_000_000):
            with self.subTest(size=size):
                body = os.urandom(1 << 16) * (size // (1 << 16) + 1)
                answer = relay.request("POST", "/v1/files", body, {"Content-Type": "application/octet-stream"})
                self.assertEqual(answer.headers["x-digest"], hashlib.sha256(body).hexdigest())
                self.assertTrue(answer.body == body)

    def test_a_body_in_chunks_arrives_whole(self):
        self.openai.usual = echo
        relay = self.relay()
        client = relay.client()
        for size in (5, 1_000_000, 40_000_000):
            parts = [b'{"model":', b"x" * size, b'"m"}']
            client.request("POST", "/v1/chat/completions", iter(parts),
                           {"Transfer-Encoding": "chunked", "Authorization": "Bearer " + relay.token},
                           encode_chunked=True)
            self.assertEqual(json.loads(client.getresponse().read())["body"], b"".join(parts).decode())
        client.close()

    def test_a_body_too_large_to_be_kept_is_told_what_is_wrong_too(self):
        relay = self.relay()
        body = b"x" * 40_000_000
        for options in ({}, {"chunked": True}):
            client = relay.client()
            headers = {"Authorization": "Bearer " + relay.token}
            if options:
                client.request("POST", "/nobody/v1/files", iter([body]),
                               dict(headers, **{"Transfer-Encoding": "chunked"}), encode_chunked=True)
            else:
                client.request("POST", "/nobody/v1/files", body, headers)
            self.assertEqual(client.getresponse().status, 404)
            client.close()
        self.openai.answers = {KEY: http(429, {"error": {"message": "slow down"}}, headers=[("Retry-After", "5")])}
        answer = relay.request("POST", "/v1/files", body)  # there is no second attempt with it
        self.assertEqual((answer.status, answer.headers["x-hermes-attempts"]), (429, "1"))

    def test_one_connection_serves_many_requests_and_so_does_the_one_to_the_provider(self):
        relay = self.relay(threads=1)
        client = relay.client()
        for _ in range(50):
            self.assertEqual(relay.chat(client=client).status, 200)
        client.close()
        self.assertEqual(self.openai.connections, 1)


class Answers(RelayCase):
    def test_events_pass_one_by_one_and_byte_for_byte(self):
        """Each is sent only after the one before it has arrived."""
        steps = threading.Semaphore(0)

        def stream(request, connection):
            connection.sendall(STREAM_HEAD)
            for event in EVENTS:
                connection.sendall(chunk(event))
                if not steps.acquire(timeout=PATIENCE):
                    return None
            return b"0\r\n\r\n"
        self.openai.usual = stream
        relay = self.relay()
        client = relay.client()
        client.request("POST", "/v1/chat/completions", b'{"model":"m","stream":true}',
                       {"Authorization": "Bearer " + relay.token})
        response = client.getresponse()
        self.assertEqual(response.headers["content-type"], "text/event-stream")
        got = b""
        for i, event in enumerate(EVENTS):
            while len(got) < len(b"".join(EVENTS[:i + 1])):
                got += response.read1(65536)
            self.assertEqual(got, b"".join(EVENTS[:i + 1]))
            steps.release()
        self.assertEqual(response.read(), b"")
        client.close()
        relay.wait_log("/v1/chat/completions")
        metrics = relay.get("/metrics").body.decode()
        self.assertIn('hermes_relay_tokens_total{provider="xiaomi",direction="in"} 11\n', metrics)
        self.assertIn('hermes_relay_tokens_total{provider="xiaomi",direction="out"} 7\n', metrics)
        self.assertIn('hermes_relay_requests_total{provider="xiaomi",status="200"} 1\n', metrics)

    def test_a_key_that_comes_back_is_masked_wherever_it_is_cut(self):
        text = b'{"you sent": "Bearer ' + KEY.encode() + b'", "again": "' + KEY.encode() + b'"}'
        masked = text.replace(KEY.encode(), b"*" * len(KEY))

        def cut(request, connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Echo: key " + KEY.encode() +
                               b" end\r\nContent-Length: %d\r\n\r\n" % len(text))
            for byte in text:
                connection.sendall(bytes([byte]))
        relay = self.relay()
        for answer in (cut, lambda request, connection: http(200, text), http(400, text),
                       STREAM_HEAD + chunk(b"data: " + text[:30]) + chunk(text[30:] + b"\n\n") + b"0\r\n\r\n"):
            self.openai.usual = answer
            got = relay.chat()
            self.assertNotIn(KEY.encode(), got.body)
            self.assertNotIn(KEY, repr(got.headers))
            self.assertIn(masked, got.body)
        self.assertNotIn(KEY.encode(), relay.get("/status").body + relay.get("/metrics").body)

    def test_a_header_that_is_folded_does_not_pass(self):
        relay = self.relay()
        for cut in 6, len(KEY) - 2:
            self.openai.usual = http(200, {}, headers=[("X-Stays", "1"), ("X-Echo", KEY[:cut] + "\r\n " + KEY[cut:]
                                                                          + "\r\n\tmore"), ("X-Too", "2")])
            headers = relay.chat().headers
            self.assertEqual((headers["x-stays"], headers["x-too"], headers.get("x-echo")), ("1", "2", None))

    def test_headers_of_the_connection_and_cookies_stop_here(self):
        self.openai.usual = http(200, {}, headers=[("Set-Cookie", "a=b"), ("Connection", "X-Hop"), ("X-Hop", "1"),
                                                   ("Keep-Alive", "x"),
                                                   ("Access-Control-Allow-Origin", "*"), ("Alt-Svc", "h3"),
                                                   ("X-RateLimit-Left", "7"),
                                                   ("Strict-Transport-Security", "max-age=1"),
                                                   ("X-Hermes-Key", "forged")])
        headers = self.relay().chat().headers
        for name in ("set-cookie", "x-hop", "keep-alive", "access-control-allow-origin", "alt-svc",
                     "strict-transport-security"):
            self.assertNotIn(name, headers)
        self.assertEqual((headers["x-ratelimit-left"], headers["x-hermes-key"]), ("7", fingerprint(KEY)))

    def test_an_answer_that_breaks_off_is_no_whole_answer(self):
        relay = self.relay()
        for name, answer in [("lie", http(200, b"x" * 100, "text/plain", length=1000)),
                             ("reset", lambda request,
                              connection: (connection.sendall(STREAM_HEAD + chunk(EVENTS[0])), reset(connection))[1])]:
            with self.subTest(name):
                self.openai.usual = answer if callable(answer) else (lambda request,
                                                                     connection: connection.sendall(answer))
                client = relay.client()
                client.request("POST", "/v1/chat/completions", b'{"model":"m"}',
                               {"Authorization": "Bearer " + relay.token})
                try:
                    response = client.getresponse()
                    response.read()
                    self.assertEqual(response.status, 502)  # nothing of it had gone out yet
                except http_client.IncompleteRead:
                    pass
                client.close()
        self.assertEqual(len(self.openai.seen), 2)

    def test_a_json_answer_that_breaks_off_before_it_went_out_becomes_an_error_and_no_second_try(self):
        self.openai.usual = lambda request, connection: connection.sendall(http(200, b'{"half":', length=1000))
        answer = self.relay().chat()
        self.assertEqual((answer.status, answer.headers["x-hermes-attempts"]), (502, "1"))
        self.assertEqual(len(self.openai.seen), 1)

    def test_a_redirect_is_not_followed(self):
        self.openai.usual = http(307, b"", headers=[("Location", self.extra.url + "/stolen")])
        answer = self.relay().chat()
        self.assertEqual(answer.status, 502)
        self.assertNotIn("location", answer.headers)
        self.assertEqual(self.extra.seen, [])

    def test_an_environments_proxy_does_not_count(self):
        self.env = {"http_proxy": self.extra.url, "HTTP_PROXY": self.extra.url, "all_proxy": self.extra.url}
        self.assertEqual(self.relay().chat().status, 200)
        self.assertEqual(self.extra.seen, [])

    def test_a_client_that_leaves_ends_the_request_at_the_provider(self):
        ended = threading.Event()

        def endless(request, connection):
            if request.json().get("stream"):
                connection.sendall(STREAM_HEAD + chunk(EVENTS[0]))
            connection.settimeout(PATIENCE)
            if connection.recv(1) == b"":
                ended.set()
            return None
        self.openai.usual = endless
        relay = self.relay()
        for body in (b'{"model":"m","stream":true}', b'{"model":"m"}'):
            with self.subTest(body=body):
                ended.clear()
                client = relay.client()
                client.request("POST", "/v1/chat/completions", body, {"Authorization": "Bearer " + relay.token})
                if b"stream" in body:
                    self.assertEqual(client.getresponse().read1(1000), EVENTS[0])
                else:
                    self.openai.wait_seen(2)
                client.sock.shutdown(socket.SHUT_RDWR) if client.sock else None
                client.close()
                self.assertTrue(ended.wait(PATIENCE))
        self.assertEqual(self.openai.keys(), [KEY, KEY])

    def test_a_slow_client_holds_the_provider_back_and_nothing_is_lost(self):
        total = 30_000_000
        block = os.urandom(1 << 16)
        sent = []

        def flood(request, connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n"
                               b"\r\n" % total)
            left = total
            while left:
                connection.sendall(block[:min(left, len(block))])
                left -= min(left, len(block))
                sent.append(left)
        self.openai.usual = flood
        relay = self.relay()
        client = relay.client()
        client.request("GET", "/v1/files/1/content", headers={"Authorization": "Bearer " + relay.token})
        response = client.getresponse()
        first = response.read(1000)
        rss = int(pathlib.Path(f"/proc/{relay.process.pid}/statm").read_text().split()[1]) * 4096
        rest = response.read()
        self.assertEqual(len(first + rest), total)
        expected = hashlib.sha256((block * (total // len(block) + 1))[:total]).hexdigest()
        self.assertEqual(hashlib.sha256(first + rest).hexdigest(), expected)
        client.close()
        if "asan" not in str(os.environ.get("HERMES_BUILD", "")):
            self.assertLess(rss, 60_000_000)


if __name__ == "__main__":
    unittest.main()
