"""Every figure of tests/bench/README.md by one command, on a quiet machine, in about fifteen minutes:
    .ci/install bench && cmake --build --preset release && python3 tests/bench/plots.py
It runs the benchmarks one after another, each with all of its peers in turn within one run; keeps what they print in
build/bench/; draws the SVGs beside this file with gnuplot; and writes the tables into the README. A peer that
is not installed is named below the plot. --short only tries it; --draw draws again what lies in build/bench/."""
import os, pathlib, platform, re, shutil, subprocess, sys

BENCH = pathlib.Path(__file__).parent
REPO = BENCH.parents[1]
KEPT = REPO / "build/bench"
SHORT = "--short" in sys.argv
RUNS = {"watch": ["bench_watch.py", *(["10", "2"] if SHORT else [])],
        "relay": ["bench_relay.py", "--plain", *(["--short"] if SHORT else [])],
        "compile": ["bench.py"]}

HEAD = """set terminal svg size 760,{height} font "sans-serif,13" background "#ffffff"
set output "{out}"
set title "{title}"
set border 3; set tics nomirror out; set grid ytics lc rgb "#dddddd"
set style fill solid 0.9 noborder
set label 1 "{note}" at screen 0.02,0.03 font ",10" tc rgb "#555555"
set bmargin {margin}
"""
COLORS = ["#2b6cb0", "#dd8a3c", "#5a9e6f", "#9f5f9f", "#888888"]


