"""hermes-relay: which key and provider serve, and what the client gets when none does."""
import json, time, unittest

from harness import Home, fingerprint
from mock_provider import MockProvider, STREAM_HEAD, chunk, http, limited, reset
from relay import Relay

ONE, TWO, THREE = "sk-test-relay-one-1111", "sk-test-relay-two-2222", "sk-test-relay-three-3333"
OTHER = "sk-test-relay-other-4444"


class Failover(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.provider, self.second = MockProvider(), MockProvider()
        self.addCleanup(self.provider.close)
        self.addCleanup(self.second.close)
        self.configure()

    def configure(self, more="", keys=(ONE, TWO, THREE)):
        variables = ["XIAOMI_API_KEY", "MORE_ONE", "MORE_TWO"]
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  default: m\n  base_url: {self.provider.url}\n"
                        f"credential_pool_sources:\n  xiaomi: [MORE_ONE, MORE_TWO]\n"
                        f"custom_providers:\n  - name: other\n    base_url: {self.second.url}\n    api_key: {OTHER}\n{more}")
        self.home.write(".env", "".join(f"{name}={key}\n" for name, key in zip(variables, keys)))
        code, out, err = self.home.compile()
        self.assertEqual(code, 0, out + err)

    def relay(self, *args, **kwargs):
        relay = Relay(self.home, *args, **kwargs)
        self.addCleanup(self.check_secrets)
        self.addCleanup(relay.close)
        return relay

    def check_secrets(self):
        for key in (ONE, TWO, THREE, OTHER):
            self.assertNotIn(key.encode(), self.home.printed)

    def test_a_refused_key_makes_room_for_the_next_one_in_the_same_request(self):
        self.provider.answers = {ONE: limited(90)}
        relay = self.relay()
        answer = relay.chat()
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.provider.keys(), [ONE, TWO])
        self.assertEqual(answer.headers["x-hermes-key"], fingerprint(TWO))
        self.assertEqual(answer.headers["x-hermes-provider"], "xiaomi")
        self.assertEqual(answer.headers["x-hermes-attempts"], "2")
        self.assertEqual(relay.chat().headers["x-hermes-attempts"], "1")  # it is still cooling
        self.assertEqual(self.provider.keys(), [ONE, TWO, TWO])
        told = relay.get("/requests/" + answer.headers["x-hermes-request-id"]).json()
        self.assertEqual([(a["key"], a["status"], a["verdict"]) for a in told["attempts"]],
                         [(fingerprint(ONE), 429, "cooling"), (fingerprint(TWO), 200, "good")])
        switch = relay.get("/status").json()["switches"][0]
        self.assertEqual((switch["key"], switch["to_key"], switch["status"]), (fingerprint(ONE), fingerprint(TWO), 429))

    def test_when_all_are_refused_the_client_gets_the_providers_own_last_answer(self):
        self.provider.answers = {key: limited(90 + i, [("X-Own", f"answer {i}")]) for i, key in enumerate((ONE, TWO, THREE))}
        relay = self.relay()
        answer = relay.chat()
        self.assertEqual((answer.status, answer.headers["x-own"]), (429, "answer 2"))
        self.assertEqual(answer.json()["error"]["message"], "slow down")
        self.assertEqual(self.provider.keys(), [ONE, TWO, THREE])
        self.assertGreater(int(answer.headers["retry-after"]), 0)
        again = relay.chat()  # nobody is asked any more, and the answer is still the provider's
        self.assertEqual((again.status, again.json()["error"]["message"]), (429, "slow down"))
        self.assertEqual(again.headers["x-hermes-attempts"], "0")
        self.assertEqual(self.provider.keys(), [ONE, TWO, THREE])

    def test_then_the_configured_fallback_serves_with_its_own_model_and_nobody_else(self):
        self.configure(more="fallback_providers:\n  - provider: other\n    model: fallback-model\n")
        self.provider.answers = {key: limited() for key in (ONE, TWO, THREE)}
        relay = self.relay()
        answer = relay.chat()
        self.assertEqual((answer.status, answer.headers["x-hermes-provider"]), (200, "custom:other"))
        self.assertEqual(answer.headers["x-hermes-attempts"], "4")
        self.assertEqual(self.second.keys(), [OTHER])
        asked = self.second.seen[0].json()
        self.assertEqual(asked, {"model": "fallback-model", "messages": [{"role": "user", "content": "hello"}]})

    def test_no_provider_is_asked_that_was_not_named(self):
        self.provider.answers = {key: limited() for key in (ONE, TWO, THREE)}
        self.assertEqual(self.relay().chat().status, 429)
        self.assertEqual(self.second.seen, [])

    def test_a_wrong_request_is_the_clients_and_no_keys(self):
        self.provider.answers = {ONE: http(400, {"error": {"message": "no such parameter", "type": "invalid_request_error"}})}
        answer = self.relay().chat()
        self.assertEqual((answer.status, answer.headers["x-hermes-attempts"]), (400, "1"))
        self.assertEqual(self.provider.keys(), [ONE])

    def test_what_may_have_been_charged_for_is_not_asked_again(self):
        self.provider.answers = {ONE: lambda request, connection: reset(connection)}
        relay = self.relay()
        self.assertEqual(relay.chat().status, 502)
        self.assertEqual(self.provider.keys(), [ONE])

    def test_a_rotated_key_is_used_by_the_next_request_and_a_running_one_ends_on_the_old(self):
        import threading
        go = threading.Event()

        def slow(request, connection):
            connection.sendall(STREAM_HEAD + chunk(b"data: 1\n\n"))
            go.wait(60)
            return chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        self.provider.answers = {ONE: slow}
        relay = self.relay()
        running = []
        thread = threading.Thread(target=lambda: running.append(relay.chat()))
        thread.start()
        self.provider.wait_seen(1)
        self.configure(keys=("sk-test-relay-new-5555", TWO, THREE))
        self.assertEqual(relay.chat().headers["x-hermes-key"], fingerprint("sk-test-relay-new-5555"))
        go.set()
        thread.join()
        self.assertEqual((running[0].body, running[0].headers["x-hermes-key"]),
                         (b"data: 1\n\ndata: [DONE]\n\n", fingerprint(ONE)))


if __name__ == "__main__":
    unittest.main()
