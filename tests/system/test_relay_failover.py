"""hermes-relay: which key and provider serve, and what the client gets when none does."""
import os, pathlib, socket, struct, threading, time, unittest

from harness import PATIENCE, Home, fingerprint
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
                        f"custom_providers:\n  - name: other\n    base_url: {self.second.url}\n    api_key: {OTHER}\n"
                        f"{more}")
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
        self.assertEqual([(a["fingerprint"], a["status"], a["verdict"]) for a in told["attempts"]],
                         [(fingerprint(ONE), 429, "cooling"), (fingerprint(TWO), 200, "good")])
        self.assertEqual(relay.get("/requests/0000000000000000").status, 404)
        # booked behind the last byte, which the client may have first
        both = 'hermes_relay_request_seconds_count{provider="xiaomi"} 2\n'
        metrics = next(m for m in (relay.get("/metrics").body.decode() for _ in range(1000)) if both in m)
        self.assertIn('hermes_relay_failovers_total{provider="xiaomi"} 1\n', metrics)
        self.assertRegex(metrics,
                         r'hermes_relay_key_cooldown_seconds\{provider="xiaomi",key="%s"\} '
                         r'(8\d|90)\n' % fingerprint(ONE))
        self.assertIn(f'hermes_relay_key_cooldown_seconds{{provider="xiaomi",key="{fingerprint(TWO)}"}} 0\n', metrics)
        switch = relay.get("/status").json()["switches"][0]
        self.assertEqual((switch["fingerprint"], switch["to_fingerprint"], switch["status"]),
                         (fingerprint(ONE), fingerprint(TWO), 429))

    def test_a_cooldown_of_the_configuration_is_what_the_pages_tell(self):
        self.configure("hermes_watch: {cooldown_402: 60}\n")
        self.provider.answers = {ONE: http(402, {"error": {"message": "no money"}})}
        relay = self.relay()
        answer = relay.chat()
        status = relay.get("/status").json()
        attempt = relay.get("/requests/" + answer.headers["x-hermes-request-id"]).json()["attempts"][0]
        for told in status["switches"][0], attempt:
            self.assertEqual(told["fingerprint"], fingerprint(ONE))
            self.assertAlmostEqual(told["until"] - status["switches"][0]["at"], 60, delta=1)

    def test_when_all_are_refused_the_client_gets_the_providers_own_last_answer(self):
        self.provider.answers = {key: limited(90 + i, [("X-Own", f"answer {i}")])
                                 for i, key in enumerate((ONE, TWO, THREE))}
        relay = self.relay()
        answer = relay.chat()
        self.assertEqual((answer.status, answer.headers["x-own"]), (429, "answer 2"))
        self.assertEqual(answer.json()["error"]["message"], "slow down")
        self.assertEqual(self.provider.keys(), [ONE, TWO, THREE])
        self.assertLessEqual(int(answer.headers["retry-after"]), 90)
        self.assertGreater(int(answer.headers["retry-after"]), 90 - PATIENCE)
        again = relay.chat()  # nobody is asked any more
        self.assertEqual((again.status, again.json()["error"]["type"]), (429, "rate_limit_error"))
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

    def test_a_stream_whose_first_event_is_a_refusal_is_no_answer_yet(self):
        refusal = b'data: {"error":{"message":"Rate limit reached","type":"rate_limit_error","code":429}}\n\n'
        events = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n'
        self.provider.answers = {ONE: STREAM_HEAD + chunk(refusal) + b"0\r\n\r\n",
                                 TWO: STREAM_HEAD + chunk(events) + b"0\r\n\r\n"}
        answer = self.relay().chat()
        self.assertEqual((answer.status, answer.body), (200, events))
        self.assertEqual(self.provider.keys(), [ONE, TWO])

    def test_a_wrong_request_is_the_clients_and_no_keys(self):
        self.provider.answers = {ONE: http(400, {"error": {"message": "no such parameter",
                                                           "type": "invalid_request_error"}})}
        answer = self.relay().chat()
        self.assertEqual((answer.status, answer.headers["x-hermes-attempts"]), (400, "1"))
        self.assertEqual(self.provider.keys(), [ONE])

    def test_what_may_have_been_charged_for_is_not_asked_again(self):
        self.provider.answers = {ONE: lambda request, connection: reset(connection)}
        relay = self.relay()
        self.assertEqual(relay.chat().status, 502)
        self.assertEqual(self.provider.keys(), [ONE])

    def test_an_idempotency_key_lets_it_be_asked_again_with_the_same_key_only(self):
        self.configure(more="fallback_providers:\n  - provider: other\n    model: fallback-model\n")
        self.provider.answers = {ONE: lambda request, connection: reset(connection)}
        relay = self.relay()
        self.assertEqual(relay.chat(headers={"Idempotency-Key": "abc"}).status, 502)
        self.assertEqual(self.provider.keys(), [ONE, ONE])
        self.assertEqual(self.second.seen, [])
        replies = iter([None, http(200, {"id": "x"})])
        self.provider.answers = {ONE: lambda request, connection: next(replies) or reset(connection)}
        self.assertEqual(relay.chat(headers={"Idempotency-Key": "abd"}).status, 200)
        self.assertEqual(self.provider.keys()[2:], [ONE, ONE])

    def test_nor_is_it_on_a_connection_that_was_kept_unless_that_does_no_harm(self):
        def once(request, connection):
            first = not hasattr(once, "seen")
            once.seen = True
            return http(200, {}) if first else reset(connection)
        for headers, attempts in [({}, 1), ({"Idempotency-Key": "abc"}, 2)]:  # the same key again
            with self.subTest(headers=headers):
                once.__dict__.clear()
                self.provider.usual = once
                relay = self.relay(threads=1)
                self.assertEqual(relay.chat(headers=headers).status, 200)
                before = len(self.provider.seen)
                self.assertEqual(relay.chat(headers=headers).status, 502)
                self.assertEqual(len(self.provider.seen) - before, attempts)
                relay.close()

    def test_a_kept_connection_that_was_reset_while_it_rested_costs_no_request(self):
        def served(request, connection):
            connection.sendall(http(200, {"id": "x"}))
            rests.acquire()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            kept = f":{connection.getpeername()[1]:04X} 0100007F:{connection.getsockname()[1]:04X} 01"
            os.close(connection.detach())  # now, though its stream still knows it
            while kept in pathlib.Path("/proc/net/tcp").read_text():
                time.sleep(0.01)  # under load the kernel takes its time to tell the relay
            ended.release()
        rests, ended = threading.Semaphore(0), threading.Semaphore(0)
        self.provider.usual = served
        relay = self.relay(threads=1)
        for count in range(1, 12):  # libcurl asks five times again with one handle
            self.assertEqual(relay.chat().status, 200)
            self.assertEqual(len(self.provider.seen), count)
            rests.release()
            self.assertTrue(ended.acquire(timeout=PATIENCE))

    def test_a_dead_key_stays_dead_until_its_source_changes(self):
        wrong = http(401, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error",
                                     "code": "invalid_api_key"}})
        self.provider.answers = {ONE: wrong}
        relay = self.relay()
        self.assertEqual(relay.chat().headers["x-hermes-key"], fingerprint(TWO))
        states = {key["fingerprint"]: key["state"] for provider in relay.get("/status").json()["providers"]
                  for key in provider["keys"]}
        self.assertEqual(states[fingerprint(ONE)], "dead")
        relay.close()
        relay = self.relay()
        self.assertEqual(relay.chat().headers["x-hermes-key"], fingerprint(TWO))
        self.assertEqual(self.provider.keys().count(ONE), 1)
        self.configure(keys=("sk-test-relay-new-5555", TWO, THREE))
        self.assertEqual(relay.chat().headers["x-hermes-key"], fingerprint("sk-test-relay-new-5555"))

    def test_when_every_key_is_dead_the_client_is_not_told_to_wait(self):
        wrong = http(401, {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}})
        self.provider.answers = {key: wrong for key in (ONE, TWO, THREE)}
        relay = self.relay()
        for attempts in ("3", "0"):
            answer = relay.chat()
            self.assertEqual((answer.status, answer.headers["x-hermes-attempts"]), (401, attempts))
            self.assertEqual(answer.json()["error"]["code"], "invalid_api_key")
            self.assertNotIn("retry-after", answer.headers)

    def test_a_provider_that_is_out_costs_no_second_key_and_the_fallback_serves(self):
        self.configure(more="fallback_model:\n  provider: other\n  model: fallback-model\n")
        self.provider.usual = http(503, {"error": {"message": "overloaded"}})
        relay = self.relay()
        answer = relay.chat()
        self.assertEqual((answer.status, answer.headers["x-hermes-provider"], answer.headers["x-hermes-attempts"]),
                         (200, "custom:other", "2"))
        self.assertEqual(self.provider.keys(), [ONE])
        self.second.usual = http(404, {"error": {"message": "no such path"}})
        answer = relay.chat()  # a fallback that has no such thing is none
        self.assertEqual((answer.status, answer.json()["error"]["message"]), (503, "overloaded"))
        answer = relay.get("/v1/files")  # no model that could be another one: nobody else's list
        self.assertEqual((answer.status, answer.headers["x-hermes-attempts"]), (503, "1"))

    def test_nobody_at_the_providers_address_is_no_charge(self):
        self.configure(more="fallback_providers:\n  - provider: other\n    model: fallback-model\n")
        self.provider.close()
        holder = socket.socket()  # nobody else may get that port
        holder.bind(("127.0.0.1", self.provider.port))
        relay = self.relay()
        self.assertEqual(relay.chat().headers["x-hermes-provider"], "custom:other")
        self.configure()
        answer = relay.chat()
        self.assertEqual((answer.status, answer.json()["error"]["type"]), (502, "api_error"))
        holder.close()

    def test_nothing_is_sent_without_a_key(self):
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  default: m\n  base_url: {self.provider.url}\n")
        self.home.write(".env", "XIAOMI_API_KEY=\n")
        self.assertEqual(self.home.compile()[0], 0)
        answer = self.relay().chat()
        self.assertIn(answer.status, (401, 404))
        self.assertEqual(self.provider.seen, [])

    def test_a_rotated_key_is_used_by_the_next_request_and_a_running_one_ends_on_the_old(self):
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