def measure(name):
    """What the benchmark NAME prints; kept, and shown while it runs."""
    KEPT.mkdir(parents=True, exist_ok=True)
    lines = []
    command = [sys.executable, BENCH / RUNS[name][0], *RUNS[name][1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if run.returncode != 0:
        sys.exit(f"{RUNS[name][0]} failed")
    (KEPT / f"{name}.txt").write_text("".join(lines))


def printed(name):
    path = KEPT / f"{name}.txt"
    return path.read_text() if path.exists() else ""


def rows(text):
    """The cells of the rows of Markdown tables in TEXT."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("| \n").split("|")] for line in lines]


def number(cell):
    found = re.match(r"[\d.]+", cell)
    return float(found[0]) if found else None


def note(text):
    missing = re.findall(r"SKIP:? (.*)", text)
    machine = f"{os.cpu_count()} processors, {platform.system()} {platform.release()}"
    return machine + ("; left out: " + "; ".join(missing) if missing else "")


def quoted(text):
    return text.replace("\\", "").replace('"', "'")


def gnuplot(name, title, text, body, data, height=380, margin=8):
    head = HEAD.format(out=BENCH / f"{name}.svg", title=quoted(title), note=quoted(note(text)), height=height,
                       margin=margin)
    blocks = "".join(f"${key} << EOD\n" + "".join(" ".join(map(str, row)) + "\n" for row in table) + "EOD\n"
                     for key, table in data.items())
    subprocess.run(["gnuplot"], input=head + blocks + body, text=True, check=True)
    print(f"drew tests/bench/{name}.svg")


def wrapped(label, width=14):
    """LABEL in lines of about WIDTH characters, as gnuplot takes them."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return '"' + "\\n".join(lines) + '"'


PLOTS = {"watch": "From a save to published", "relay-throughput": "Requests a second",
         "relay-latency": "Median latency",
         "check": "hermes-compile --check as a whole process",
         "growth": "Processor time of --check by the size of the sources"}


def draw_watch():
    text = printed("watch")
    found = [(row[0].replace("`", ""), number(row[1]), number(row[2])) for row in rows(text) if len(row) == 5]
    found = [row for row in found if row[1] is not None and row[2] is not None]
    if not found:
        return
    table = [(wrapped(name), median, p99) for name, median, p99 in found]
    gnuplot("watch", "From a save to published (ms, logarithmic; both files durable)", text, f"""
set style data histograms; set style histogram clustered gap 1; set logscale y; set yrange [1:*]
set xtics font ",10"; set key left top
plot $watch using 2:xtic(1) title "median" lc rgb "{COLORS[0]}", "" using 3 title "p99" lc rgb "{COLORS[1]}"
""", {"watch": table})


def draw_relay():
    text = printed("relay")
    found = [row for row in rows(text) if len(row) >= 6 and row[0].isdigit()]
    names = list(dict.fromkeys(row[1] for row in found))
    counts = list(dict.fromkeys(row[0] for row in found))
    if not found:
        return
    for name, column, title in (("relay-throughput", 4, "Requests a second"),
                                ("relay-latency", 2, "Latency, median (ms)")):
        values = {(row[0], row[1]): number(row[column]) for row in found}
        table = [[f'"{count} at once"', *(values.get((count, who)) or "NaN" for who in names)] for count in counts]
        plots = ", ".join(f'{"$relay" if i == 0 else chr(34) * 2} using {i + 2}:xtic(1) title "{quoted(who)}" '
                          f'lc rgb "{COLORS[i % len(COLORS)]}"' for i, who in enumerate(names))
        gnuplot(name, f"{title} of 1 KB answers (logarithmic)", text, f"""
set style data histograms; set style histogram clustered gap 1; set logscale y; set key outside right
plot {plots}
""", {"relay": table}, margin=5)


def draw_compile():
    text = printed("compile")
    programs = re.findall(r"(?m)^  (libyaml's events|hermes-compile --check|python \w+) +([\d.]+) ms",
                          text.split("whole process on", 1)[-1])[:4] if "whole process on" in text else []
    if programs:
        gnuplot("check", "hermes-compile --check on 79 KB, whole process (ms, logarithmic)", text, f"""
set style data histograms; set logscale y; set boxwidth 0.6; set key off
plot $check using 2:xtic(1) lc rgb "{COLORS[0]}"
""", {"check": [(wrapped(name), time) for name, time in programs]})
    sizes = [(row[0], number(row[1]), number(row[2])) for row in rows(text) if len(row) == 8 and number(row[1])]
    kinds = {"configuration": [], "custom providers": [], "variables": []}
    for what, size, time in sizes:
        next(points for kind, points in kinds.items() if kind in what).append((size, time))
    kinds = {kind: points for kind, points in kinds.items() if points}
    if kinds:
        plots = ", ".join(f'$k{i} using 1:2 with linespoints pt 7 lw 2 lc rgb "{COLORS[i]}" title "{kind}"'
                          for i, kind in enumerate(kinds))
        gnuplot("growth", "hermes-compile --check: processor time (ms) by size of the sources (MB)", text, f"""
set logscale xy; set key left top
plot {plots}
""", {f"k{i}": points for i, points in enumerate(kinds.values())}, margin=5)


def write_tables():
    """The README has the plots, and behind <!-- figures: NAME --> what the benchmark NAME printed last."""
    readme = BENCH / "README.md"
    text = readme.read_text()
    for name in RUNS:
        tables = [line for line in printed(name).splitlines() if line.startswith("|")]
        if tables:
            text = re.sub(rf"(<!-- figures: {name} -->\n).*?(<!-- end -->)",
                          lambda found: found[1] + "\n".join(tables) + "\n" + found[2], text, flags=re.DOTALL)
    shown = "\n".join(f"![{about}]({name}.svg)" for name, about in PLOTS.items() if (BENCH / f"{name}.svg").exists())
    readme.write_text(re.sub(r"(<!-- plots -->\n).*?(\n<!-- end -->)", lambda found: found[1] + shown + found[2], text,
                             count=1, flags=re.DOTALL))


def main():
    if set(sys.argv[1:]) - {"--short", "--draw"}:
        sys.exit(__doc__)
    if shutil.which("gnuplot") is None:
        sys.exit("gnuplot is not installed: .ci/install bench")
    if "--draw" not in sys.argv:
        for name in RUNS:
            measure(name)
    draw_watch()
    draw_relay()
    draw_compile()
    if not SHORT:
        write_tables()


if __name__ == "__main__":
    main()
