"""Holds dotenv_load against the installed python-dotenv, with what Hermes does before and after it: lines stripped and
ended (the sanitiser), and credential variables without what is not ASCII."""
import io, logging

from differential import COUNT, chance, compare, mutate
from dotenv.main import DotEnv

NAMES = ["A", "B", "C", "AB_C", "X_API_KEY", "Y_TOKEN", "a.x", "A-X", "1A", "'A B'", '"A"', "export", "é"]
VALUES = ["", "x", "abc", "a b", "a#b", "a #b", "# c", "#c", "'q'", "'q' # c", '"q"', '"q" # c', '"a\\nb"', "'a\\nb'", '"a\\\\"', "'a\\\\'",
          '"a\\"b"', "'a\\'b'", "'it", '"open', '"two\nlines"', "'two\nlines'", "'x'y", '"x" y', "${A}", "${B}", "${A:-d}", "${NOPE}",
          "${NOPE:-d e}", "${A:b}", "${A", "$A", "\\${A}", "x${A}y${B}z", "'${A}'", '"${A:-${B}}"', "${1+2}", "é", "中文", "a\u00a0b",
          "a\\tb", '"a\\tb\\u0041"', "=", "==x", "a=b", "k\u2028l", "'", '"', '""', "''", "\\", '"\\\\" "']
PIECES = ["=", " ", "\n", "'", '"', "\\", "#", " #", "${", "}", "${A}", "\t", "export ", ":", ":-", "$", "\x0b", "\u00a0", "\\\\", '\\"', "A=1\n"]
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
    return data.encode()


def sanitised(data):
    """What Hermes's sanitiser leaves of a file in which no known variable stands twice in a line."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").read().split("\n")
    if lines[-1] == "":
        lines.pop()
    return "".join((raw if not raw.strip() or raw.strip().startswith("#") else raw.strip()) + "\n" for raw in lines)


def ascii_only(name, value):
    return value.encode("ascii", "ignore").decode() if name.endswith(CREDENTIAL) else value


def expected(data):
    values = DotEnv(None, stream=io.StringIO(sanitised(data)), interpolate=True).dict()
    return "".join(f"{name.encode().hex()}={ascii_only(name, value).encode().hex()};" for name, value in values.items()
                   if value is not None)


def same(ours, theirs):
    """The order of variables is nobody's."""
    return sorted(ours.split(";")) == sorted(theirs.split(";"))


if __name__ == "__main__":
    logging.disable()
    c = chance()
    compare([text(c) for _ in range(COUNT)], expected, same)
