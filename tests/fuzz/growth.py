#!/usr/bin/env python3
"""How the work grows with a text: each construct of YAML, of env files and of auth.json, n times and 4 n times, in
instructions as callgrind counts them. Per byte, four times as much may cost half as much again, no more: what grows
with the square of a text costs four times as much there.

    growth.py [CONSTRUCTS [SEED]]     so many random constructs, made of the pieces below, beside those that are named
"""
import os, pathlib, random, re, subprocess, sys, tempfile

BUILD = pathlib.Path(os.environ.get("HERMES_BUILD", pathlib.Path(__file__).parents[2] / "build/release"))
SMALL, LIMIT = 4000, 1.5  # bytes of the smaller text
MODEL = "model: {provider: xiaomi, default: m}\n"
KEY = "XIAOMI_API_KEY=sk-test-growth-0001\n"
STORE = '{"version": 1, "providers": {}, "credential_pool": %s}'
ENTRY = ('{"id": "i%(i)06d", "label": "l", "auth_type": "api_key", "priority": %(i)d, "source": "%(source)s", '
         '"access_token": "sk-test-%(i)d"}')

# name -> before, once more for each of n (%d: its number), after
CONFIG = {
    "entries": ("x:\n", "  key%d: value\n", ""), "items": ("x:\n", "- value\n", ""), "nulls": ("x:\n", "-\n", ""),
    "maps in a list": ("x:\n", "- {a: b, c: d}\n", ""), "entries of the root": ("", "key%d: value\n", ""),
    "a flow list": ("x: [", "a, ", "b]\n"), "a flow map": ("x: {", "k%d: v, ", "z: z}\n"),
    "brackets": ("x: ", "[], [", ""),
    "nested brackets": ("x: [", "[[[[[[[[[[a]]]]]]]]]], ", "b]\n"), "open brackets": ("x: ", "[", ""),
    "open braces": ("x: ", "{a: ", ""), "nested items": ("", "- - - x\n", ""), "blank lines": ("", "\n", "x: 1\n"),
    "comments": ("", "# a comment\n", "x: 1\n"), "comments behind values": ("x:\n", "- a # b\n", ""),
    "hashes": ("", "#", "\n"),
    "a long plain text": ("x: ", "word ", "\n"), "a plain text of lines": ("x:\n", "  word\n", ""),
    "a single-quoted text": ("x: '", "it''s ", "'\n"), "a double-quoted text": ('x: "', "\\u00e9\\n", '"\n'),
    "an open quote": ('x: "', "word ", ""), "open quotes in lines": ("x:\n", "- 'a\n", ""),
    "escaped breaks": ('x: "', "a\\\n", '"\n'),
    "a literal block": ("x: |\n", "  a line\n", ""), "a folded block": ("x: >\n", "  a line\n", ""),
    "blocks": ("x:\n", "- |\n  t\n", ""),
    "blank lines in a block": ("x: |\n  a\n", "\n", "  b\n"), "separators": ("x: '", "a\u2028", "'\n"),
    "next lines": ("x: '", "a\x85", "'\n"),
    "separators between entries": ("", "k%d: 1\u2028", ""), "comments with separators": ("", "# a\u2028", ""),
    "carriage returns": ("x:\n", "- a\r", ""), "both breaks": ("x:\n", "- a\r\n", ""), "tabs": ("x:\n", "-\ta\n", ""),
    "tabs in a text": ("x: a", "\t", "b\n"), "wide letters": ("x: ", "\u65e5\u672c", "\n"),
    "keys with wide letters": ("x:\n", "  \u65e5%d: a\n", ""),
    "emoji": ("x: '", "\U0001f600", "'\n"), "marks": ("x: '", "\ufeff", "'\n"), "digits": ("x: ", "9", "\n"),
    "underscores": ("x: 1", "_0", "\n"),
    "base 60": ("x: 1", ":10", "\n"), "numbers": ("x:\n", "- 12345\n", ""), "floats": ("x:\n", "- 1.5e+10\n", ""),
    "surprising numbers": ("x:\n", "- 0100\n", ""), "dates": ("x:\n", "- 2026-01-02\n", ""),
    "truths": ("x:\n", "- yes\n", ""),
    "wrong numbers": ("x:\n", "- !!int x\n", ""), "tags": ("x:\n", "- !!str a\n", ""),
    "binary": ("x: !!binary ", "aGVybWVz", "\n"),
    "a set": ("x: !!set {", "k%d, ", "z}\n"), "an omap": ("x: !!omap [", "k%d: v, ", "z: z]\n"),
    "anchors": ("x:\n", "- &a%d b\n", ""),
    "aliases": ("a: &a b\nx:\n", "- *a\n", ""), "merges": ("m: &m {a: 1}\nx:\n", "- {<<: *m, b: 2}\n", ""),
    "a merge of many": ("m: &m {a: 1}\nx:\n  <<: [", "*m, ", "*m]\n"), "unknown aliases": ("x:\n", "- *u%d\n", ""),
    "tag directives": ("", "%%TAG !t%d! tag:example.com,2000:\n", "---\nx: 1\n"), "documents": ("", "---\nx: 1\n", ""),
    "document ends": ("x: 1\n", "...\n", ""), "questions": ("x:\n", "  ? k%d\n  : v\n", ""),
    "equal keys": ("x:\n", "  same: 1\n", ""),
    "keys of numbers": ("x:\n", "  %d: a\n", ""), "colons": ("x: '", ": ", "'\n"), "dashes": ("x: '", "- ", "'\n"),
    "nothing read": ("", "%% ", "\n"),
    "a key in quotes": ("x:\n", '  "key%d": v\n', ""), "a long key": ("x:\n  ", "key", ": v\n"),
    "references": (MODEL + "x:\n", "- ${XIAOMI_API_KEY}\n", ""),
    "references in a text": (MODEL + "x: '", "${XIAOMI_API_KEY} ", "'\n"),
    "unset references": ("x:\n", "- ${UNSET_%d}\n", ""),
    "unset references in a text": ("x: '", "${UNSET_%d} ", "'\n"),
    "unset references for keys": ("x:\n", "  k%d: {api_key: '${UNSET_%d}'}\n", ""),
    "an open reference": ("x: '", "${A ", "'\n"), "unset references in lines": ("x: |\n", "  ${UNSET_%d}\n", ""),
    "references under platforms": ("platforms:\n", "  p%d: {t: '${XIAOMI_API_KEY}'}\n", ""),
    "dollars": ("x: '", "$", "'\n"),
    "custom providers": ("custom_providers:\n", "- {name: p%d, base_url: 'http://h%d/v1', api_key: sk-test-%d}\n", ""),
    "providers of one host": ("custom_providers:\n", "- {name: p%d, base_url: 'http://h/v1', api_key: sk-test-%d}\n",
                              ""),
    "keys of one provider": ("custom_providers:\n",
                             "- {name: p, base_url: 'http://h/v1', model: m%d, api_key: sk-test-%d}\n", ""),
    "providers without keys": ("custom_providers:\n", "- {name: p%d, base_url: 'http://h%d/v1'}\n", ""),
    "dropped providers": ("custom_providers:\n", "- {name: p%d}\n", ""),
    "a map of providers": ("providers:\n", "  p%d: {base_url: 'http://h/v1', api_key: sk-test-%d}\n", ""),
    "fallbacks": ("fallback_providers:\n", "- {provider: xiaomi, model: m%d, api_key: sk-test-%d}\n", ""),
    "strategies": ("credential_pool_strategies:\n", "  p%d: random\n", ""),
    "misspelt settings": ("agent:\n", "  max_turn%d: 1\n", ""),
    "unknown sections": (MODEL, "section%d: {name: a}\n", ""),
    "unknown settings": (MODEL, "  setting%d: a\n", ""),
    "headers": ("custom_providers:\n- name: p\n  base_url: http://h/v1\n  api_key: sk-test-1\n  extra_headers:\n",
                "    X-%d: y\n", ""),
    "env files": ("hermes_watch:\n  env_files:\n", "  - /nowhere/%d\n", ""),
    "a key with spaces": (MODEL + "  x: '", "sk test ", "'\n"),
}
ENV = {
    "variables": ("", "NAME%d=value\n", ""), "exports": ("", "export NAME%d=value\n", ""),
    "one name": ("", "NAME=value\n", ""),
    "comments": ("", "# a comment\n", ""), "blank lines": ("", "\n", ""),
    "wrong lines": ("", "no assignment here\n", ""), "names alone": ("", "NAME%d\n", ""),
    "single quotes": ("", "NAME%d='a value'\n", ""), "double quotes": ("", 'NAME%d="a\\nvalue"\n', ""),
    "values of lines": ("A='", "line\n", "'\n"),
    "open quotes": ("", "NAME%d='value\n", ""), "an open quote": ("A='", "word ", "\n"),
    "a long value": ("A=", "word", "\n"), "a long name": ("", "NAME", "=1\n"),
    "comments behind": ("", "NAME%d=a # b\n", ""), "hashes": ("A=", " #", "\n"),
    "references": ("A=b\n", "NAME%d=${A}\n", ""), "a chain": ("N0=a\n", "A%d=${N0}x\n", ""),
    "references in a value": ("A=b\nB=", "${A}", "\n"), "defaults": ("", "NAME%d=${U:-x}\n", ""),
    "nested defaults": ("A=", "${B:-", "\n"),
    "open references": ("A=", "${B", "\n"), "growing": ("A=a\n", "A=${A}b\n", ""),
    "unset": ("", "NAME%d=${UNSET}\n", ""), "dollars": ("A=", "$A", "\n"),
    "glued lines": ("A=1", "XIAOMI_API_KEY=sk-test-1", "\n"), "glued names": ("A=", "OPENAI_API_KEY=", "\n"),
    "equal signs": ("A=", "=", "\n"),
    "carriage returns": ("", "NAME%d=a\r", ""), "returns in a quote": ('x: "', "\r", '"\n'),
    "both breaks": ("", "NAME%d=a\r\n", ""), "separators": ("A='", "a\u2028", "'\n"),
    "separators between": ("", "N%d=a\u2028", ""), "next lines": ("", "N%d=a\x85", ""),
    "form feeds": ("", "N%d=a\x0c", ""), "spaces": ("A=", " ", "b\n"),
    "tabs": ("", "\t", "A=b\n"), "backslashes": ('A="', "\\\\", '"\n'), "wide letters": ("A=", "\u65e5", "\n"),
    "keys beyond ASCII": ("", "N%d_API_KEY=\u65e5\n", ""),
    "nulls": ("A=", "\0", "\n"), "Latin-1": (b"A=", b"\xfc", b"\n"), "misspelt names": ("", "XIAOMI_API_KEY%d=a\n", ""),
    "quotes in a value": ("A=b", "'\"", "\n"),
}
POOL = {
    "entries": ('{"xiaomi": [', ENTRY % {"i": 0, "source": "manual"} + ", ", ENTRY % {"i": 1, "source": "manual"}
                + "]}"),
    "entries of many sources": ('{"xiaomi": [',
                                '{"id": "i%d", "source": "env:V%d", "priority": %d, "access_token": "sk-test-%d"}, ',
                                '{"id": "z"}]}'),
    "entries of ours": ('{"xiaomi": [',
                        '{"id": "i%d", "source": "manual:hermes-watch:V%d", "priority": %d, '
                        '"access_token": "sk-test-%d"}, ', '{"id": "z"}]}'),
    "pools": ("{", '"p%d": [], ', '"z": []}'),
    "unknown members": ('{"xiaomi": [{', '"m%d": 1, ', '"id": "a", "source": "manual"}]}'),
    "a long text": ('{"xiaomi": [{"id": "', "word", '"}]}'), "escapes": ('{"xiaomi": [{"id": "', "\\u00e9\\n", '"}]}'),
    "spaces": ("{", " \n", "}"),
    "digits": ('{"a": [', "9", "]}"), "numbers": ('{"a": [', "1.5e10, ", "1]}"), "lists": ('{"a": [', "[], ", "1]}"),
    "open lists": ('{"a": ', "[", ""),
    "open maps": ("", '{"a": ', ""), "an open text": ('{"a": "', "word", ""),
    "equal names": ("{", '"a": 1, ', '"a": 1}'), "wide letters": ('{"a": "', "\u65e5", '"}'),
}
PIECES = ["a", "k%d: v", "\n", "  ", "- ", "[", "]", "{", "}", ", ", ": ", "# c", "'", '"', "\\", "|", ">", "&a%d ",
          "*a", "!!str ", "? ", "${A}", "${U%d}", "\t",
          "\r", "\u2028", "\x85", "\u65e5", "<<: ", "1:30", "0x1", "---\n", "...\n", "%%TAG ", "=", "export ", "A%d=",
          "$", "\ufeff", '"a": ', "\\u00e9", "9", "~"]


