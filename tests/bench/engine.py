#!/usr/bin/env python3
"""The engine beside PyTorch, on this machine, one thread: both run an epoch in turn, so that whatever
else the machine does hits both, and the medians of processor seconds are compared.

    engine.py BENCH_ENGINE [ROUNDS [WORKLOAD …]]

Prints for each workload both medians, the ratio and its goal, and the share of the machine's own sgemm
peak that the whole epoch reaches (above 1 where products leave out zeros). Exit status 1 when a goal is
missed. Also two slots on two cores against one.
"""
import json
import os
import signal
import statistics
import subprocess
import sys

GOALS = {"mlp-128-64-b32": 4.0, "mlp-512x3-b32": 3.5, "mlp-512x3-b128": 2.5, "cnn-b64": 2.5,
         "lstm-64-b64": 2.0}
SLOTS_GOAL = 1.9
HERE = os.path.dirname(os.path.abspath(__file__))


def environment():
    env = dict(os.environ, OPENBLAS_NUM_THREADS="1", MALLOC_MMAP_THRESHOLD_="4000000000",
               MALLOC_TRIM_THRESHOLD_="4000000000")
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        env.pop(name, None)
    return env


def data_folder():
    listing = subprocess.run(["dpkg", "-L", "dataset-fashion-mnist"], capture_output=True, text=True,
                             check=True).stdout.split()
    return os.path.dirname(next(path for path in listing if "train-images" in path))


class Runner:
    """A process that trains an epoch for each line that is read from it."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                        env=environment())
        self.stop()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def epoch(self):
        self.process.send_signal(signal.SIGCONT)
        line = self.process.stdout.readline()
        self.stop()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended")
        return json.loads(line)

    def close(self):
        self.process.kill()
        self.process.wait()


def compare(bench, folder, name, rounds):
    # One epoch more than is measured: the first is for warming up.
    count = str(rounds + 2)
    ours = Runner([bench, folder, name, count])
    theirs = Runner(["/usr/bin/python3", os.path.join(HERE, "torch_reference.py"), folder, name,
                     count])
    mine, other, share = [], [], []
    for i in range(rounds + 1):
        a, b = ours.epoch(), theirs.epoch()
        if i:
            mine.append(a["seconds"])
            other.append(b["seconds"])
            share.append(a["peak_share"])
    ours.close()
    theirs.close()
    a, b = statistics.median(mine), statistics.median(other)
    return a, b, b / a, statistics.median(share)


def slots(bench, folder, rounds):
    """Throughput of two processes at once against one alone, in processor seconds of an epoch: what
    they take from each other is caches and memory, as nothing else is shared."""
    command = [bench, folder, "mlp-128-64-b32", "12"]

    def run(count):
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
                     for _ in range(count)]
        lines = [line for process in processes for line in process.communicate()[0].splitlines()]
        if any(process.returncode for process in processes):
            raise SystemExit("bench_engine failed")
        return statistics.median(json.loads(line)["seconds"] for line in lines)

    pairs = [(run(1), run(2)) for _ in range(rounds)]
    return 2 * statistics.median(one for one, _ in pairs) / statistics.median(two for _, two in pairs)


def main():
    bench = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    names = sys.argv[3:] or list(GOALS)
    folder, missed = data_folder(), 0
    print(f"{'workload':16} {'engine':>8} {'PyTorch':>8} {'ratio':>6} {'goal':>5} {'of sgemm peak':>14}")
    for name in names:
        mine, other, ratio, share = compare(bench, folder, name, rounds)
        missed += ratio < GOALS[name]
        print(f"{name:16} {mine:7.3f}s {other:7.3f}s {ratio:5.2f}x {GOALS[name]:4.1f}x {share:13.2f}",
              flush=True)
    if not sys.argv[3:]:
        ratio = slots(bench, folder, 3)
        missed += ratio < SLOTS_GOAL
        print(f"two slots against one: {ratio:.2f}x (goal {SLOTS_GOAL}x)")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
