"""hermes-relay and answers that come piece by piece: when they are passed on, and whose fault it is when they fail."""
import json, threading, unittest

from harness import PATIENCE, fingerprint
from mock_provider import STREAM_HEAD, chunk, http
from relay_case import KEY, SPARE, RelayCase

LIMIT = {"code": "rate_limit_exceeded", "message": "Please try again in 300s."}


def event(data):
    return f"data: {json.dumps(data)}\n\n".encode()


ECHO = {"id": "r", "instructions": "what the request said " * 6000} # as of an agent with many tools
PREAMBLES = {
    "/v1/responses": [event({"type": "response.created", "response": ECHO}), b": a comment\n\n",
                      event({"type": "response.in_progress", "response": ECHO}),
                      event({"type": "response.output_item.added", "item": {"type": "message", "content": []}}),
                      event({"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}})],
    "/v1/messages": [event({"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 3}}}),
                     event({"type": "ping"})],
    "/v1/chat/completions": [event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""},
                                                 "finish_reason": None}]})],
    "/v2/chat": [event({"type": "message-start", "delta": {"message": {"role": "assistant", "content": []}}}),
                 event({"type": "content-start", "index": 0, "delta": {"message": {"content": {"text": ""}}}})],
}
FAILURES = {
    "/v1/responses": event({"type": "response.failed", "response": {"error": LIMIT}}),
    "/v1/messages": event({"type": "error", "error": {"type": "rate_limit_error", "message": "limited"}}),
    "/v1/chat/completions": event({"id": "c", "choices": [{"index": 0, "delta": {"content": ""},
                                                           "finish_reason": "error"}],
                                   "error": {"code": 429, "message": "limited"}}),
    "/v2/chat": event({"error": {"code": 429, "message": "limited"}}),
}
CONTENT = event({"type": "fine", "delta": {"text": 'an "error" of mine: {"error": {"code": "rate_limit_exceeded"}}'}})


class Streams(RelayCase):
    def stream(self, *pieces, head=STREAM_HEAD):
        def speak(request, connection):
            return head + b"".join(chunk(piece) for piece in pieces) + b"0\r\n\r\n"
        return speak

    def test_a_failure_behind_a_preamble_turns_to_the_next_key(self):
        for path, preamble in PREAMBLES.items():
            with self.subTest(path=path):
                self.openai.seen.clear()
                self.home.compile("--reset", "xiaomi")
                self.openai.answers = {KEY: self.stream(*preamble, FAILURES[path]),
                                       SPARE: self.stream(*preamble, CONTENT)}
                relay = self.relay()
                for keys in ([KEY, SPARE], [SPARE]):
                    answer = relay.request("POST", "/xiaomi" + path, {"model": "m", "stream": True})
                    self.assertEqual((answer.status, answer.body), (200, b"".join(preamble) + CONTENT))
                    self.assertEqual(self.openai.keys(), keys)
                    self.openai.seen.clear()
                relay.close()

    def test_a_failure_behind_content_is_booked_and_told(self):
        self.openai.answers = {KEY: self.stream(CONTENT, FAILURES["/v1/responses"]), SPARE: self.stream(CONTENT)}
        relay = self.relay()
        answer = relay.request("POST", "/v1/responses", {"model": "m", "stream": True})
        self.assertEqual(answer.body, CONTENT + FAILURES["/v1/responses"])
        record = relay.get("/requests/" + answer.headers["x-hermes-request-id"]).json()
        self.assertEqual((record["status"], record["stream_error"], record["attempts"][0]["verdict"]),
                         (200, 429, "cooling"))
        self.assertIn(b'hermes_relay_stream_errors_total{provider="xiaomi"} 1', relay.get("/metrics").body)
        self.assertIn(" 200 ", relay.wait_log(" stream_error=429"))
        again = relay.request("POST", "/v1/responses", {"model": "m", "stream": True})
        self.assertEqual(again.headers["x-hermes-key"], fingerprint(SPARE))

    def test_a_stream_that_breaks_off_before_it_says_anything_is_no_good_answer(self):
        def cut(request, connection):
            connection.sendall(STREAM_HEAD + b"".join(map(chunk, PREAMBLES["/v1/chat/completions"])))
            return None # the connection is closed
        self.openai.usual = cut
        relay = self.relay()
        answer = relay.chat()
        record = relay.get("/requests/" + answer.headers["x-hermes-request-id"]).json()
        self.assertEqual((answer.status, [attempt["verdict"] for attempt in record["attempts"]]),
                         (502, ["provider-out"]))

    def test_what_is_generated_is_no_failure(self):
        self.openai.answers = {KEY: self.stream(*PREAMBLES["/v1/chat/completions"], CONTENT)}
        relay = self.relay()
        for _ in range(2):
            self.assertEqual(relay.chat().headers["x-hermes-key"], fingerprint(KEY))

    def test_a_sign_of_life_passes_at_once(self):
        element = b'{"candidates":[{"content":"a"}]}'
        for kind, first, rest in [("application/x-ndjson", b'{"a":1}\n', b'{"b":2}\n'),
                                  ("application/json", b"\n\n", b'{"id":"x"}'),
                                  ("application/x-ndjson", b"\n\n", b'{"id":"x"}\n'),
                                  ("application/json", b'{"a":1}\n', b'{"b":2}\n'),
                                  ("application/json", b"[" + element, b"," + element + b"]")]:
            with self.subTest(kind=kind, first=first):
                seen = threading.Event()

                def speak(request, connection):
                    connection.sendall(STREAM_HEAD.replace(b"text/event-stream", kind.encode()) + chunk(first))
                    self.assertTrue(seen.wait(PATIENCE))
                    return chunk(rest) + b"0\r\n\r\n"
                self.openai.usual = speak
                client = self.relay().client()
                client.request("POST", "/v1/chat/completions", b'{"model":"m"}',
                               {"Authorization": "Bearer "
                                + (self.home.path / "compiled/relay.token").read_text().strip()})
                response = client.getresponse()
                self.assertEqual(response.read(len(first)), first)
                seen.set()
                self.assertEqual(response.read(), rest)
                client.close()

    def test_an_error_as_the_first_line_turns_to_the_next_key(self):
        head = STREAM_HEAD.replace(b"text/event-stream", b"application/x-ndjson")
        self.openai.answers = {KEY: self.stream(b'{"error":{"code":429,"message":"limited"}}\n', head=head),
                               SPARE: self.stream(b'{"fine":1}\n', head=head)}
        self.assertEqual(self.relay().chat().body, b'{"fine":1}\n')


if __name__ == "__main__":
    unittest.main()
