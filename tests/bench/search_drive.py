"""search_drive.py ASKTELL PROBLEMS.PY [--search NAME] [--only a,b] [--seeds N] [--first-seed N] [--trials N] [--label NAME]
drives a search (build/release/tests/bench/asktell) over objectives in Python: PROBLEMS.PY has P[name] = {"space", "f", "true"}, a
space being declarations of the study document with "parent": (name, values). Writes a JSON line a run, as bench_search does."""
import argparse, importlib.util, json, math, subprocess, sys

def load(path):
    spec = importlib.util.spec_from_file_location("problems", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.P

def declaration(hp):
    out = {k: v for k, v in hp.items() if v is not None and k != "parent"}
    if out.get("sampling") == "log" and hp["hp"] == "Int":
        out.pop("step", None)
    if hp.get("parent"):
        out["parent_name"], out["parent_values"] = hp["parent"]
    return out

def evaluated(problem, params):
    """A training that breaks down is a failed trial."""
    try:
        loss = float(problem["f"](params))
        return loss, loss if problem["true"] is problem["f"] else float(problem["true"](params))
    except (ValueError, FloatingPointError, OverflowError):
        return math.nan, math.nan

def run(tool, problem, search, seed, trials):
    with subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        def say(line):
            process.stdin.write(line + "\n")
            process.stdin.flush()
        def ask(line):
            say(line)
            return json.loads(process.stdout.readline())
        say(json.dumps({"type": search, "seed": seed, "max_trials": trials, "parameters": [declaration(h) for h in problem["space"]]}))
        incumbent, best, best_true = [], math.inf, math.nan
        for _ in range(trials):
            trial = ask("ask")
            if "number" not in trial:
                break
            loss, truth = evaluated(problem, trial["hyperparameters"])
            if loss < best:
                best, best_true = loss, truth
            incumbent.append(best_true)
            ask(f"tell {trial['number']} {loss!r}")
        process.stdin.close()
        return incumbent, json.loads(process.stdout.readline())["cpu"]

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool"), parser.add_argument("problems")
    parser.add_argument("--search", default="BayesianOptimization"), parser.add_argument("--label")
    parser.add_argument("--only"), parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1), parser.add_argument("--trials", type=int, default=100)
    args = parser.parse_args()
    for name, problem in load(args.problems).items():
        if args.only and name not in args.only.split(","):
            continue
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            incumbent, cpu = run(args.tool, problem, args.search, seed, args.trials)
            print(json.dumps({"peer": args.label or args.search, "problem": name, "seed": seed, "n": len(incumbent), "secs": cpu,
                              "incumbent": incumbent}), flush=True)

main()
