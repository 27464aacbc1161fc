"""What an OpenAI- or Anthropic-style provider says to the client libraries: the answers of MockProvider for each
path."""
import base64, json, re, select, struct

from mock_provider import STREAM_HEAD, chunk, http


def events(*datas, named=False):
    lines = [(f"event: {data['type']}\n" if named else "")
             + f"data: {json.dumps(data) if isinstance(data, dict) else data}\n\n"
             for data in datas]
    return [line.encode() for line in lines]


def send_events(connection, parts):
    connection.sendall(STREAM_HEAD)
    for part in parts:
        connection.sendall(chunk(part))
    connection.sendall(b"0\r\n\r\n")


def piece(delta, finish=None):
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
CHAT_STREAM = events(piece({"role": "assistant", "content": "one "}), piece({"content": "zwei \u2014 "}),
                     piece({"content": "\u4e09"}),
                     piece({}, "stop"), {**piece({}), "choices": [], "usage": USAGE}, "[DONE]")
CALL = {"index": 0, "id": "call_1", "type": "function"}
TOOL_STREAM = events(piece({"role": "assistant",
                            "tool_calls": [{**CALL, "function": {"name": "weather", "arguments": ""}}]}),
                     piece({"tool_calls": [{"index": 0, "function": {"arguments": '{"city": "M\u00fcn'}}]}),
                     piece({"tool_calls": [{"index": 0, "function": {"arguments": 'ster"}'}}]}),
                     piece({}, "tool_calls"), "[DONE]")


RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": [],
            "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}}
ITEM = {"id": "msg_1", "type": "message", "role": "assistant"}
RESPONSE_STREAM = events({"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}},
                         {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "content": []}},
                         *({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0,
                            "content_index": 0, "delta": part} for part in ("one ", "two")),
                         {"type": "response.output_item.done", "output_index": 0,
                          "item": {**ITEM, "content": [{"type": "output_text", "text": "one two"}]}},
                         {"type": "response.completed", "response": {**RESPONSE, "status": "completed"}}, named=True)
LIMITED_RESPONSE = events({"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}},
                          {"type": "response.failed", "response": {
                              **RESPONSE, "status": "failed",
                              "error": {"code": "rate_limit_exceeded", "message": "Please try again in 20s."}}},
                          named=True)


def completion(content, **more):
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE, "choices": [
        {"index": 0, "finish_reason": "tool_calls" if more else "stop",
         "message": {"role": "assistant", "content": content, **more}}]}


def chat(asked, connection, provider):
    model, stream = asked["model"], asked.get("stream")
    if model == "endless":
        return endless(connection, provider, events(piece({"role": "assistant", "content": "tick"}))[0])
    if model == "silent":
        return endless(connection, provider, None)
    if model == "held":
        connection.sendall(STREAM_HEAD + chunk(CHAT_STREAM[0]))
        provider.go_on.wait(60)
        connection.sendall(b"".join(map(chunk, CHAT_STREAM[1:])) + b"0\r\n\r\n")
        return b""
    if model == "tools" and not any(message["role"] == "tool" for message in asked["messages"]):
        call = {"id": "call_1", "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "M\u00fcnster"}'}}
        return send_events(connection, TOOL_STREAM) or b"" if stream else http(200, completion(None, tool_calls=[call]))
    if stream:
        return send_events(connection, CHAT_STREAM) or b""
    told = [message["content"] for message in asked["messages"] if message["role"] == "tool"]
    return http(200, completion(f"told: {told[0]}" if told else "hello from the provider"),
                headers=[("x-request-id", "req-own-1")])


def endless(connection, provider, event):
    """Until the client leaves, which `provider.left` tells."""
    if event is not None:
        connection.sendall(STREAM_HEAD + chunk(event))
    select.select([connection], [], [], 60)
    provider.left.release()
    return None


def message_stream(kind):
    start = {"type": "message_start",
             "message": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [],
                                                  "stop_reason": None,
                                                  "usage": {"input_tokens": 3, "output_tokens": 1}}}
    tools = kind == "tools"
    block = {"type": "tool_use", "id": "t", "name": "weather", "input": {}} if tools else {"type": "text", "text": ""}
    deltas = [{"type": "input_json_delta", "partial_json": part}
              for part in ('{"city": "M\u00fcn', 'ster"}')] if tools else \
             [{"type": "text_delta", "text": part} for part in ("one ", "zwei \u2014 ", "\u4e09")]
    return events(start, {"type": "content_block_start", "index": 0, "content_block": block}, {"type": "ping"},
                  *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
                  {"type": "content_block_stop", "index": 0},
                  {"type": "message_delta", "delta": {"stop_reason": "tool_use" if tools else "end_turn"},
                   "usage": {"output_tokens": 5}},
                  {"type": "message_stop"}, named=True)


