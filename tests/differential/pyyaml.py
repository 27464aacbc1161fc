"""Holds yaml_load against the installed PyYAML's CSafeLoader: the same values, the same refusals at the same places, and a
warning where only its pure-Python loader refuses."""
import base64, datetime, io

import yaml
from differential import COUNT, chance, compare, mutate

SCALARS = """a abc x-y key ~ null Null nULL true True yes no on off y n 0 -0 +1 1 017 08 0o17 0b101 0b_ 0xFF 0x_ 1_000 _1 1e3
 1.0e+3 1.5E-3 5. .5 -.5 .inf -.INF .nan 1:30 12:30:45 190:20:30.15 2001-12-14 2001-12-14t21:59:43.10-05:00 2001-13-45
 2001-1-2 '' 'it''s' "q" "a\\tb" "\\x41\\u00e9" "\\U0001F600" "\\ud800" ! !!str !!int !!float !!null !!bool !local &a &b
 *a *b << = - ? : # | > % @ ` [] {} ${XIAOMI_API_KEY} sk-test-0123 é 中 😀 9999999999999999999999 0.1 1.0e+400 0.0 -0.0
 123456789.123456789 12e03 1__0.0 "http://h:1/v1" http://h:1/v1""".split() + [
    "'x: y'", '"multi\n   line"', "plain\n   more", "[a, {b: c}]", "{a: 1, b: [2]}", "!!str 12", '!!int "017"', "!!float 1",
    "!!float 1.5", "!!bool yes", "!!bool maybe", "!!null x", "!!binary aGVsbG8=", "!!binary a", "!!set {a, b}", "!!omap [a: 1]",
    "!!pairs [a: 1, a: 2]", "!!timestamp 2001-12-14", "!!int 1:30", "!!float 1:30", "!!str 2001-12-14", "\u00a0", "a\u2028b",
    "a\u0085b", "\ufeff", "2001-12-14 21:59:43.123456789 +5:30", "2001-12-14 21:59:43Z", "&c value", "*c", "! 12", "!!seq [1]",
    "!!map {a: 1}", "{<<: {a: 1}, b: 2}", "{1: a, true: b, 1.0: c}", "!!str", '"a\tb"', "a\tb", "{on: 1}", "'x'#c", "[a, b,]"]
PIECES = [" ", "\n", "\t", ":", ": ", "- ", "#", " #", "'", '"', "[", "]", "{", "}", ",", "&a ", "*a", "!", "!!", "|", ">", "\r", "\r\n",
          "%", "---\n", "...\n", "<<: ", "? ", "\u0085", "\u2028", "\ufeff", "\x00", "\x07", "\x7f", "é", "\\", "0", "_", "\n  ", "=", "~"]


def scalar(c):
    return c.choice(SCALARS)


def flow(c, depth):
    kind = c.randrange(3) if depth > 0 else 2
    if kind == 0:
        return "[" + ", ".join(flow(c, depth - 1) for _ in range(c.randrange(4))) + "]"
    if kind == 1:
        return "{" + ", ".join(f"{scalar(c)}: {flow(c, depth - 1)}" for _ in range(c.randrange(4))) + "}"
    return scalar(c)


def block_scalar(c, indent):
    head = c.choice("|>") + c.choice(["", "", "-", "+", "2", "1-"])
    lines = [c.choice(["text", "", "  more", "a: b", "# no comment", "\ttab"]) for _ in range(c.randrange(1, 4))]
    return head + "".join("\n" + " " * (indent + 2) + line for line in lines)


def block(c, depth, indent):
    """Text that stands behind `key:` or `-`, or at the top."""
    kind = c.randrange(10)
    pad = "\n" + " " * indent
    if depth == 0 or kind < 3:
        return " " + scalar(c) + c.choice(["", "", "", " # note"])
    if kind == 3:
        return " " + flow(c, 2)
    if kind == 4:
        return " " + block_scalar(c, indent)
    if kind == 5:
        return "".join(f"{pad}-{block(c, depth - 1, indent + 2)}" for _ in range(c.randrange(1, 4)))
    anchor = c.choice(["", "", "", " &m"])
    pairs = [f"{pad}{c.choice(['a', 'b', 'c', 'model', '1', 'on', scalar(c)])}:{block(c, depth - 1, indent + 2)}"
             for _ in range(c.randrange(1, 4))]
    if c.randrange(6) == 0:
        pairs.insert(c.randrange(len(pairs) + 1), f"{pad}<<: {c.choice(['*m', '[*m, *m]', '{a: 9}', '*a', 'x', '[{b: 1}, {b: 2, z: 3}]'])}")
    return anchor + "".join(pairs)


def document(c):
    text = block(c, 4, 0).lstrip("\n") + c.choice(["\n", "", "\n\n", "\n...\n", "\n# end"])
    head = c.choice(["", "", "", "", "---\n", "%YAML 1.1\n---\n", "\ufeff", "m: &m {a: 1, b: 2}\n", "# c\n"])
    text = head + text
    if c.randrange(3) == 0:
        text = mutate(c, text, PIECES)
    return text.encode("utf-8", "surrogatepass")


def notation(value):
    if value is None:
        return "n;"
    if isinstance(value, bool):
        return f"b{int(value)};"
    if isinstance(value, int):
        return f"i{value};"
    if isinstance(value, float):
        return f"f{c_hex(value)};"
    if isinstance(value, str):
        return f"s{value.encode().hex()};"
    if isinstance(value, bytes):
        return f"y{base64.b64encode(value).hex()};"
    if isinstance(value, (datetime.date, datetime.datetime)):
        return f"t{value.isoformat().encode().hex()};"
    if isinstance(value, (list, tuple)):
        return "[" + "".join(map(notation, value)) + "]"
    if isinstance(value, set):
        return "<" + "".join(sorted(map(notation, value))) + ">"
    return "{" + "".join(f"{notation(k)}={notation(v)}" for k, v in value.items()) + "}"


def c_hex(number):
    """float.hex() as printf's %a writes it."""
    if number != number or number in (float("inf"), float("-inf")):
        return str(number)
    text = number.hex().replace("0000000000000p", "p")
    mantissa, _, exponent = text.partition("p")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + "p" + exponent


def refused_by_pure(text):
    """PyYAML's own scanner refuses tabs that libyaml's takes: then we are to warn."""
    try:
        if "\t" in text:
            yaml.load(text, yaml.SafeLoader)
        return ""
    except yaml.YAMLError as error:
        return " tab" if r"'\t'" in str(error) else ""


def expected(data):
    if b"<<" in data and (b"!!omap" in data or b"!!pairs" in data):
        return None  # PyYAML merges these as the mappings they were written as
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").read()
        return notation(yaml.load(text, yaml.CSafeLoader)) + refused_by_pure(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return f"! {mark.line + 1} {mark.column + 1}"
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError):
        return "!"
    except RecursionError:
        return None


def main():
    c = chance()
    compare([document(c) for _ in range(COUNT)], expected, same)


# What we refuse on purpose; Hermes ends in a RecursionError, or in the out-of-memory killer.
LIMITS = {"recursive-alias", "alias-limit", "nesting-limit"}


def same(ours, theirs):
    """We name every refused value, PyYAML the first it comes upon: its place is to be among ours."""
    if not ours.startswith("!"):
        return ours == theirs
    refusals = [part.split() for part in ours.split("!")[1:]]
    places = [f"! {line} {column}" for _, line, column in refusals]
    return refusals[0][0] in LIMITS or (theirs == "!" or theirs in places)


main()
