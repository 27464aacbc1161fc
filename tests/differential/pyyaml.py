"""Holds yaml_load against the installed PyYAML's CSafeLoader: the same values, the same refusals at the same places,
and a warning where only its pure-Python loader refuses."""
import base64, datetime, io

import yaml
from differential import COUNT, chance, compare, mutate

SCALARS = """a abc x-y key ~ null Null nULL true True yes no on off y n 0 -0 +1 1 017 08 0o17 0b101 0b_ 0xFF 0x_ 1_000
 _1 1e3 1.0e+3 1.5E-3 5. .5 -.5 .inf -.INF .nan 1:30 12:30:45 190:20:30.15 2001-12-14
 2001-12-14t21:59:43.10-05:00 2001-13-45
 2001-1-2 '' 'it''s' "q" "a\\tb" "\\x41\\u00e9" "\\U0001F600" "\\ud800" ! !!str !!int !!float !!null !!bool !local &a &b
 *a *b << = - ? : # | > % @ ` [] {} ${XIAOMI_API_KEY} sk-test-0123 é 中 😀 9999999999999999999999 0.1 1.0e+400 0.0 -0.0
 123456789.123456789 12e03 1__0.0 "http://h:1/v1" http://h:1/v1""".split() + [
    "'x: y'", '"multi\n   line"', "plain\n   more", "[a, {b: c}]", "{a: 1, b: [2]}", "!!str 12", '!!int "017"',
    "!!float 1",
    "!!float 1.5", "!!bool yes", "!!bool maybe", "!!null x", "!!binary aGVsbG8=", "!!binary a", "!!set {a, b}",
    "!!omap [a: 1]",
    "!!pairs [a: 1, a: 2]", "!!timestamp 2001-12-14", "!!int 1:30", "!!float 1:30", "!!str 2001-12-14", "\u00a0",
    "a\u2028b",
    "a\u0085b", "\ufeff", "2001-12-14 21:59:43.123456789 +5:30", "2001-12-14 21:59:43Z", "&c value", "*c", "! 12",
    "!!seq [1]",
    "!!map {a: 1}", "{<<: {a: 1}, b: 2}", "{1: a, true: b, 1.0: c}", "!!str", '"a\tb"', "a\tb", "{on: 1}", "'x'#c",
    "[a, b,]", "[a?b, c]", "{u: http://h/x?y=1}", "{a? : 1}", "a?b",
    "!!omap [{a: 1, a: 2}]", "!!pairs [<<: {a: 1}]", "!!pairs [=: 1]", "!!omap [[a]: 1]", "!!omap [!!set {a}]",
    "{.nan: 1, .NaN: 2}",
    "{1.0e+23: a, 100000000000000000000000: b, 99999999999999991611392: c}"]
PIECES = [" ", "\n", "\t", ":", ": ", "- ", "#", " #", "'", '"', "[", "]", "{", "}", ",", "&a ", "*a", "!", "!!", "|",
          ">", "\r", "\r\n",
          "%", "---\n", "...\n", "<<: ", "? ", "\u0085", "\u2028", "\ufeff", "\x00", "\x07", "\x7f", "é", "\\", "0",
          "_", "\n  ", "=", "~"]


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
        pairs.insert(c.randrange(len(pairs) + 1),
                     f"{pad}<<: {c.choice(['*m', '[*m, *m]', '{a: 9}', '*a', 'x', '[{b: 1}, {b: 2, z: 3}]'])}")
    return anchor + "".join(pairs)


