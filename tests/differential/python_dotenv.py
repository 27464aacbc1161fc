"""Holds dotenv_load against the installed python-dotenv, with what Hermes does before and after it: files decoded,
lines stripped and ended (the sanitiser), and credential variables without what is not ASCII."""
import codecs, io, logging

from differential import COUNT, chance, compare, mutate
from dotenv.main import DotEnv

NAMES = ["A", "B", "C", "AB_C", "X_API_KEY", "Y_TOKEN", "a.x", "A-X", "1A", "'A B'", '"A"', "export", "é"]
VALUES = ["", "x", "abc", "a b", "a#b", "a #b", "# c", "#c", "'q'", "'q' # c", '"q"', '"q" # c', '"a\\nb"', "'a\\nb'",
          '"a\\\\"', "'a\\\\'",
          '"a\\"b"', "'a\\'b'", "'it", '"open', '"two\nlines"', "'two\nlines'", "'x'y", '"x" y', "${A}", "${B}",
          "${A:-d}", "${NOPE}",
          "${NOPE:-d e}", "${A:b}", "${A", "$A", "\\${A}", "x${A}y${B}z", "'${A}'", '"${A:-${B}}"', "${1+2}", "é", "中文",
          "a\u00a0b",
          "a\\tb", '"a\\tb\\u0041"', "=", "==x", "a=b", "k\u2028l", "'", '"', '""', "''", "\\", '"\\\\" "']
PIECES = ["=", " ", "\n", "'", '"', "\\", "#", " #", "${", "}", "${A}", "\t", "export ", ":", ":-", "$", "\x0b",
          "\u00a0", "\\\\", '\\"', "A=1\n"]
CREDENTIAL = ("_API_KEY", "_TOKEN", "_SECRET", "_KEY")


def line(c):
    kind = c.randrange(12)
    if kind == 0:
        return c.choice(["# note", "", "A", "export B", "no line", "A: b", "=x", "export", "#", "A B=1"])
    export = c.choice(["", "", "", "export ", "export\t"])
    gap = c.choice(["=", "=", "=", " = ", "= ", " ="])
    return export + c.choice(NAMES) + gap + c.choice(VALUES)


def text(c):
    data = "".join(line(c) + "\n" for _ in range(c.randrange(1, 7)))
    if c.randrange(2) == 0:
        data = mutate(c, data, PIECES)
    return damaged(c, data) if c.randrange(4) == 0 else data.encode()


def damaged(c, text):
    """TEXT as bytes that are not plain UTF-8."""
    data = text.encode()
    at = c.randrange(len(data) + 1)
    byte = c.choice([b"\xff", b"\xe9", b"\xc3", b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe4\xb8",
                     b"\xf0\x9f\x98", b"\0"])
    text = text.replace("x", "\U0001F600")
    return c.choice([codecs.BOM_UTF8 + data, data[:at] + byte + data[at:], byte + data, "\ufffd".encode() + data,
                     data.replace(b"\n", b"\r\n"),
                     codecs.BOM_UTF8 + data[:at] + byte + data[at:], codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
                     codecs.BOM_UTF16_BE + text.encode("utf-16-be") + c.choice([b"", b"a", b"\xd8\x3d"]),
                     text.encode("utf-16-le")])


def decoded(data, encoding, errors="strict"):
    return io.TextIOWrapper(io.BytesIO(data), encoding=encoding, errors=errors).read()


def on_disk(data):
    """What Hermes's sanitiser leaves of a file in which no known variable stands twice in a line."""
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    text = decoded(data, "utf-16" if wide else "utf-8-sig", "replace")
    if text.startswith("\ufffd") and not wide:
        return data
    lines = text.replace("\0", "").split("\n")
    if lines[-1] == "":
        lines.pop()
    clean = "".join((raw if not raw.strip() or raw.strip().startswith("#") else raw.strip()) + "\n" for raw in lines)
    return clean.encode() if wide or clean != text else data


def as_started(data):
    """The text that python-dotenv is given."""
    data = on_disk(data)
    try:
        return decoded(data, "utf-8-sig")
    except UnicodeDecodeError:
        return decoded(data.removeprefix(codecs.BOM_UTF8), "latin-1")


def ascii_only(name, value):
    return value.encode("ascii", "ignore").decode() if name.endswith(CREDENTIAL) else value


def expected(data):
    text = as_started(data)
    if "\0" in text:
        return None  # such a start ends in a ValueError
    values = DotEnv(None, stream=io.StringIO(text), interpolate=True).dict()
    return "".join(f"{name.encode().hex()}={ascii_only(name, value).encode().hex()};" for name, value in values.items()
                   if value is not None)


def same(ours, theirs):
    """The order of variables is nobody's."""
    return sorted(ours.split(";")) == sorted(theirs.split(";"))


if __name__ == "__main__":
    logging.disable()
    c = chance()
    compare([text(c) for _ in range(COUNT)], expected, same)
