"""regret_plot.py RUNS.jsonl… OUT.svg: regret over trials 1 to 100 as a picture: ours (bench_search, search_drive.py) and the
peers' (data/search_peers.csv). Problems, regret and mean are those of
search_compare.py: geometric mean of regret + 1e-4, first over a problem's runs, then over the problems."""
import json
import math
import statistics
import sys

from search_compare import NS, load, regrets

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 790, 440, 62, 220, 44, 48
NAMES = {"gp": "Optuna GP", "tpe": "Optuna TPE", "kerastuner": "KerasTuner", "random": "random"}
# Okabe and Ito's colours, which colour-blind people tell apart and which stand on white and on near black.
COLOURS = {"gp": "#e69f00", "tpe": "#009e73", "kerastuner": "#cc79a7", "random": "#8c8c8c"}
OURS = ("#0a84e0", "#d55e00", "#56b4e9")


def curves(paths):
    """{peer: [(trial, geometric mean of regret)]}, which are ours, how many problems."""
    mine = set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            mine |= {json.loads(line)["peer"] for line in file}
    runs = {problem: by for problem, by in load(paths).items() if "random" in by and mine <= set(by)}
    if not runs:
        raise SystemExit(f"{' '.join(paths)}: no problem that the peers have too")
    trials = range(1, NS[-1] + 1)
    regret = regrets(runs, trials)

    def mean(peer, k):
        return statistics.mean(statistics.mean(math.log(run[k] + 1e-4) for run in by[peer]) for by in regret.values())

    peers = sorted(set.intersection(*(set(by) for by in runs.values())))
    out = {peer: [(n, math.exp(mean(peer, k))) for k, n in enumerate(trials)] for peer in peers}
    return out, sorted(mine), len(runs)


def draw(lines, mine, problems):
    low = 10 ** math.floor(math.log10(min(y for line in lines.values() for _, y in line)))
    high = 10 ** math.ceil(math.log10(max(y for line in lines.values() for _, y in line)))

    def x(n):
        return LEFT + (n - 1) / (NS[-1] - 1) * (WIDTH - LEFT - RIGHT)

    def y(value):
        share = math.log(value / low) / math.log(high / low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
           f'aria-label="Regret over trials">',
           "<style>text{font:13px system-ui,sans-serif;fill:#24292f}.grid{stroke:#d0d7de}.back{fill:#fff}"
           ".end{text-anchor:end}.mid{text-anchor:middle}polyline{fill:none;stroke-linejoin:round}"
           "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#3a424c}.back{fill:#0d1117}}"
           "</style>",
           f'<rect class="back" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
           f'<text x="{LEFT}" y="24">Regret, geometric mean over {problems} problems (less is better; '
           "1: random search after 50 trials)</text>"]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        for step in range(1, 10 if 10 ** power < high else 2):
            at = y(step * 10. ** power)
            out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" '
                       f'stroke-width="{1 if step == 1 else 0.3}"/>')
            if step in (1, 3):
                out.append(f'<text class="end" x="{LEFT - 8}" y="{at + 4:.1f}">{step * 10. ** power:g}</text>')
    for n in (1, 25, 50, 75, 100):
        out.append(f'<text class="mid" x="{x(n):.1f}" y="{HEIGHT - BOTTOM + 20}">{n}</text>')
    out.append(f'<text class="mid" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}">trials</text>')
    order = sorted(lines, key=lambda peer: -lines[peer][-1][1])
    for row, peer in enumerate(order):
        own = peer in mine
        colour = OURS[mine.index(peer) % len(OURS)] if own else COLOURS.get(peer, "#8c8c8c")
        points = " ".join(f"{x(n):.1f},{y(value):.1f}" for n, value in lines[peer])
        dash = "" if own else ' stroke-dasharray="5 4"'
        out.append(f'<polyline points="{points}" stroke="{colour}" stroke-width="{3 if own else 1.8}"{dash}/>')
        at, left = TOP + 14 + 24 * row, WIDTH - RIGHT + 16
        out += [f'<line x1="{left}" x2="{left + 28}" y1="{at}" y2="{at}" stroke="{colour}" '
                f'stroke-width="{3 if own else 1.8}"{dash}/>',
                f'<text x="{left + 36}" y="{at + 4}">{NAMES.get(peer, peer)}</text>']
    return "\n".join([*out, "</svg>", ""])


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    picture = draw(*curves(sys.argv[1:-1]))
    with open(sys.argv[-1], "w", encoding="utf-8") as out:
        out.write(picture)


main()
