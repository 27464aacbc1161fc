"""hermes-relay: what lives with one key, and the models of all providers."""
import json, unittest

from harness import fingerprint
from mock_provider import MockProvider, STREAM_HEAD, chunk, http, limited
from relay_case import EXTRA, KEY, SPARE, RelayCase

TURNS = "credential_pool_strategies:\n  xiaomi: round_robin\n"


def listing(*names):
    return http(200,
                {"object": "list", "data": [{"context_length": 9, "id": name, "object": "model"} for name in names]})


class Owners(RelayCase):
    """Each key takes its turn, and knows only what it made."""

    def setUp(self):
        super().setUp()
        self.configure(TURNS)
        self.made = {}
        self.openai.usual = self.account
        self.openai.answers = {}

    def account(self, request, connection):
        path = request.target.split("?")[0]
        asked = [name for name in self.made if name in request.target or name.encode() in request.body]
        if any(self.made[name] != request.key for name in asked):
            return http(404, {"error": {"message": "no such object"}})
        if request.method == "GET":
            return http(200, {"id": path.rsplit("/", 1)[1]})
        name = f"id_{len(self.made)}"
        self.made[name] = request.key
        if b'"stream": true' in request.body:
            created = {"type": "response.created", "response": {"id": name}}
            return STREAM_HEAD + chunk(f"data: {json.dumps(created)}\n\ndata: {{\"type\":\"x\"}}\n"
                                       "\n".encode()) + b"0\r\n\r\n"
        kind = path.rsplit("/", 1)[1]
        if kind == "cachedContents":
            return http(200, {"name": f"cachedContents/{name}", "model": "models/m"})
        if b"google" in request.body:
            return http(200, {"file": {"name": f"files/{name}", "uri": f"https://google.test/v1beta/files/{name}"}})
        return http(200, {"id": name, "object": "x"})

    def make(self, relay, path, body):
        answer = relay.request("POST", path, body)
        self.assertEqual(answer.status, 200, answer.body)
        return list(self.made)[-1]

    def test_what_a_key_made_is_asked_for_with_that_key(self):
        relay = self.relay()
        for path, later in [("/v1/files", lambda name: {"input_file_id": name}),
                            ("/v1/responses", lambda name: {"previous_response_id": name}),
                            ("/v1/conversations", lambda name: {"conversation": {"id": name}}),
                            ("/v1/files",
                             lambda name: {"input": [{"content": [{"type": "input_file", "file_id": name}]}]}),
                            ("/v1/files", lambda name: {"tools": [{"vector_store_ids": [name]}]})]:
            with self.subTest(path=path):
                name = self.make(relay, path, {"model": "m"})
                for _ in range(2):
                    self.make(relay, "/v1/responses", {"model": "m", **later(name)})
                    self.assertEqual(relay.get(f"{path}/{name}").status, 200)
                    self.assertEqual(relay.get(f"{path}/{name}/content").status, 200)
        self.openai.seen.clear()
        for _ in range(2):
            relay.chat()
        self.assertEqual(len(set(self.openai.keys())), 2)  # others take turns

    def test_what_googles_paths_and_names_tell_is_kept_too(self):
        relay = self.relay()
        for path, body, later in [
                ("/v1beta/files", {"file": {"display_name": "google"}},
                 lambda name: {"contents": [{"parts": [{"file_data": {"file_uri": f"https://g.test/files/{name}"}}]}]}),
                ("/v1beta/files", {"file": {"displayName": "google"}},
                 lambda name: {"contents": [{"parts": [{"fileData": {"fileUri": f"https://g.test/files/{name}"}}]}]}),
                ("/v1beta/cachedContents", {"model": "models/m"},
                 lambda name: {"cachedContent": f"cachedContents/{name}"})]:
            with self.subTest(path=path):
                name = self.make(relay, path, body)
                for _ in range(2):
                    self.make(relay, "/v1beta/models/m:generateContent", later(name))
                    self.assertEqual(relay.get(f"{path}/{name}").status, 200)

    def test_a_file_for_google_goes_through_the_relay_with_the_key_that_it_began_with(self):
        google = MockProvider(path="/v1beta")
        self.addCleanup(google.close)
        started = {}

        def take(request, connection):
            if "upload_id=" not in request.target:
                started[f"u{len(started)}"] = request.key
                url = f"https://google.test/upload/v1beta/files?upload_id=u{len(started) - 1}&upload_protocol=resumable"
                return http(200, b"", headers=[("X-Goog-Upload-URL", url), ("X-Goog-Upload-Status", "active")])
            upload = request.target.split("upload_id=")[1].split("&")[0]
            return http(200 if started[upload] == request.key else 403, {"file": {"name": "files/" + upload}})
        google.usual = take
        self.home.write(".env", f"GEMINI_API_KEY={KEY}\nGOOGLE_API_KEY={SPARE}\nGEMINI_BASE_URL={google.url}\n")
        self.home.write("config.yaml", "model: {provider: gemini, default: m}\n"
                        "credential_pool_strategies: {gemini: round_robin}\n")
        code, out, err = self.home.compile()
        self.assertEqual(code, 0, out + err)
        relay = self.relay()
        for path in ("/upload/v1beta/files", "/gemini/upload/v1beta/files"):
            start = relay.request("POST", path, {"file": {"display_name": "x"}}, {
                "X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start", "X-Goog-User-Project": "p"})
            self.assertEqual(start.status, 200)
            asked = google.seen[-1].headers
            self.assertEqual((asked["x-goog-upload-command"], asked.get("x-goog-user-project")), ("start", None))
            url = start.headers["x-goog-upload-url"]
            self.assertEqual(url.split("?")[0], f"http://127.0.0.1:{relay.port}{path}")
            for _ in range(2):
                sent = relay.request("POST", url[url.index("/", 8):], b"bytes", {
                    "X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"})
                self.assertEqual((sent.status, google.seen[-1].body), (200, b"bytes"))
                self.assertTrue(google.seen[-1].target.startswith("/upload/v1beta/files?upload_id="))
        self.assertEqual(len(set(started.values())), 2)

    def test_it_outlives_the_relay_and_a_stream_says_it_too(self):
        relay = self.relay()
        names = [self.make(relay, "/v1/responses", {"model": "m", "stream": True}) for _ in range(2)]
        relay.close()
        relay = self.relay()
        for name in names * 2:
            self.assertEqual(relay.get(f"/v1/responses/{name}").status, 200)

    def test_another_key_is_no_help_and_one_that_is_gone_is_told(self):
        relay = self.relay()
        name = self.make(relay, "/v1/files", {"model": "m"})
        owner = self.made[name]
        self.openai.answers = {owner: limited(60)}
        self.openai.seen.clear()
        self.assertEqual(relay.get(f"/v1/files/{name}").status, 429)
        self.assertEqual(relay.get(f"/v1/files/{name}").status, 429)
        self.assertEqual(self.openai.keys(), [owner])
        self.configure(TURNS, **{"key" if owner == KEY else "spare": "sk-test-relay-new-7777"})
        answer = relay.get(f"/v1/files/{name}")
        self.assertEqual((answer.status, answer.headers["x-hermes-attempts"]), (410, "0"))
        self.assertIn("no longer configured", answer.json()["error"]["message"])


