"""Whom the relay blames: a key is out for what its provider says, and only for that much."""
import pathlib, sys, threading, unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "runtime/python"))
import hermes_snapshot

from harness import PATIENCE, fingerprint
from mock_provider import http, limited
from relay_case import KEY, SPARE, RelayCase

BOTH = (KEY, SPARE)


def refusal(status, message, headers=(), **more):
    return http(status, {"error": {"message": message, **more}}, headers=headers)


class Evidence(RelayCase):
    def only(self, key, answer):
        """The provider answers so to KEY, and well to others."""
        self.openai.answers = {key: answer}

    def asked(self, *keys):
        self.assertEqual(self.openai.keys(), list(keys))
        self.openai.seen.clear()

    def test_what_a_client_wrote_does_not_decide_about_keys(self):
        relay = self.relay()
        for answer in (refusal(400, "bad input: 'Incorrect API key provided, recharge'", code="invalid_value"),
                       http(422, {"detail": [{"input": {"code": "invalid_api_key", "status": "insufficient_quota"}}]}),
                       refusal(404, "no file 'insufficient balance'", code="not_found")):
            self.openai.answers = dict.fromkeys(BOTH, answer)
            self.assertIn(relay.chat().status, (400, 404, 422))
            self.asked(KEY)
            self.openai.answers = {}
            self.assertEqual(relay.chat().status, 200)
            self.asked(KEY)

    def test_what_every_key_answers_alike_is_the_requests_fault(self):
        relay = self.relay()
        self.openai.answers = dict.fromkeys(BOTH, refusal(403, "Forbidden"))
        answer = relay.chat()
        self.assertEqual(answer.status, 403)
        self.asked(*BOTH)
        tries = relay.get("/requests/" + answer.headers["x-hermes-request-id"]).json()["attempts"]
        self.assertEqual([t["verdict"] for t in tries], ["request-wrong"] * 2)
        self.openai.answers = {}
        self.assertEqual(relay.chat().status, 200)
        self.asked(KEY)

    def test_a_client_that_leaves_in_between_has_shown_nothing(self):
        relay = self.relay()
        left = threading.Event()
        self.openai.answers = {KEY: refusal(403, "Forbidden"), SPARE: lambda request, connection: left.wait(PATIENCE)
                               and None}
        connection = relay.connect()
        connection.sendall("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                           f"Authorization: Bearer {relay.token}\r\n"
                           "Content-Length: 2\r\n\r\n{}".encode())
        self.openai.wait_seen(2)
        connection.close()
        relay.wait_log('completions" 0 ')
        left.set()
        self.openai.answers = {}
        self.assertEqual(relay.chat().headers["x-hermes-key"], fingerprint(KEY))

    def test_what_one_key_alone_is_refused_is_its_own(self):
        relay = self.relay()
        self.only(KEY, refusal(403, "Forbidden"))
        for keys in (BOTH, (SPARE,)):
            self.assertEqual(relay.chat().status, 200)
            self.asked(*keys)

    def test_a_refusal_of_an_endpoint_leaves_the_key_to_the_others(self):
        relay = self.relay()
        self.only(KEY, lambda request, connection: refusal(401, "Missing scopes: api.images.")
                  if "/images/" in request.target
                  else http(200, {"id": "x"}))
        images = {"model": "pictures", "prompt": "x"}
        for keys in (BOTH, (SPARE,)):
            self.assertEqual(relay.request("POST", "/v1/images/generations", images).status, 200)
            self.asked(*keys)
        self.assertEqual(relay.chat().status, 200)
        self.asked(KEY)

    def test_a_refusal_of_a_list_says_nothing_of_chats(self):
        relay = self.relay()
        self.only(KEY, lambda request, connection: refusal(403, "Forbidden") if request.method == "GET"
                  else http(200, {"id": "x"}))
        self.assertEqual(relay.get("/xiaomi/v1/models").status, 200)
        self.asked(*BOTH)
        self.assertEqual(relay.chat().status, 200)
        self.asked(KEY)

    def test_a_limit_of_one_model_is_none_of_the_others(self):
        relay = self.relay()
        self.openai.answers = dict.fromkeys(BOTH, lambda request, connection: limited(90)
                                            if request.json()["model"] != "big"
                                            else refusal(429, "Rate limit reached for big in organization x",
                                                         [("Retry-After", 300)]))
        self.assertEqual(relay.chat("big").status, 429)
        self.asked(*BOTH)
        again = relay.chat("big")
        self.assertEqual((again.status, again.headers["x-hermes-attempts"]), (429, "0"))
        self.assertGreater(int(again.headers["retry-after"]), 200)
        reader = hermes_snapshot.open(self.home.path)  # and every reader of the home knows
        self.assertIsNone(reader.pick(model="big"))
        self.assertEqual([reader.pick(model=model).secret for model in (None, "small")], [KEY, KEY])
        self.openai.answers = {}
        self.assertEqual(relay.chat("small").status, 200)
        self.asked(KEY)

    def test_a_request_that_is_too_much_turns_to_the_next_key_and_costs_this_one_nothing(self):
        relay = self.relay()
        for answer in (refusal(402, "This request requires more credits, or fewer max_tokens."),
                       refusal(429, "Extra usage is required for long context requests."),
                       refusal(400, "Your credit balance is too low to access the API.", type="invalid_request_error")):
            self.only(KEY, answer)
            self.assertEqual(relay.chat().status, 200)
            self.asked(*BOTH)
            self.openai.answers = {}
            self.assertEqual(relay.chat().status, 200)
            self.asked(KEY)

    def test_no_time_is_told_that_no_provider_named(self):
        relay = self.relay()
        self.openai.answers = dict.fromkeys(BOTH, refusal(429, "slow down"))
        for _ in range(2):
            answer = relay.chat()
            self.assertEqual(answer.status, 429)
            self.assertNotIn("retry-after", answer.headers)

    def test_the_only_key_rests_for_a_minute(self):
        self.configure(spare="")
        relay = self.relay()
        self.openai.answers = {KEY: refusal(429, "slow down")}
        self.assertNotIn("retry-after", relay.chat().headers)
        again = relay.chat()
        self.assertEqual((again.status, again.headers["x-hermes-attempts"]), (429, "0"))
        self.assertLessEqual(int(again.headers["retry-after"]), 60)

    def test_what_is_told_of_another_try_agrees_with_itself(self):
        self.openai.answers = {KEY: limited(5),
                               SPARE: limited(900, [("retry-after-ms", "900000"), ("x-should-retry", "false"),
                                                                     ("x-other", "kept")])}
        answer = self.relay().chat()
        self.assertLessEqual(int(answer.headers["retry-after"]), 5)
        self.assertEqual(answer.headers["x-other"], "kept")
        self.assertFalse({"retry-after-ms", "x-should-retry"} & set(answer.headers))

    def test_a_time_that_is_none_is_told_to_nobody(self):
        self.configure(spare="")
        for headers in [("Retry-After", -5)], [("Retry-After", 999999999),
                                               ("retry-after-ms", -1)], [("Retry-After", "soon")]:
            self.openai.answers = {KEY: refusal(429, "slow down", headers)}
            relay = self.relay()
            self.home.compile("--reset", "xiaomi")
            answer = relay.chat()
            self.assertEqual((answer.status, [name for name in answer.headers if name.startswith("retry-after")]),
                             (429, []))
            relay.close()

    def test_an_answer_is_shown_to_nobody_else(self):
        self.openai.answers = dict.fromkeys(BOTH, refusal(429, "the text of somebody's request", [("Retry-After", 60)],
                                                          code="rate_limit_exceeded"))
        relay = self.relay()
        self.assertIn("somebody's", relay.chat().body.decode())
        again = relay.chat()
        self.assertNotIn("somebody", again.body.decode())
        self.assertEqual((again.status, again.json()["error"]["code"]), (429, "rate_limit_exceeded"))


if __name__ == "__main__":
    unittest.main()
