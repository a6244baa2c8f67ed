"""search_compare.py RUNS.jsonl… : our runs (bench_search, search_drive.py) beside the peers' (data/search_peers.csv: Optuna's GP
and TPE samplers at commit 1d8ce7b, KerasTuner's BayesianOptimization, random search; 10 seeds, one trial at a time).
In that file an incumbent is the trials at which it changed, trial:loss.
Regret = (best - least known or ever seen) / (median of random after 50 - that least). Per n of 25, 50, 100 trials: mean rank (over all
pairs of runs) and geometric mean of regret + 1e-4, over the problems that everybody has."""
import collections, csv, json, math, os, statistics, sys

NS = (25, 50, 100)
KNOWN = {"branin": .39788736, "hartmann3": -3.86278, "hartmann3_noisy": -3.86278, "rosenbrock_int": 0, "styblinski5": -195.83083,
         "rastrigin_shift4": 0, "tree": .12, "steps_and_choices": 0, "hartmann6": -3.32237, "levy_mixed6": 0, "layers": .1,
         "layers_noisy": .1, "machine": .03, "machine_noisy": .03, "sparse10": 0, "categories": 0, "ackley6": 0, "ravine": 0}

def unfold(steps, trials):
    """The incumbent after each trial, from the trials at which it changed."""
    out = []
    for step in steps.split():
        n, loss = step.split(":")
        out += out[-1:] * (int(n) - 1 - len(out)) + [float(loss)]
    return out + out[-1:] * (trials - len(out))

def at(incumbent, n):
    return incumbent[min(n, len(incumbent)) - 1]

def load(files):
    """{problem: {peer: [incumbent after each trial]}}"""
    runs = collections.defaultdict(lambda: collections.defaultdict(list))
    peers = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "search_peers.csv")
    for row in csv.DictReader(open(peers)):
        runs[row["problem"]][row["peer"]].append(unfold(row["incumbent"], int(row["trials"])))
    for name in files:
        for line in open(name):
            run = json.loads(line)
            runs[run["problem"]][run["peer"]].append(run["incumbent"])
    return runs

def scale_of(problem, by):
    """What is regret 0, and how far above it regret 1 is."""
    least = min(KNOWN.get(problem, math.inf), min(x for r in by.values() for run in r for x in run if math.isfinite(x)))
    return least, statistics.median(at(run, 50) for run in by["random"]) - least

def regrets(runs, trials=NS):
    """{problem: {peer: [regret after each number of trials]}}; before the first loss, 10."""
    out = {}
    for problem, by in runs.items():
        least, scale = scale_of(problem, by)
        def regret(x):
            return 10. if math.isnan(x) else max(0, (x - least) / scale) if scale > 0 else 0.
        out[problem] = {k: [[regret(at(run, n)) for n in trials] for run in r] for k, r in by.items()}
    return out

def main():
    runs = load(sys.argv[1:])
    ours = {json.loads(line)["peer"] for name in sys.argv[1:] for line in open(name)}
    runs = {p: by for p, by in runs.items() if "random" in by and ours <= set(by)}
    peers = sorted(set.intersection(*(set(by) for by in runs.values())))
    regret = regrets(runs)
    rank = {k: [0.] * 3 for k in peers}
    geometric = {k: [0.] * 3 for k in peers}
    for by in regret.values():
        for k in peers:
            for i in range(3):
                mine = [run[i] for run in by[k]]
                geometric[k][i] += statistics.mean(math.log(x + 1e-4) for x in mine) / len(regret)
                beaten = sum(sum((y[i] < x - 1e-9) + .5 * (abs(x - y[i]) <= 1e-9) for x in mine for y in by[j]) / len(mine) / len(by[j])
                             for j in peers if j != k)
                rank[k][i] += (1 + beaten) / len(regret)
    print(f"{len(regret)} problems: {' '.join(sorted(regret))}")
    for k in sorted(peers, key=lambda k: geometric[k][1]):
        print(f"{k:24s}" + "".join(f"  n={n}: rank {rank[k][i]:.2f} regret {math.exp(geometric[k][i]):.4f}" for i, n in enumerate(NS)),
              f" runs {min(len(by[k]) for by in regret.values())}")
    print(f"\nafter 50 trials{'':11s}" + "".join(f"{k[:14]:>15s}" for k in peers))
    for problem in sorted(regret):
        print(f"{problem:26s}" + "".join(f"{math.exp(statistics.mean(math.log(x[1] + 1e-4) for x in regret[problem][k])):15.5f}" for k in peers))

if __name__ == "__main__":
    main()