def data(text):
    return text if isinstance(text, bytes) else text.encode()


def repeat(construct, size):
    """At least SIZE bytes of it."""
    before, unit, after = map(data, construct)
    parts, length = [], 0
    while length < size:
        number = len(parts)
        parts.append(unit % ((number,) * (unit.count(b"%d"))) if b"%" in unit else unit)
        length += len(parts[-1])
    return before + b"".join(parts) + after


def random_constructs(count, seed):
    dice = random.Random(seed)
    for _ in range(count):
        unit = "".join(dice.choice(PIECES) for _ in range(dice.randint(1, 5)))
        around = dice.choice([("", ""), ("x: '", "'\n"), ('x: "', '"\n'), ("x: [", "]\n"), ("x: |\n  ", "\n"),
                              ("x:\n- ", "\n")])
        yield dice.choice(["config", "config", "env"]), f"random {unit!r} in {around[0]!r}", (around[0], unit,
                                                                                              around[1])


def frames(kind, construct, size):
    """config, env and pool of a compile with SIZE bytes of CONSTRUCT in one of them."""
    texts = {"config": data(MODEL), "env": data(KEY), "pool": data(STORE % "{}")}
    if kind == "pool":
        before, after = STORE.split("%s")
        texts[kind] = data(before) + repeat(construct, size) + data(after)
    else:
        texts[kind] = repeat(construct, size)
    return texts