def number(c):
    """What a number, a date or a truth value looks like, and what only almost does."""
    kind = c.randrange(8)
    digits = "".join(c.choice("0123456789_") for _ in range(c.randrange(1, 7)))
    sign = c.choice(["", "", "", "-", "+"])
    if kind == 0:
        return sign + c.choice(["0b", "0x", "0o", "0", "0X", "0B", ""]) + "".join(c.choice("01789aAfFgG_")
                                                                                  for _ in range(c.randrange(5)))
    if kind == 1:
        return sign + digits + c.choice([".", "._", ".5", ".0_1", ""]) + c.choice(["", "e3", "e+3", "E-2", "e+400",
                                                                                   "e-400", "e", "E+_1"])
    if kind == 2:
        return sign + ":".join(str(c.choice([0, 1, 5, 9, 10, 59, 60, 99, 190, "00", "05", "1_0"]))
                               for _ in range(c.randrange(2, 5))) + c.choice(
            ["", "", ".5", ".", ".1_5", "e3"])
    if kind == 3:
        date = "-".join([c.choice(["2001", "0000", "1900", "2000", "9999", "200", "20011"]),
                         c.choice(["01", "1", "12", "13", "00", "2"]),
                         c.choice(["1", "28", "29", "30", "31", "32", "00"])])
        time = c.choice(["", "", "T", "t", " ", "  ", "\t"]) + c.choice(["", "1:2:3", "01:02:03", "23:59:59",
                                                                         "24:00:00", "1:60:00", "01:02:60", "1:02:03"])
        zone = c.choice(["", "", "Z", " Z", "z", "+1", "-05:30", " +5:30", "+24:00", "-23:59", "+00:00", "-00:30",
                         "+0530", "+5:3"])
        return date + time + c.choice(["", "", ".", ".1", ".123456789", ".000001"]) + zone
    if kind == 4:
        return c.choice("-+") + c.choice([".inf", ".Inf", ".INF", ".iNf", ".nan", ".5", ".", "_1", "0", "0_", "0b1",
                                          "0x1F"])
    if kind == 5:
        return "".join(c.choice("0123456789")
                       for _ in range(c.choice([17, 25, 300, 400]))) + c.choice(["", ".0", ".5e+10"])
    if kind == 6:
        word = c.choice(["yes", "no", "on", "off", "true", "false", "null", "y", "n", "~", "none"])
        return c.choice([word, word.upper(), word.capitalize(), word.swapcase(), word + c.choice(" :x")])
    return sign + digits


def tagged(c):
    tag = c.choice(["!!int", "!!float", "!!bool", "!!null", "!!str", "!!timestamp", "!!binary", "!!merge", "!!value",
                    "!!seq", "!!map", "!!set",
                    "!!omap", "!!pairs", "!", "!x", "!!python/none", "!<tag:yaml.org,2002:int>",
                    "!<tag:yaml.org,2002:str>", "!<x>", "!e!int",
                    "!!i%6et", "!!", "!<", "!%41"])
    value = c.choice([number, number, scalar, lambda c: flow(c, 1),
                      lambda c: c.choice(['"1_0"', "' 12 '", '" 1.5"', "'1:30'", '"0x_1"', "'+1'", '"-"',
        '"1e5"', "'0x1F'", "'inf'", "'nan'", "'1_000.5'", '"YES"', "'a b'", "'YQ=='", "'YQ='", "'Y Q = ='", "'é'"])])
    return f"{tag} {value(c)}"


def text_in_quotes(c):
    pieces = ["a", " ", "  ", "\n", "\n\n", "\n  ", "\t", "\u0085", "\u2028", "\u2029", "\u00a0", "é", "😀", "#", ": ",
              "- ", "''", "\ufeff"]
    escapes = ["\\n", "\\t", "\\0", "\\x41", "\\u00e9", "\\U0001F600", "\\\n", "\\\n   ", "\\ ", "\\/", "\\_", "\\N",
               "\\L", "\\P", "\\e", "\\a", "\\q", "\\xg0",
               "\\ud83d\\ude00", "\\uDC00", "\\U00110000", '\\"', "\\\\", "\\x"]
    if c.randrange(2) == 0:
        return "'" + "".join(c.choice(pieces) for _ in range(c.randrange(7))) + "'"
    return '"' + "".join(c.choice(pieces + escapes) for _ in range(c.randrange(7))).replace("''", "'") + '"'


def plain_lines(c):
    return "".join(c.choice(["a", "b c", "x:y", "x#y", "-z", "?w", " ", "\n  ", "\n   ", "\n\n  ", "\u00a0", "\t", "'",
                             '"', "{", "]", ",", "!", "&q", "*q", "%", "@", "|", "\u2028  "])
                   for _ in range(c.randrange(1, 6)))