def message(asked, connection, provider):
    if asked["model"] == "endless":
        return endless(connection, provider, message_stream("m")[0])
    if asked.get("stream"):
        return send_events(connection, message_stream(asked["model"])) or b""
    return http(200, {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                      "content": [{"type": "text", "text": "hello from the provider"}],
                      "usage": {"input_tokens": 3, "output_tokens": 5}})


def parts(request):
    """The bodies of a multipart form by name."""
    boundary = re.search(r"boundary=\"?([^\";]+)", request.headers["content-type"]).group(1).encode()
    found = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, body = part[2:-2].split(b"\r\n\r\n", 1)
        found.setdefault(re.search(rb' name="([^"]*)"', head).group(1).decode(), []).append(body)
    return found


def embeddings(asked):
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    vectors = [[i + 0.5, -2.0] for i in range(len(texts))]
    if asked.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack("<2f", *vector)).decode() for vector in vectors]
    return http(200, {"object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1},
                      "data": [{"object": "embedding", "index": i, "embedding": vector}
                               for i, vector in enumerate(vectors)]})


def files(provider, request):
    path = request.target.split("?")[0]
    if request.method == "POST":
        provider.file = parts(request)["file"][0]
        return http(200, {"id": "file-1", "object": "file", "type": "file", "bytes": len(provider.file),
                          "size_bytes": len(provider.file), "filename": "data.bin", "purpose": "batch",
                          "created_at": 1})
    if path.endswith("/content"):
        return http(200, provider.file, type="application/octet-stream")
    return http(200, {"id": "file-1", "object": "file", "deleted": True})


def model_list(request):
    if request.target.split("?")[0].endswith("/models"):
        return http(200, {"object": "list", "has_more": False, "first_id": "m-1", "last_id": "m-2",
                          "data": [{"id": name, "object": "model", "type": "model", "created": 1}
                                   for name in ("m-1", "m-2")]})
    return http(200, {"id": request.target.rsplit("/", 1)[1], "object": "model"})


def serve(provider):
    """What PROVIDER answers to a key that it likes."""
    def answer(request, connection):
        path = request.target.split("?")[0].split("/v1", 1)[1]
        if path == "/chat/completions":
            return chat(request.json(), connection, provider)
        if path == "/messages":
            return message(request.json(), connection, provider)
        if path == "/messages/count_tokens":
            return http(200, {"input_tokens": 11})
        if path == "/embeddings":
            return embeddings(request.json())
        if path == "/responses":
            return send_events(connection, RESPONSE_STREAM) or b""
        if path.startswith("/models"):
            return model_list(request)
        if path.startswith("/files"):
            return files(provider, request)
        if path == "/images/edits":
            images = parts(request)["image[]"]
            return http(200, {"created": 1, "data": [{"b64_json": f"{len(images)} images of {len(images[0])} bytes"}]})
        return http(404, {"error": {"message": "nothing here", "type": "invalid_request_error"}})
    return answer