def count(all_texts):
    """Instructions for each, as callgrind dumps them."""
    with tempfile.TemporaryDirectory() as folder:
        head = [b"%d %d %d\n" % tuple(len(texts[kind]) for kind in ("config", "env", "pool")) for texts in all_texts]
        fed = b"".join(line + texts["config"] + texts["env"] + texts["pool"] for line, texts in zip(head, all_texts))
        subprocess.run(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                        BUILD / "tests/growth"],
                       input=fed, check=True, stdout=subprocess.DEVNULL)
        return [int(re.search(r"^totals: (\d+)", pathlib.Path(f"{folder}/out.{i + 1}").read_text(), re.M)[1])
                for i in range(len(all_texts))]


def growing(measured, size):
    """Those of MEASURED that cost more per byte in 4 * SIZE bytes than in SIZE."""
    texts = [frames(kind, construct, length) for kind, _, construct in measured for length in (size, 4 * size)]
    instructions, found = count(texts), []
    for i, (kind, name, construct) in enumerate(measured):
        few, many = (instructions[2 * i + k] / len(texts[2 * i + k][kind]) for k in (0, 1))
        if many > LIMIT * few:
            found.append((kind, name, construct))
            print(f"{kind}: {name}: {few:.0f} instructions a byte in {size} bytes, {many:.0f} in four times as many")
    return found


def main(constructs=0, seed=None):
    seed = random.randrange(1 << 30) if seed is None else seed
    named = [(kind, name, construct) for kind, table in (("config", CONFIG), ("env", ENV), ("pool", POOL))
             for name, construct in table.items()]
    measured = named + list(random_constructs(constructs, seed))
    found = growing(growing(measured, SMALL), 4 * SMALL)  # a step is no growth: it is not there in a longer text
    print(f"{len(measured)} constructs, {len(found)} grow faster than the text (seed {seed})")
    return len(found) > 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
