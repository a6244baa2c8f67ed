"""regret_plot.py RUNS.jsonl OUT.svg: regret over trials 1 to 100 as a picture: ours (bench_search) at every trial, the
peers (data/search_peers.csv) at 25, 50 and 100, where their figures were taken. Problems, regret and mean are those of
search_compare.py: geometric mean of regret + 1e-4, first over a problem's runs, then over the problems."""
import json
import math
import statistics
import sys

from search_compare import NS, load, regrets, scale_of

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 790, 440, 62, 220, 44, 48
NAMES = {"gp": "Optuna GP", "tpe": "Optuna TPE", "kerastuner": "KerasTuner", "random": "random"}
# Okabe and Ito's colours, which colour-blind people tell apart and which stand on white and on near black.
COLOURS = {"gp": "#e69f00", "tpe": "#009e73", "kerastuner": "#cc79a7", "random": "#8c8c8c"}
OURS = ("#0a84e0", "#d55e00", "#56b4e9")


def curves(path):
    """{peer: [(trial, geometric mean of regret)]}, how many problems."""
    with open(path, encoding="utf-8") as file:
        ours = [json.loads(line) for line in file]
    mine = sorted({run["peer"] for run in ours})
    runs = {problem: by for problem, by in load([path]).items() if "random" in by and set(mine) <= set(by)}
    if not runs:
        raise SystemExit(f"{path}: no problem that the peers have too")
    regret = regrets(runs)
    peers = set.intersection(*(set(by) for by in runs.values())) - set(mine)

    def mean(rows):
        return statistics.mean(math.log(x + 1e-4) for x in rows)

    out = {peer: [(n, math.exp(statistics.mean(mean(run[i] for run in regret[p][peer]) for p in runs)))
                  for i, n in enumerate(NS)] for peer in sorted(peers)}
    for peer in mine:
        logs = [[] for _ in range(NS[-1])]
        for problem, by in runs.items():
            least, scale = scale_of(problem, by)
            own = [run["incumbent"] for run in ours if (run["problem"], run["peer"]) == (problem, peer)]
            for k, log in enumerate(logs):
                values = [at[min(k, len(at) - 1)] for at in own]
                log.append(mean(max(0, (value - least) / scale) if scale > 0 else 0. for value in values))
        out[peer] = [(k + 1, math.exp(statistics.mean(log))) for k, log in enumerate(logs)]
    return out, mine, len(runs)


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
        if not own:
            out += [f'<circle cx="{x(n):.1f}" cy="{y(value):.1f}" r="4" fill="{colour}"/>'
                    for n, value in lines[peer]]
        at, left = TOP + 14 + 24 * row, WIDTH - RIGHT + 16
        out += [f'<line x1="{left}" x2="{left + 28}" y1="{at}" y2="{at}" stroke="{colour}" '
                f'stroke-width="{3 if own else 1.8}"{dash}/>',
                f'<text x="{left + 36}" y="{at + 4}">{NAMES.get(peer, peer)}</text>']
    return "\n".join([*out, "</svg>", ""])


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    picture = draw(*curves(sys.argv[1]))
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(picture)


main()
