#!/usr/bin/env python3
"""Trials a second through a coordinator and two workers, each trial durable, with executions that take no
time. The reference, measured in the same run on the same disk: one SQLite transaction a trial
(synchronous=FULL), the least a durable tuner without group commits would pay."""
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TRIALS = 1000
BIN = pathlib.Path(os.environ.get("TUNERD_BIN_DIR", "build"))

STUDY = {
    "name": "throughput",
    "seed": 1,
    "dataset": {"name": "blobs", "generate": {"samples": 64, "features": 4, "classes": 3},
                "validation_split": 0.25},
    "model": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
    "compile": {"optimizer": {"type": "Adam", "learning_rate": {
        "hp": "Float", "name": "learning_rate", "min_value": 1e-5, "max_value": 1e-1, "sampling": "log"}},
        "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    "fit": {"epochs": 1, "batch_size": 32},
    "tuner": {"type": "RandomSearch", "objective": "val_accuracy", "max_trials": TRIALS},
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def commits_per_second(folder):
    db = sqlite3.connect(folder / "reference.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)")
    started = time.perf_counter()
    for n in range(500):
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO t VALUES (?, ?)", (n, "x" * 200))
        db.execute("COMMIT")
    return 500 / (time.perf_counter() - started)


def trials_per_second(folder):
    http, fleet = free_port(), free_port()
    base = f"http://127.0.0.1:{http}"
    log = open(folder / "log", "w")
    processes = [subprocess.Popen([BIN / "tunerd", "--state-dir", folder / "state", "--http-listen",
                                   f"127.0.0.1:{http}", "--worker-listen", f"tcp://127.0.0.1:{fleet}"],
                                  stderr=log)]
    try:
        for n in range(2):
            processes.append(subprocess.Popen(
                [BIN / "tuner-worker", "--coordinator", f"tcp://127.0.0.1:{fleet}", "--slots", "4",
                 "--cache-dir", folder / f"cache{n}", "--name", f"w{n}"], stderr=log))
        deadline = time.monotonic() + 20
        while True:
            try:
                if len(get(base + "/api/v1/workers")["workers"]) == 2:
                    break
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError("coordinator and workers did not come up")
            time.sleep(0.05)
        request = urllib.request.Request(base + "/api/v1/studies", json.dumps(STUDY).encode(),
                                         {"Content-Type": "application/json"})
        started = time.perf_counter()
        urllib.request.urlopen(request, timeout=10).read()
        while True:
            study = get(base + "/api/v1/studies/throughput")
            if study["state"] not in ("running", "paused"):
                break
            if time.perf_counter() - started > 120:
                raise RuntimeError(f"not done after 120 s: {study['counts']}")
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        assert study["state"] == "completed" and study["counts"]["completed"] == TRIALS, study
        return TRIALS / seconds
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(20)


def main():
    ours, reference = [], []
    for _ in range(3):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tunerd-bench-", dir=os.environ.get("TMPDIR", ".")))
        try:
            reference.append(commits_per_second(folder))
            ours.append(trials_per_second(folder))
        finally:
            shutil.rmtree(folder)
    rate, commits = statistics.median(ours), statistics.median(reference)
    print(f"throughput: {rate:.0f} trials/s (goal 300), {rate / commits:.2f} of "
          f"{commits:.0f} single SQLite commits/s; runs {', '.join(f'{r:.0f}' for r in ours)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
