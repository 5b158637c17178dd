# SPDX-License-Identifier: BSD-3-Clause
"""The results as a table, as JSON, and as a picture."""
import json
import os
import statistics
import subprocess
import time

from . import machine, plan

# What issue 5 asks for, and what it hopes for: (name, at least, aim).
BAR_NATIVE = ("native, 1 route, 4k destinations: of testpmd io", 0.67, 0.75)
BAR_SCALE = ("native, 1M routes, 32k destinations: of our own with 1 route", 0.80, 0.90)
BAR_MODES = {"ipip encap": (0.92, 0.95), "ipip decap": (0.92, 0.95), "vxlan encap": (0.87, 0.92),
             "vxlan decap": (0.87, 0.92), "ipip decap, source checked": (0.75, 0.85),
             "vxlan decap, source checked": (0.75, 0.85)}

GNUPLOT = """\
set terminal {terminal} size {size} font "sans,{font}"
set output "{output}"
set title "podlane-dataplane, {cpu}" noenhanced
set style data boxes
set style fill solid 0.8
set boxwidth 0.8
set yrange [0:*]
set ylabel "Mpps on one core"
set xtics rotate by -35 noenhanced
set grid ytics
set key top right
set bmargin 14
plot "{data}" using 0:3 with boxes lc rgb "#cccccc" title "testpmd io, same packets", \\
     "" using 0:2:xtic(1) with boxes lc rgb "#2060a0" title "podlane-dataplane", \\
     "" using 0:2:4 with yerrorbars lc rgb "black" pt 0 notitle
"""


def table(results):
    rows = [("MODE", "ROUTES", "DSTS", "SIZE", "LAYOUT", "ENGINE", "MPPS", "+-", "OF IO", "CYCLES",
             "ABOVE IO", "")]
    for one in results:
        rows.append((one["mode"], plan.count(one["routes"]), plan.count(one["destinations"]),
                     one["size"], one["layout"], one["engine"], f"{one['mpps']:.2f}",
                     f"{100 * one['spread']:.0f} %", f"{one['ratio_io']:.3f}",
                     f"{one['cycles']:.1f}", f"{one['cycles_above_io']:.1f}",
                     "" if one["is_clean"] else "disturbed"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [" ".join(cell.ljust(width) if i in (0, 4, 5, 11) else cell.rjust(width)
                     for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
            for row in rows]


def ceilings(results):
    """testpmd's three modes, once for each file of packets."""
    lines = {}
    for one in results:
        rates = ", ".join(f"{mode} {rate:.1f}" for mode, rate in one["testpmd_mpps"].items())
        lines.setdefault(f"testpmd, {plan.MODES[one['mode']].form} {one['size']} B, "
                         f"{plan.count(one['destinations'])} packets", rates)
    return [f"{offered}: {rates} Mpps" for offered, rates in lines.items()]


def find(results, mode, routes=1, destinations=plan.K4, engine="lpm"):
    for one in results:
        if (one["mode"], one["routes"], one["destinations"], one["engine"], one["size"],
                one["layout"]) == (mode, routes, destinations, engine, "64", "cluster"):
            return one
    return None


def compare(one, base):
    """How many times base's share of io is one's. On the same packets the same processes did both: what luck
    a start had falls out of its own quotient."""
    if plan.MODES[one["mode"]].form == plan.MODES[base["mode"]].form:
        return statistics.median(a / b for a, b in zip(one["ratio_io_starts"], base["ratio_io_starts"]))
    return one["ratio_io"] / base["ratio_io"]


def bar(results):
    """How far it is: [{name, value, least, aim}, ...]; only what was measured.

    Cases are compared by their ratios to io: that was measured in turn with each, so a machine that
    is faster in one minute than in the next does not matter."""
    rows = []
    native = find(results, "native")
    if native:
        rows.append((BAR_NATIVE[0], native["ratio_io"], *BAR_NATIVE[1:]))
    one, many = (find(results, "native", n, plan.K32, "dir24-8") for n in (1, plan.M1))
    if one and many:
        rows.append((BAR_SCALE[0], compare(many, one), *BAR_SCALE[1:]))
    for mode, (least, aim) in BAR_MODES.items():
        found = find(results, mode)
        if native and found:
            rows.append((f"{mode}: of native, both as a share of io", compare(found, native), least, aim))
    return [dict(zip(("name", "value", "least", "aim"), row)) for row in rows]


def bar_lines(rows):
    words = {0: "missed", 1: "reached", 2: "aim reached"}
    width = max(len(row["name"]) for row in rows) if rows else 0
    return [f"{row['name'].ljust(width)}  {row['value']:.2f}  (at least {row['least']:.2f}, aim "
            f"{row['aim']:.2f}): {words[(row['value'] >= row['least']) + (row['value'] >= row['aim'])]}"
            for row in rows]


def write_json(path, document):
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"schema": 1, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                   **document}, out, indent=1)
        out.write("\n")


def plot(out_dir, name, script, size):
    """NAME.svg and NAME.png by gnuplot; returns their paths. The script has places for terminal, size,
    font and output, and reads its data from NAME.dat."""
    paths = []
    for terminal, ending, font in (("svg", "svg", 11), ("pngcairo", "png", 9)):
        path = os.path.join(out_dir, f"{name}.{ending}")
        done = subprocess.run(["gnuplot"], text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              input=script.format(terminal=terminal, size=size, font=font,
                                                  output=path, cpu=machine.describe()["cpu"],
                                                  data=os.path.join(out_dir, f"{name}.dat")))
        if done.returncode == 0 and os.path.exists(path):
            paths.append(path)
        else:
            said = done.stdout.strip().splitlines() or ["gnuplot failed"]
            print(f"no picture: {said[-1]}")
    return paths


def draw(out_dir, results):
    """SVG and PNG by gnuplot; returns their paths."""
    with open(os.path.join(out_dir, "forwarding.dat"), "w", encoding="utf-8") as out:
        for one in results:
            name = (f"{one['mode']} {plan.count(one['routes'])}r {plan.count(one['destinations'])}d "
                    f"{one['size']}B")
            out.write(f"\"{name}\" {one['mpps']} {one['io_mpps']} {one['mpps'] * one['spread']}\n")
    return plot(out_dir, "forwarding", GNUPLOT, f"{max(900, 40 * len(results) + 300)},640")