def literal(c, indent):
    head = c.choice("|>") + c.choice(["", "", "", "-", "+", "1", "2", "3", "9", "0", "-1", "+2", "2-", "3+", "--", "10",
                                      " # note", "#x", " x", "-# x", "\t# y"])
    lines = [" " * c.choice([0, 0, indent, indent + 1, indent + 2, indent + 2, indent + 2, indent + 3, indent + 4]) +
             c.choice(["text", "", "", " ", "more: x", "# no", "- x", "\ttab", "é", "a\u0085b", "a\u2028", "---", "...",
                       "%x"])
             for _ in range(c.randrange(6))]
    return head + "".join("\n" + line for line in lines)


def anything(c, depth, indent):
    """Like block, but with everything that YAML has: documents of this kind are mostly refused somewhere."""
    pad = "\n" + " " * indent
    kind = c.randrange(14) if depth > 0 else c.randrange(8)
    anchor = c.choice(["", "", "", "", " &a", " &b", " &c"])
    leaf = [scalar, number, tagged, text_in_quotes, plain_lines, lambda c: c.choice(["*a", "*b", "*c"]),
            lambda c: flow(c, 3),
            lambda c: literal(c, indent)]
    if kind < 8:
        return anchor + " " + leaf[kind](c) + c.choice(["", "", "", " ", " # note", "  #", "\t", "\t# note"])
    if kind < 10:
        return anchor + "".join(f"{pad}-{anything(c, depth - 1, indent + c.choice([1, 2, 2, 2, 4]))}"
                                for _ in range(c.randrange(1, 4)))
    pairs = []
    for _ in range(c.randrange(1, 5)):
        step = indent + c.choice([1, 2, 2, 2, 3])
        key = c.choice(["a", "b", "c", "'d'", '"e"', number(c), scalar(c), text_in_quotes(c), "*a", "&k f", "!!str g",
                        "!!int 1", "[a]", "{a: b}", "k" * c.choice([1023, 1024, 1025])
                        if c.randrange(40) == 0 else "h"])
        value = anything(c, depth - 1, step)
        merge = c.choice(["*a", "*b", "[*a, *b]", "[*b, *a, *c]", "{a: 1, z: 2}", "[{a: 3}, {a: 4, y: 5}]", "x", "[]",
                          "{}", "[x]", "*c", "[[*a]]", "&c {q: 1}", "~", "!!set {a, b}"])
        pairs.append(c.choice([f"{pad}{key}:{value}"] * 8 + [f"{pad}? {key}{pad}:{value}", f"{pad}?{value}{pad}: x",
                                                             f"{pad}? {key}", f"{pad}{key} :{value}",
                              f"{pad}<<: {merge}", f"{pad}<<: {merge}{pad}<<: {merge}", f"{pad}'<<': {merge}",
                              f"{pad}!!merge a: {merge}", f"{pad}: {key}"]))
    return anchor + "".join(pairs)


def whole(c):
    head = c.choice([""] * 8 + ["---\n", "--- ", "---\n---\n", "%YAML 1.2\n---\n", "%YAML 1.3\n---\n",
                                "%YAML 2.0\n---\n", "%YAML 1.1\n", "%TAG !e! tag:yaml.org,2002:\n---\n",
                    "%TAG !! tag:x,1:\n---\n", "%TAG ! tag:yaml.org,2002:\n---\n", "%TAG !e! !x\n%TAG !e! !y\n---\n",
                    "%FOO bar\n---\n", "\ufeff", "\ufeff---\n", "\ufeff# c\n", "# c\n",
                    "\n\n", "  \n", "a: &a {x: 1, y: &b {z: 2}}\n", "- &a {x: 1}\n- &b [1]\n", "...\n",
                    "%YAML 1.1\n%YAML 1.1\n---\n", "\ufeff%YAML 1.1\n---\n"])
    tail = c.choice([""] * 4 + ["\n"] * 8 + ["\n...\n", "\n...", "\n---\n", "\n---", "\n--- a\n", "\n... # c\n",
                                             "\n...x\n", "\n# end", "\n\t", "\n \t\n", "\n\ufeff", "\n...\n\ufeff",
                                             "\x00",
                    "\n...\n%YAML 1.1\n", "\n}", "\n]", "\r", "\r\n\r\n"])
    text = head + anything(c, 4, 0).lstrip("\n ") + tail
    for _ in range(c.choice([0, 0, 0, 1, 1, 2])):
        text = mutate(c, text, PIECES)
    if c.randrange(6) == 0:
        text = text.replace("\n", c.choice(["\r\n", "\r", "\u0085", "\u2028"]), c.choice([1, -1]))
    return text