class Models(RelayCase):
    def setUp(self):
        super().setUp()
        self.openai.usual = lambda request, connection: listing("m-one",
                                                                "org/m-two") if request.method == "GET" else http(200,
                                                                                                                  {})
        self.extra.usual = lambda request, connection: listing("e-one") if request.method == "GET" else http(200, {})
        self.anthropic.usual = lambda request, connection: http(200,
                                                                {"data": [{"type": "model", "id": "claude-x"}],
                                                                 "has_more": False})

    def listed(self, relay):
        answer = relay.get("/v1/models").json()
        return [model["id"] for model in answer["data"]], answer["errors"]

    def test_each_is_listed_by_the_name_that_it_can_be_asked_for_with(self):
        relay = self.relay()
        names, errors = self.listed(relay)
        self.assertEqual((sorted(names), errors), (["anthropic/claude-x", "extra/e-one", "m-one", "org/m-two"], []))
        listed = {model["id"]: model for model in relay.get("/v1/models").json()["data"]}
        # as it was told
        self.assertEqual(listed["extra/e-one"], {"context_length": 9, "id": "extra/e-one", "object": "model"})
        self.assertEqual(self.anthropic.seen[-1].target, "/v1/models")
        relay.chat("extra/e-one")
        self.assertEqual((self.extra.seen[-1].key, self.extra.seen[-1].json()["model"]), (EXTRA, "e-one"))
        counts = len(self.openai.seen), len(self.anthropic.seen)
        self.assertEqual(self.listed(relay)[0], names)  # kept
        self.assertEqual((len(self.openai.seen), len(self.anthropic.seen)), counts)
        self.assertEqual([model["id"] for model in relay.get("/custom:extra/v1/models").json()["data"]], ["e-one"])

    def test_geminis_names_are_ids_and_a_key_that_comes_back_is_masked(self):
        self.extra.usual = http(200, {"models": [{"name": "models/g-one"}, {"id": "e", "echo": EXTRA}]})
        answer = self.relay().get("/v1/models")
        self.assertIn("extra/g-one", [model["id"] for model in answer.json()["data"]])
        self.assertIn(b"*" * len(EXTRA), answer.body)
        self.assertNotIn(EXTRA.encode(), answer.body)

    def test_what_failed_is_named(self):
        self.extra.usual = http(401, {"error": {"message": "Missing scopes: api.model.read"}})
        self.openai.usual = http(403, {"error": {"message": "not this route"}})
        relay = self.relay()
        names, errors = self.listed(relay)
        self.assertEqual(names, ["anthropic/claude-x"])
        self.assertEqual({(error["provider"], error["status"]) for error in errors},
                         {("xiaomi", 403), ("custom:extra", 401)})
        self.extra.usual = http(200, {})
        self.assertEqual(relay.chat("extra/x").status, 200)  # its key is as good as before

    def test_a_provider_without_a_list_is_passed_on(self):
        self.openai.usual = http(200, {"id": "no list"})
        self.assertEqual(self.relay().get("/v1/models").json(), {"id": "no list"})
        self.assertEqual(self.extra.seen, [])


if __name__ == "__main__":
    unittest.main()
