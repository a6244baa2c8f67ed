#!/usr/bin/env python3
"""What a worker slot holds resident beside the shared data, on the largest model of the example study: three
layers of 512 on Fashion-MNIST, while it trains."""
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))

import protocol  # noqa: E402

GOAL_MIB = 120
IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist")


def resident_kib(pid):
    """(all of it, of it the prepared data set)"""
    total = shared = 0
    mapped = False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if "-" in line.split(" ")[0]:
            mapped = "/prepared/" in line
        elif line.startswith("Rss:"):
            total += int(line.split()[1])
            shared += int(line.split()[1]) if mapped else 0
    return total, shared


def model():
    hidden = [{"type": "Dense", "units": 512, "activation": "relu"}, {"type": "Dropout", "rate": 0.5}]
    return {
        "dataset": {"name": "fashion-mnist", "scale": "0-1", "validation_split": 0.2},
        "model": {"layers": [{"type": "Flatten"}, *hidden, *hidden, *hidden,
                             {"type": "Dense", "units": 10, "activation": "softmax"}]},
        "compile": {"optimizer": {"type": "Adam"}, "loss": "sparse_categorical_crossentropy",
                    "metrics": ["accuracy"]},
        "fit": {"epochs": 100, "batch_size": 32}}


def main():
    coordinator = protocol.Coordinator(heartbeat_s=1)
    files = [{"file": path.name, "sha256": coordinator.add_file(path.read_bytes()),
              "size": path.stat().st_size} for path in sorted(IMAGES.glob("*.gz"))]
    with tempfile.TemporaryDirectory() as folder:
        worker = protocol.Worker(coordinator.endpoint, pathlib.Path(folder), slots=1)
        coordinator.joined()
        lease = coordinator.job(config=model(), epochs=100, dataset={
            "name": "fashion-mnist", "source": {"format": "idx"}, "files": files})
        coordinator.until(lambda: len(coordinator.epochs.get(lease, [])) == 2, timeout=300)
        total, shared = resident_kib(worker.trainings()[0])
        daemon = sum(resident_kib(pid)[0] for pid in (worker.pid, worker.server()))
        worker.stop()
    own = (total - shared) / 1024
    print(f"slot memory: {own:.1f} MiB beside {shared / 1024:.1f} MiB of shared data (goal below "
          f"{GOAL_MIB}); daemon and fork server {daemon / 1024:.1f} MiB")
    coordinator.close()
    return own >= GOAL_MIB


if __name__ == "__main__":
    sys.exit(main())
