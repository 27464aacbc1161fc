"""The story of a replaced key, told by the client libraries that people use: openai, @anthropic-ai/sdk and ai, in node,
through hermes-relay, against a provider that limits by key."""
import json, os, pathlib, shutil, subprocess, sys, threading, unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "system"))
from harness import BUILD, PATIENCE, Home, Watch, fingerprint
from mock_provider import MockProvider, http, limited
from relay import Relay
import sdk_provider

A, B, C = "sk-test-clients-aaaa-1", "sk-test-clients-bbbb-2", "sk-test-clients-cccc-3"
WORDS = ["one ", "zwei \u2014 ", "\u4e09"]


def install():
    """The libraries, as package-lock.json pins them, beside the build. Returns the folder; None: they cannot be had."""
    folder = BUILD.parent / "clients"
    folder.mkdir(exist_ok=True)
    wanted = (HERE / "package-lock.json").read_bytes()
    mark = folder / "installed"
    if not (mark.exists() and mark.read_bytes() == wanted):
        if shutil.which("npm") is None:
            return None
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, timeout=300,
                              capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stderr[-500:])
            return None
        mark.write_bytes(wanted)
    shutil.copy(HERE / "clients.mjs", folder)
    return folder


class Node:
    """clients.mjs, an application that runs all the time."""

    def __init__(self, folder):
        self.process = subprocess.Popen(["node", folder / "clients.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def do(self, relay, deed, order):
        order = {"do": deed, "relay": "http://" + relay.address, "token": relay.token, **order}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"node ended at {deed}"
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class ClientCase(unittest.TestCase):
    """A home, a provider that limits by key, and a relay."""

    def start(self, provider="xiaomi", keys=(A,)):
        self.home, self.provider = Home(), MockProvider(path="/v1" if provider == "xiaomi" else "")
        self.addCleanup(self.home.close)
        self.addCleanup(self.provider.close)
        self.provider.go_on = threading.Event()
        self.provider.usual = sdk_provider.serve(self.provider)
        self.configured = provider
        self.home.write("config.yaml", self.config(keys[0]))
        self.home.write(".env", "".join(f"MORE_{i}={key}\n" for i, key in enumerate(keys[1:])))
        code, out, err = self.home.compile()
        self.assertEqual(code, 0, out + err)
        self.relay = Relay(self.home)
        self.addCleanup(self.check_secrets)
        self.addCleanup(self.relay.close)

    def config(self, key):
        return (f"model:\n  provider: {self.configured}\n  default: m\n  base_url: {self.provider.url}\n"
                f"  api_key: {key}\n"
                f"credential_pool_sources:\n  {self.configured}: [MORE_0, MORE_1]\n")

    def check_secrets(self):
        for key in (A, B, C):
            self.assertNotIn(key.encode(), self.home.printed)

    def only(self, key):
        self.assertEqual(set(self.provider.keys()), {key})
        token = (self.home.path / "compiled/relay.token").read_text().strip()
        for request in self.provider.seen:
            self.assertNotIn(token, str(request.raw_headers) + request.target)


class Clients(ClientCase):
    node = None

    def do(self, deed, **order):
        return self.node.do(self.relay, deed, order)

    def expect(self, result, deed, **order):
        self.assertEqual((deed, self.do(deed, **order)), (deed, {"result": result}))

    def error(self, deed, **order):
        answer = self.do(deed, **order)
        self.assertIn("error", answer, deed)
        return answer["error"]

    # --- What each library can ask for ---

    def test_openai_asks_for_everything_it_knows(self):
        self.start()
        self.expect({"text": "hello from the provider", "attempts": "1", "id": "req-own-1"}, "openai.chat")
        self.expect({"text": "hello from the provider", "attempts": "1", "id": "req-own-1"}, "openai.chat",
                    base="/xiaomi/v1")
        self.expect([*WORDS, 5], "openai.stream")
        self.expect([["weather", "M\u00fcnster"]], "openai.tools")
        self.expect(["one ", "two"], "openai.responses")
        self.expect([[0.5, -2], [1.5, -2]], "openai.embeddings")
        self.expect([["m-1", "m-2"], "org%2Fm:1"], "openai.models")
        self.expect([300000, True, True], "openai.upload")
        self.expect("2 images of 300000 bytes", "openai.image")
        self.only(A)

    def test_an_older_openai_asks_for_what_applications_ask_it_for(self):
        self.start()
        self.expect({"text": "hello from the provider", "attempts": "1"}, "openai4.chat")
        self.expect([*WORDS, 5], "openai4.stream")
        self.expect([300000, True], "openai4.upload")
        self.only(A)

    def test_anthropic_asks_for_everything_it_knows(self):
        self.start("anthropic")
        self.expect("hello from the provider", "anthropic.message")
        self.expect("hello from the provider", "anthropic.message", bearer=True)
        self.expect([WORDS, 5], "anthropic.stream")
        self.expect(["tool_use", [["weather", "M\u00fcnster"]]], "anthropic.tools")
        self.expect(11, "anthropic.count")
        self.expect(["m-1", "m-2"], "anthropic.models")
        self.expect(300000, "anthropic.upload")
        self.only(A)
        self.assertEqual({request.headers.get("x-api-key") for request in self.provider.seen}, {A})

    def test_ai_asks_for_everything_it_knows(self):
        self.start()
        self.expect("hello from the provider", "ai.text")
        self.expect([WORDS, 5], "ai.stream")
        self.expect(["told: rain in M\u00fcnster", ["rain in M\u00fcnster"]], "ai.tools")
        self.expect([0.5, -2], "ai.embed")
        self.only(A)

    # --- The story ---

    DEEDS = {"xiaomi": {"openai.chat": {"text": "hello from the provider", "attempts": "1", "id": "req-own-1"},
                        "openai.stream": [*WORDS, 5],
                        "openai4.chat": {"text": "hello from the provider", "attempts": "1"},
                        "openai4.stream": [*WORDS, 5], "ai.text": "hello from the provider", "ai.stream": [WORDS, 5]},
             "anthropic": {"anthropic.message": "hello from the provider", "anthropic.stream": [WORDS, 5]}}
    LIMITED = {"openai": "RateLimitError", "openai4": "RateLimitError", "anthropic": "RateLimitError",
               "ai": "APICallError"}

    def tell(self, provider):
        """The only key is exhausted; the user replaces it; nobody restarts anything."""
        self.start(provider)
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        deeds = self.DEEDS[provider]
        for deed, result in deeds.items():
            self.expect(result, deed)
        self.provider.answers = {A: limited(3600)}
        for deed in deeds:
            error = self.error(deed)
            self.assertEqual((deed, error["status"], error["class"]),
                             (deed, 429, self.LIMITED[deed.split(".")[0]]), error)
            asked = deed == next(iter(deeds))  # by the first; what it was told is for nobody else
            self.assertIn("slow down" if asked else "every key is cooling down", error["message"])
            self.assertTrue(3000 < int(error["retry_after"]) <= 3600, error)
            self.assertTrue(error["request"], error)
        self.assertEqual(self.provider.keys().count(A), len(deeds) + 1)  # it was asked once more, and then left alone
        generation = self.home.generation()
        self.home.write("config.yaml", self.config(B))
        watch.wait_generation(generation + 1)
        for deed, result in deeds.items():
            self.expect(result, deed)
        self.assertEqual(self.provider.keys()[-len(deeds):], [B] * len(deeds))

    def test_a_replaced_key_serves_the_next_request_of_openai_and_ai(self):
        self.tell("xiaomi")

    def test_a_replaced_key_serves_the_next_request_of_anthropic(self):
        self.tell("anthropic")

    def test_a_second_key_steps_in_unnoticed(self):
        for provider, deeds in self.DEEDS.items():
            with self.subTest(provider):
                self.start(provider, (A, B))
                self.provider.answers = {A: limited(3600)}
                for deed, result in deeds.items():
                    attempts = "2" if deed == "openai.chat" else "1"
                    self.expect({**result, "attempts": attempts} if isinstance(result, dict) else result, deed)
                self.assertEqual(self.provider.keys(), [A] + [B] * len(deeds))

    def test_a_stream_ends_on_the_key_it_began_with(self):
        self.start()
        self.expect("one ", "openai.hold")
        self.home.write("config.yaml", self.config(B))
        self.assertEqual(self.home.compile()[0], 0)
        self.expect({"text": "hello from the provider", "attempts": "1", "id": "req-own-1"}, "openai.chat")
        self.provider.go_on.set()
        self.expect(WORDS[1:], "openai.finish")
        self.assertEqual(self.provider.keys(), [A, B])

    # --- What goes wrong ---

    def test_the_libraries_own_retries_wait_as_long_as_the_provider_said(self):
        """Whoever came back too early would be refused without the provider being asked."""
        for provider, deed, result in (("xiaomi", "openai.chat", self.DEEDS["xiaomi"]["openai.chat"]),
                                       ("xiaomi", "ai.text", "hello from the provider"),
                                       ("anthropic", "anthropic.message", "hello from the provider")):
            with self.subTest(deed):
                self.start(provider)
                refused = []
                usual = self.provider.usual

                def once(request, connection):
                    if refused:
                        return usual(request, connection)
                    refused.append(request)
                    return limited(2)

                self.provider.usual = once
                self.expect(result, deed, retries=1)
                self.assertEqual(self.provider.keys(), [A, A])

    def test_errors_are_of_the_class_that_the_provider_meant(self):
        wrong = {"error": {"message": "model is unknown", "type": "invalid_request_error", "param": "model"}}
        busy = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        cases = {"openai.chat": [(400, wrong, "BadRequestError"), (404, wrong, "NotFoundError"),
                                 (422, wrong, "UnprocessableEntityError"),
                                 (500, wrong, "InternalServerError")],
                 "anthropic.message": [(400, {"type": "error", **wrong}, "BadRequestError"),
                                       (404, {"type": "error", **wrong}, "NotFoundError"),
                                       (529, busy, "OverloadedError")],
                 "ai.text": [(400, wrong, "APICallError"), (500, wrong, "APICallError")]}
        for deed, answers in cases.items():
            for status, body, name in answers:
                with self.subTest(f"{deed} {status}"):
                    self.start("anthropic" if deed.startswith("anthropic") else "xiaomi")
                    self.provider.answers = {A: http(status, body)}
                    error = self.error(deed)
                    self.assertEqual((error["status"], error["class"]), (status, name), error)
                    self.assertIn(body["error"]["message"], error["message"])

    def test_a_wrong_token_and_a_missing_provider_are_errors_that_the_libraries_know(self):
        self.start()
        error = self.error("openai.chat", other="sk-test-wrong")
        self.assertEqual((error["class"], error["status"]), ("AuthenticationError", 401), error)
        error = self.error("openai.chat", base="/nobody/v1")
        self.assertEqual((error["class"], error["status"]), ("NotFoundError", 404), error)
        self.assertIn("no such provider", error["message"])
        self.assertEqual(self.provider.keys(), [])

    def test_a_client_that_leaves_ends_the_request_of_the_provider(self):
        for provider, deeds in (("xiaomi", ("openai.leave", "ai.leave")), ("anthropic", ("anthropic.leave",))):
            self.start(provider)
            for deed in deeds:
                self.expect(True, deed)
                self.assertTrue(self.provider.left.acquire(timeout=PATIENCE), deed)
        self.start()
        self.assertEqual(self.error("openai.abort")["class"], "APIUserAbortError")
        self.assertTrue(self.provider.left.acquire(timeout=PATIENCE))


if __name__ == "__main__":
    folder = install() if shutil.which("node") else None
    if folder is None:
        print("SKIP: node, npm or the packages of npm cannot be had")
        sys.exit(77)
    Clients.node = Node(folder)
    try:
        unittest.main()
    finally:
        Clients.node.close()