def comments(c, text):
    """Lines that begin with a #, wherever that may be."""
    lines = text.split("\n")
    for _ in range(c.randrange(1, 4)):
        lines.insert(c.randrange(len(lines) + 1), " " * c.choice([0, 0, 0, 1, 2, 2, 4, 6]) + "#" + c.choice(
            ["", " it's", ' "', " a: b", "# |", " [x", " }", " é", " \\", " '' # \"", " \u2028x", " \x07", "a: \u0085",
             "\r", " - >-", " *a &b"]))
    return "\n".join(lines)


def long_comments(c, text):
    """So many that libyaml reads the text in several goes, one of which ends near the ends of their lines."""
    lines = text.split("\n")
    room = c.choice([1, 2, 4, 8]) * 16384 + c.randrange(-20, 20)
    width = c.choice([1, 3, 80, 2000, room])
    lines[c.randrange(len(lines) + 1):0] = ["#" + "x" * (width - 1)] * (room // (width + 1))
    return "\n".join(lines + c.choice([[], ["#"], ["# the end, without a line end"]]))


def document(c):
    text = comments(c, plain_document(c)) if c.randrange(2) == 0 else plain_document(c)
    if c.randrange(50) == 0:
        text = long_comments(c, text)
    return text.encode("utf-8", "surrogatepass")


def plain_document(c):
    if c.randrange(2) == 0:
        return whole(c)
    text = block(c, 4, 0).lstrip("\n") + c.choice(["\n", "", "\n\n", "\n...\n", "\n# end"])
    head = c.choice(["", "", "", "", "---\n", "%YAML 1.1\n---\n", "\ufeff", "m: &m {a: 1, b: 2}\n", "# c\n"])
    text = head + text
    if c.randrange(3) == 0:
        text = mutate(c, text, PIECES)
    return text


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


def pure_differs(text, value):
    """Whether PyYAML's own scanner makes something else of it: then we are to warn."""
    try:
        return " differ" if notation(yaml.load(text, yaml.SafeLoader)) != value else ""
    except yaml.YAMLError as error:
        return " tab" if r"'\t'" in str(error) else " differ"
    except RecursionError:
        return ""


def expected(data):
    if b"<<" in data and b"*" in data and (b"!!omap" in data or b"!!pairs" in data):
        return None  # an alias to a map that PyYAML may or may not have merged in place by then
    if b"%YAML 1.1#" in data or b"%YAML 1.2#" in data:
        return None  # a directive that runs into a comment: nobody writes it
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").read()
        value = notation(yaml.load(text, yaml.CSafeLoader))
        return value + pure_differs(text, value)
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
    """We name every refused value, PyYAML the first it comes upon: its place is to be among ours. Of a syntax error we
    name the cause, which is never behind the place where PyYAML stops."""
    if not ours.startswith("!"):
        said, meant = [text.removesuffix(" differ").removesuffix(" tab") for text in (ours, theirs)]
        warned = len(ours) > len(said)
        # A mark inside the file is worth a word even where both readers happen to agree.
        return said == meant and (ours == theirs or warned and (len(theirs) > len(meant) or ours.endswith(" differ")))
    refusals = [part.split() for part in ours.split("!")[1:]]
    places = [f"! {line} {column}" for _, line, column in refusals]
    causes = [(int(line), int(column)) for code, line, column in refusals if code == "yaml-syntax"]
    if causes and theirs.startswith("! "):
        return causes[0] <= tuple(map(int, theirs.split()[1:]))
    return refusals[0][0] in LIMITS or (theirs == "!" or theirs in places)


main()
