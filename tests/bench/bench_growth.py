"""What four times as much of something costs: bench_growth.py [BUILD]. For each construct of YAML, env files and JSON
the time of a check at n and at 4n, as a power of the size: 1 is linear. Fails where one is above 1.5."""
import math, os, pathlib, resource, subprocess, sys, tempfile

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/release").resolve()
WARNED = "model: {provider: xiaomi, default: m, api_keey: x}\n"
YAML = {
    "U+2028": (lambda n: 'a: "' + "\u2028" * n + '"\n', 40000),
    "U+0085": (lambda n: 'a: "' + "\u0085" * n + '"\n', 40000),
    "folded U+2029": (lambda n: "a: >\n  " + "x\u2029  " * n + "\n", 20000),
    "%TAG": (lambda n: "".join(f"%TAG !t{i}! tag:x,{i}:\n" for i in range(n)) + "---\na: 1\n", 2000),
    "%YAML comments": (lambda n: "# c\n" * n + "a: 1\n", 60000),
    "anchors": (lambda n: "".join(f"k{i}: &a{i} v\n" for i in range(n)), 8000),
    "aliases": (lambda n: "b: &b v\n" + "".join(f"k{i}: *b\n" for i in range(n)), 8000),
    "merge keys": (lambda n: "b: &b {x: 1}\n" + "".join(f"k{i}: {{<<: *b}}\n" for i in range(n)), 4000),
    "keys of a map": (lambda n: "".join(f"key{i}: v\n" for i in range(n)), 10000),
    "equal keys": (lambda n: "key: v\n" * n, 6000),
    "flow sequence": (lambda n: "a: [" + "1, " * n + "1]\n", 40000),
    "brackets in text": (lambda n: 'a: "' + "[{" * n + '"\n', 60000),
    "references": (lambda n: 'a: "' + "${X} " * n + '"\n', 10000),
    "escapes": (lambda n: 'a: "' + "\\u0041" * n + '"\n', 30000),
    "quotes": (lambda n: "a: '" + "''" * n + "'\n", 60000),
    "tabs": (lambda n: "a: b" + "\t" * n + "\n", 60000),
    "block scalar": (lambda n: "a: |\n" + "  line\n" * n, 40000),
    "custom providers": (lambda n: "custom_providers:\n" + "".join(
        f"  - {{name: p{i}, base_url: 'https://h{i}.test/v1', api_key: sk-test-{i:08}}}\n" for i in range(n)), 600),
    "fallbacks": (lambda n: "fallback_providers:\n" + "  - {provider: xiaomi, model: m}\n" * n, 3000),
    "numbers": (lambda n: "a: " + "1" * n + "\n", 60000),
    "carriage returns": (lambda n: "a: |\n" + "  x\r" * n + "\n", 30000),
}
ENV = {
    "variables": (lambda n: "".join(f"V{i}=x\n" for i in range(n)), 10000),
    "one variable": (lambda n: "A=x\n" * n, 20000),
    "references": (lambda n: "A=x\nB=" + "${A}" * n + "\n", 10000),
    "references to the line before": (lambda n: "".join(f"V{i + 1}=${{V{i}}}\n" for i in range(n)), 5000),
    "quotes that never end": (lambda n: "A='x\n" * n, 10000),
    "lines that are dropped": (lambda n: "nothing here\n" * n, 10000),
    "carriage returns": (lambda n: "A=1\r" * n, 20000),
    "blanks": (lambda n: "A=" + " " * n + "x\n", 60000),
    "glued": (lambda n: "A=" + "XIAOMI_API_KEY=" * n + "\n", 5000),
    "hashes": (lambda n: "A=" + "#" * n + "\n", 60000),
}
POOL = {
    "entries": (lambda n: '{"version":1,"credential_pool":{"xiaomi":[' + ",".join(
        f'{{"id":"{i:06x}","source":"manual","access_token":"sk-test-{i:08}","priority":{i}}}' for i in range(n))
        + "]}}", 2000),
    "pools": (lambda n: '{"version":1,"credential_pool":{' + ",".join(f'"p{i}":[]' for i in range(n)) + "}}", 10000),
    "brackets": (lambda n: '{"x":' + "[" * n + "]" * n + "}", 400),
    "escapes": (lambda n: '{"x":"' + "\\u0041" * n + '"}', 30000),
    "members": (lambda n: "{" + ",".join(f'"m{i}":1' for i in range(n)) + "}", 10000),
    "equal members": (lambda n: "{" + ",".join('"m":1' for i in range(n)) + "}", 10000),
}


def used(home):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([BUILD / "hermes-compile", "--home", home, "--check", "--format", "json"], capture_output=True,
                   timeout=300,
                   env={"HOME": home, "PATH": "/usr/bin:/bin", "HERMES_MANAGED_DIR": home + "/none"})
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def cost(name, text):
    with tempfile.TemporaryDirectory() as home:
        for file, content in {"config.yaml": WARNED, name: text}.items():
            path = os.path.join(home, file)
            with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
                out.write(content + (WARNED if name == "config.yaml" and content is text else ""))
        return min(used(home) for _ in range(2))


def main():
    steep = []
    for file, constructs in (("config.yaml", YAML), (".env", ENV), ("auth.json", POOL)):
        for what, (make, n) in constructs.items():
            small, large = cost(file, make(n)), cost(file, make(4 * n))
            power = math.log(max(large, 1e-3) / max(small, 1e-3), 4)
            print(f"{file:12}{what:32}{small * 1000:8.1f} ms{large * 1000:9.1f} ms   size^{power:.2f}", flush=True)
            if power > 1.5 and large > 0.05:
                steep.append(what)
    sys.exit(f"steeper than size^1.5: {', '.join(steep)}" if steep else 0)


main()
