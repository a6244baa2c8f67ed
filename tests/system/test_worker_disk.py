"""A worker whose disk takes no more gives its work back, says so, and goes on when there is room."""
import errno
import re
import resource
import subprocess

import pytest

from conftest import Worker, wait_until
from protocol import children

SMALL = 4 << 20  # of the file system
SHORT = 64 << 10  # of a file, where no file system can be had


class SmallFilesystem:
    """A tmpfs of 4 MiB; full when a filler has taken the rest."""

    def __init__(self, folder):
        self.path = folder / "small"
        self.path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(self.path)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr}")

    def attach(self, worker):
        self.worker = worker

    def fill(self):
        with open(self.path / "filler", "ab", buffering=0) as file:
            for size in 1 << 16, 1:
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError as full:
                    assert full.errno == errno.ENOSPC

    def free(self):
        (self.path / "filler").unlink()

    def close(self):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


class ShortFiles:
    """No file of the worker's processes may be longer than 64 KiB."""

    def __init__(self, folder):
        self.path = folder

    def attach(self, worker):
        self.worker = worker

    def limit(self, size):
        pid = self.worker.process.pid
        for one in [pid, *children(pid), *(c for server in children(pid) for c in children(server))]:
            resource.prlimit(one, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def fill(self):
        self.limit(SHORT)

    def free(self):
        self.limit(resource.RLIM_INFINITY)

    def close(self):
        pass


@pytest.fixture(params=[SmallFilesystem, ShortFiles])
def disk(request, tmp_path):
    it = request.param(tmp_path)
    yield it
    it.close()


@pytest.fixture
def cramped(disk, tmp_path, daemons, coordinator):
    """A connected worker on that disk."""
    worker = Worker(disk.path, coordinator.worker_endpoint, "cramped", options=["--log-level", "debug"])
    worker.log_path = tmp_path / "cramped.log"
    daemons.append(worker)
    worker.start()
    disk.attach(worker)
    wait_until(lambda: state_of(coordinator, "cramped") == "connected", alive=[coordinator, worker])
    return worker


def listed(coordinator, name):
    return next((w for w in coordinator.get("/workers")["workers"] if w["name"] == name), {})


def state_of(coordinator, name):
    return listed(coordinator, name).get("state")


def study(name, dataset, units=8, **tuner):
    return {"name": name, "dataset": dataset,
            "model": {"layers": [{"type": "Dense", "units": units, "activation": "relu"},
                                 {"type": "Dense", "units": 3, "activation": "softmax"}]},
            "compile": {"optimizer": {"type": "Adam", "learning_rate": {
                            "hp": "Float", "name": "lr", "min_value": 0.001, "max_value": 0.1}},
                        "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
            "fit": {"epochs": 2, "batch_size": 64},
            "tuner": {"type": "RandomSearch", "objective": "val_accuracy", "max_trials": 6, **tuner}}


def table(rows=12000):
    """About 200 KiB."""
    return "a,b,label\n" + "".join(f"{i % 997},{i % 89},c{i % 3}\n" for i in range(rows))


def paused(coordinator, worker):
    def is_paused():
        found = listed(coordinator, "cramped")
        return found if found["state"] == "paused" else None
    found = wait_until(is_paused, alive=[coordinator, worker])
    assert "cannot write to its cache" in found["trouble"] and found["running"] == []
    assert re.search(r"No space left on device|File too large", found["trouble"])
    assert re.search("^error paused .*cannot write to its cache", worker.log(), re.M)
    assert "worker_paused" in coordinator.log()


def test_data_that_has_no_room_is_trained_on_elsewhere(disk, cramped, coordinator, tmp_path, daemons, ctl):
    """No trial fails of it, however many there are and whatever max_consecutive_failed_trials says."""
    coordinator.add_dataset("table", {"table.csv": table().encode()}, format="csv", target="label")
    disk.fill()
    coordinator.submit(study("elsewhere", {"name": "table", "validation_split": 0.2},
                             max_consecutive_failed_trials=1))
    paused(coordinator, cramped)
    assert coordinator.study("elsewhere")["state"] == "running"
    assert "cramped: cannot write" in ctl("workers").stdout
    roomy = coordinator.worker(tmp_path, name="roomy")
    daemons.append(roomy)
    roomy.start()
    coordinator.wait_study("elsewhere", alive=[cramped, roomy])
    assert coordinator.study("elsewhere")["counts"]["completed"] == 6
    for number in range(6):
        executions = coordinator.get(f"/studies/elsewhere/trials/{number}")["executions"]
        assert executions[-1]["worker"]["name"] == "roomy" and executions[-1]["state"] == "completed"
        assert {one["state"] for one in executions[:-1]} <= {"lost"}
    assert state_of(coordinator, "cramped") == "paused"
    assert roomy.stop() == 0
    disk.free()
    wait_until(lambda: state_of(coordinator, "cramped") == "connected", alive=[coordinator, cramped])
    assert "trouble" not in listed(coordinator, "cramped")
    assert re.search("^info resumed ", cramped.log(), re.M) and "worker_resumed" in coordinator.log()
    coordinator.submit(study("again", {"name": "table", "validation_split": 0.2}))
    coordinator.wait_study("again", alive=[cramped])
    assert coordinator.study("again")["counts"]["completed"] == 6


def test_data_that_cannot_be_prepared_wait_for_room(disk, cramped, coordinator):
    """Nothing is fetched: the training process' own child finds the disk full."""
    disk.fill()
    coordinator.submit(study("made", {"name": "blobs", "validation_split": 0.2,
                                      "generate": {"samples": 20000, "features": 4, "classes": 3}}))
    paused(coordinator, cramped)
    disk.free()
    coordinator.wait_study("made", alive=[cramped])
    assert coordinator.study("made")["counts"]["completed"] == 6


def test_a_checkpoint_that_has_no_room_is_trained_for_again(disk, cramped, coordinator):
    """The data are there already; what a promoted trial would go on from cannot be written."""
    data = {"name": "blobs", "validation_split": 0.2,
            "generate": {"samples": 2000, "features": 4, "classes": 3}}
    coordinator.submit(study("before", data, units=1500))
    coordinator.wait_study("before", alive=[cramped])
    disk.fill()
    document = study("rounds", data, units=1500, type="ASHA", max_epochs=4, factor=2, max_trials=4)
    del document["fit"]["epochs"]
    coordinator.submit(document)
    paused(coordinator, cramped)
    assert coordinator.study("rounds")["counts"]["failed"] == 0
    disk.free()
    coordinator.wait_study("rounds", alive=[cramped])
    counts = coordinator.study("rounds")["counts"]
    assert counts["failed"] == 0 and counts["completed"] + counts["pruned"] == 4
    assert state_of(coordinator, "cramped") == "connected"


def test_a_paused_worker_stays_paused_for_a_coordinator_started_anew(disk, cramped, coordinator):
    """Its hello says so too: no work is sent there, only to come back."""
    coordinator.add_dataset("table", {"table.csv": table().encode()}, format="csv", target="label")
    disk.fill()
    coordinator.submit(study("held", {"name": "table", "validation_split": 0.2}))
    paused(coordinator, cramped)
    attempts = len(coordinator.get("/studies/held/trials/0")["executions"])
    coordinator.restart()
    wait_until(lambda: state_of(coordinator, "cramped") == "paused", alive=[coordinator, cramped])
    assert len(coordinator.get("/studies/held/trials/0")["executions"]) == attempts
    disk.free()
    coordinator.wait_study("held", alive=[cramped])
    assert coordinator.study("held")["counts"]["completed"] == 6
