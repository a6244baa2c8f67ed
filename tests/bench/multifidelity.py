#!/usr/bin/env python3
"""multifidelity.py [SEEDS]: how many epochs of real training each search needs to reach what RandomSearch ends with.

The example study (Fashion-MNIST, 6,000 samples, at most 20 epochs a trial, one execution; val_accuracy over the 10,000
test samples, so that trials differ by more than the score's own noise) is trained by real daemons:
RandomSearch with 24 trials, then ASHA, Hyperband and Auto on the same space with another seed. For each: epochs trained,
over all executions in the order in which they ended, until the best val_accuracy is RandomSearch's final one, as a share
of all epochs of RandomSearch. One slot, so that the order is the search's own. Median over the seeds; a search that
never gets there counts with all its epochs (RandomSearch's at least) and is marked."""
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
EPOCHS, RANDOM_TRIALS = 20, 24
SEARCHES = {  # their tuner, and the goal as a share of RandomSearch's epochs
    "ASHA": ({"type": "ASHA", "max_epochs": EPOCHS, "min_epochs": 1, "factor": 3, "max_trials": 96}, 1 / 4),
    "Hyperband": ({"type": "Hyperband", "max_epochs": EPOCHS, "factor": 3, "hyperband_iterations": 2}, 1 / 4),
    "Auto": ({"type": "Auto", "max_trials": 48}, 1 / 5),
}


def study(name, seed, tuner):
    document = json.loads((ROOT / "schema" / "examples" / "fashion-mlp.json").read_text())
    document.update(name=name, seed=seed)
    document["dataset"] = {"name": "fashion-mnist", "scale": "0-1", "limit": 6000, "validation_data": "test"}
    document["fit"].update(epochs=EPOCHS, callbacks=[])
    document["tuner"] = {"objective": "val_accuracy", "executions_per_trial": 1, **tuner}
    return document


def train(coordinator, name, seed, tuner):
    """val_accuracy after each epoch, in the order in which they were trained."""
    coordinator.submit(study(name, seed, tuner))
    coordinator.wait_study(name, "completed", timeout=7200)
    with contextlib.closing(sqlite3.connect(f"file:{coordinator.state_dir}/tunerd.db?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT p.objective FROM epochs p JOIN studies s ON s.id = p.study_id JOIN executions e "
                          "USING (study_id, trial, execution, attempt) WHERE s.name = ? "
                          "ORDER BY e.started_at, p.trial, p.attempt, p.epoch", (name,))
        return [row[0] for row in rows]


def compare(coordinator, seed):
    """{search: (epochs until the score was reached, whether it was, share of RandomSearch's epochs)}"""
    random = train(coordinator, f"random-{seed}", seed, {"type": "RandomSearch", "max_trials": RANDOM_TRIALS})
    target = max(random)
    print(f"seed {seed}: RandomSearch {target:.4f} with {len(random)} epochs")
    found = {}
    for name, (tuner, _) in SEARCHES.items():
        scores = train(coordinator, f"{name.lower()}-{seed}", seed + 1000, {**tuner, "target_value": target})
        reached = next((n for n, score in enumerate(scores, 1) if score >= target), None)
        epochs = reached or max(len(scores), len(random))
        found[name] = epochs, reached is not None, epochs / len(random)
        print(f"  {name:10s} {epochs:5d} epochs, {found[name][2]:.3f} of them"
              f"{'' if reached else f', not reached (best {max(scores):.4f})'}", flush=True)
    return found


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        coordinator = Coordinator(pathlib.Path(folder)).start()
        worker = coordinator.worker(pathlib.Path(folder), slots=1)
        try:
            worker.start()
            coordinator.add_dataset("fashion-mnist", sorted(IMAGES.glob("*.gz")))
            runs = [compare(coordinator, seed) for seed in range(1, seeds + 1)]
        finally:
            worker.kill()
            coordinator.kill()
    for name, (_, goal) in SEARCHES.items():
        share = statistics.median(run[name][2] for run in runs)
        print(f"multi-fidelity {name:10s} median share {share:.3f} of RandomSearch's epochs, reached in "
              f"{sum(run[name][1] for run in runs)} of {seeds}; goal {goal:.2f}: {'met' if share <= goal else 'MISSED'}")


if __name__ == "__main__":
    main()
