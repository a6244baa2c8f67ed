#!/usr/bin/env python3
"""multifidelity.py [SEEDS [TASK …]]: epochs of real training until a search has the score that RandomSearch ends with.

Real daemons, a slot a core, on Fashion-MNIST. RandomSearch runs its whole budget; ASHA, Hyperband and Auto then get the
same document but for the tuner, another seed, and that score as `target_value`. What counts is every epoch that was
trained, of all executions, whatever became of it, until the study ended; a search that never gets there counts with
RandomSearch's epochs at least, and is marked. Median over the seeds.

  study    the example study as it is (taken when none is named): 48,000 images, EarlyStopping, 10 trials of three
           executions. ASHA, Hyperband (up to 20 epochs) and Auto train a trial once, and what they found is trained
           three times anew to see what it is worth; then ASHA and Auto must reach the score by a mean over three, too
  example  the same with its 30 executions as 30 trials of one
  flat     6,000 images, one execution, 20 epochs without EarlyStopping; RandomSearch's 24 trials. The better half of its
           trials lies within the noise of an epoch, so that the best of 480 epochs is luck in good part."""
import contextlib
import json
import os
import pathlib
import sqlite3
import statistics
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.setdefault("TUNERD_BIN_DIR", str(ROOT / "build"))
sys.path.insert(0, str(ROOT / "tests" / "system"))
from conftest import Coordinator  # noqa: E402

IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist")
GOALS = {"ASHA": 1 / 4, "Hyperband": 1 / 4, "Auto": 1 / 5}  # share of RandomSearch's epochs


def study():
    return json.loads((ROOT / "schema" / "examples" / "fashion-mlp.json").read_text())


def example():
    document = study()
    document["tuner"].update(max_trials=30, executions_per_trial=1)
    return document


def flat():
    document = example()
    document["dataset"] = {"name": "fashion-mnist", "scale": "0-1", "limit": 6000, "validation_data": "test"}
    document["fit"].update(epochs=20, callbacks=[])
    document["tuner"]["max_trials"] = 24
    return document


TASKS = {"study": study, "example": example, "flat": flat}


def uses(document):
    """(search, executions a trial)"""
    executions = document["tuner"]["executions_per_trial"]
    return [(search, 1) for search in GOALS] + [(search, executions) for search in ("ASHA", "Auto") if executions > 1]


def label(search, executions):
    return search if executions == 1 else f"{search} x{executions}"


def with_tuner(document, search, executions, target):
    epochs, trials = document["fit"]["epochs"], document["tuner"]["max_trials"]
    common = {"objective": "val_accuracy", "target_value": target, "executions_per_trial": executions}
    own = {"ASHA": {"max_epochs": epochs, "min_epochs": 1, "factor": 3, "max_trials": 3 * trials},
           "Hyperband": {"max_epochs": 20, "factor": 3, "hyperband_iterations": 2},
           "Auto": {"max_trials": 3 * trials}}
    return {**document, "tuner": {"type": search, **common, **own[search]}}


def settled(part, values):
    """The part of a document with hyperparameters replaced by their values, and repeats written out."""
    if isinstance(part, list):
        return [one for item in part for one in
                (spread(item, values) if isinstance(item, dict) and "repeat" in item else [settled(item, values)])]
    if isinstance(part, dict):
        return values[part["name"]] if "hp" in part else {key: settled(one, values) for key, one in part.items()}
    return part


def spread(item, values):
    mark = "{%s}" % item["as"]
    return [layer for i in range(settled(item["repeat"], values))
            for layer in settled(json.loads(json.dumps(item["layers"]).replace(mark, str(i))), values)]


def train(coordinator, document, name, seed):
    """The study when it has ended, and how many epochs were trained for it."""
    coordinator.submit({**document, "name": name, "seed": seed})
    ended = coordinator.wait_study(name, "completed", timeout=7200)
    with contextlib.closing(sqlite3.connect(f"file:{coordinator.state_dir}/tunerd.db?mode=ro", uri=True)) as db:
        query = "SELECT count(*) FROM epochs p JOIN studies s ON s.id = p.study_id WHERE s.name = ?"
        return ended, db.execute(query, (name,)).fetchone()[0]


def retrain(coordinator, document, best, name, seed):
    """The score of a configuration trained anew as often as the document says."""
    tuner = {**document["tuner"], "type": "RandomSearch", "max_trials": 1}
    again = {**document, **settled({key: document[key] for key in ("model", "compile")}, best), "tuner": tuner}
    return train(coordinator, again, name, seed)[0]["best_trial"]["score"]


def compare(coordinator, task, seed):
    """{use: (whether it reached the score, share of RandomSearch's epochs)}"""
    document = TASKS[task]()
    random, budget = train(coordinator, document, f"{task}-random-{seed}", seed)
    target = random["best_trial"]["score"]
    print(f"{task}, seed {seed}: RandomSearch {target:.4f} with {budget} epochs")
    found = {}
    for search, executions in uses(document):
        name = f"{task}-{search.lower()}-{executions}-{seed}"
        ended, epochs = train(coordinator, with_tuner(document, search, executions, target), name, seed + 1000)
        best = ended["best_trial"]
        reached = best["score"] >= target
        found[search, executions] = reached, (epochs if reached else max(epochs, budget)) / budget
        notes = "" if reached else ": not reached"
        if executions < document["tuner"]["executions_per_trial"]:
            again = retrain(coordinator, document, best["hyperparameters"], f"{name}-again", seed + 2000)
            notes += f"; trained anew {again:.4f}"
        print(f"  {label(search, executions):10s} {best['score']:.4f} with {epochs} epochs, {epochs / budget:.3f} of them"
              f"{notes}", flush=True)
    return found


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        coordinator = Coordinator(pathlib.Path(folder)).start()
        worker = coordinator.worker(pathlib.Path(folder), slots=os.cpu_count())
        try:
            worker.start()
            coordinator.add_dataset("fashion-mnist", sorted(IMAGES.glob("*.gz")))
            runs = {task: [compare(coordinator, task, seed) for seed in range(1, seeds + 1)]
                    for task in sys.argv[2:] or ["study"]}
        finally:
            worker.kill()
            coordinator.kill()
    for task, rounds in runs.items():
        for use in rounds[0]:
            share, goal = statistics.median(run[use][1] for run in rounds), GOALS[use[0]]
            print(f"multi-fidelity, {task:8s} {label(*use):10s} median share {share:.3f} of RandomSearch's epochs, "
                  f"reached in {sum(run[use][0] for run in rounds)} of {seeds}; goal {goal:.2f}: "
                  f"{'met' if share <= goal else 'MISSED'}")


if __name__ == "__main__":
    main()
