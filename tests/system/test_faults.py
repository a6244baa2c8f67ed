"""A fleet under fire: coordinator and workers killed and stopped over and over while a study runs. In the
end its budget is exact, every curve is whole, and what ran twice gave the same numbers."""
import os
import pathlib
import random
import signal

import pytest
from conftest import Coordinator, wait_until

TRIALS, EPOCHS = 12, 40


def study():
    return {
        "name": "fire", "seed": 5,
        "dataset": {"name": "spirals", "generate": {"samples": 3000, "classes": 3},
                    "scale": "standard", "validation_split": 0.2},
        "model": {"layers": [
            {"type": "Dense", "units": {"hp": "Int", "name": "units", "min_value": 16,
                                        "max_value": 128}, "activation": "relu"},
            {"type": "Dense", "units": 3, "activation": "softmax"}]},
        "compile": {"optimizer": {"type": "Adam", "learning_rate": {
            "hp": "Float", "name": "rate", "min_value": 1e-4, "max_value": 1e-2,
            "sampling": "log"}}, "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"]},
        "fit": {"epochs": EPOCHS, "batch_size": 32},
        "tuner": {"type": "RandomSearch", "objective": "val_accuracy", "max_trials": TRIALS,
                  "executions_per_trial": 2},
    }


def fork_server(worker):
    path = pathlib.Path(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children")
    return [int(child) for child in path.read_text().split()]


def kill_coordinator(coordinator, workers, rng):
    coordinator.restart()


def kill_worker(coordinator, workers, rng):
    worker = rng.choice(workers)
    worker.kill()
    worker.start()


def kill_fork_server(coordinator, workers, rng):
    for child in fork_server(rng.choice(workers)):
        os.kill(child, signal.SIGKILL)


def stop_coordinator(coordinator, workers, rng):
    """Until a worker has noticed."""
    noticed = [worker.log().count("coordinator_silent") for worker in workers]
    coordinator.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: [worker.log().count("coordinator_silent") for worker in workers] != noticed)
    coordinator.process.send_signal(signal.SIGCONT)


def stop_worker(coordinator, workers, rng):
    """Until its leases have been given away."""
    worker = rng.choice(workers)
    worker.process.send_signal(signal.SIGSTOP)

    def gone():
        return any(w["name"] == worker.name and w["state"] == "gone"
                   for w in coordinator.get("/workers")["workers"])
    wait_until(gone)
    worker.process.send_signal(signal.SIGCONT)


FAULTS = [kill_coordinator, kill_worker, kill_fork_server, stop_coordinator, stop_worker]


def epochs_told(coordinator):
    return sum(len(execution["epochs"]) for trial in coordinator.trials("fire")
               for execution in metrics_of(coordinator, trial["number"]))


def metrics_of(coordinator, number):
    return coordinator.get(f"/studies/fire/trials/{number}/metrics")["executions"]


def curve(execution):
    return {epoch["epoch"]: (epoch["loss"], epoch["val_loss"], epoch["val_accuracy"])
            for epoch in execution["epochs"]}


@pytest.mark.parametrize("seed", [1, 2])
def test_under_fire_the_budget_is_exact_and_every_curve_whole(tmp_path, daemons, seed):
    rng = random.Random(seed)
    coordinator = Coordinator(tmp_path, options=["--lease", "2", "--heartbeat", "1"])
    daemons.append(coordinator)
    coordinator.start()
    workers = [coordinator.worker(tmp_path, f"w{i}", slots=2) for i in range(2)]
    for worker in workers:
        daemons.append(worker)
        worker.start()
    coordinator.submit(study())
    order = FAULTS * 2
    rng.shuffle(order)
    for fault in order:
        # The next one when there is progress again, or nothing left to disturb.
        before = epochs_told(coordinator)
        wait_until(lambda: epochs_told(coordinator) > before or
                   coordinator.study("fire")["state"] == "completed", timeout=120, every=0.1)
        fault(coordinator, workers, rng)
    coordinator.wait_study("fire", timeout=300, alive=workers)

    trials = coordinator.trials("fire")
    assert [t["state"] for t in trials] == ["completed"] * TRIALS
    for trial in trials:
        executions = metrics_of(coordinator, trial["number"])
        assert {e["execution"] for e in executions} == {0, 1}
        for index in (0, 1):
            attempts = [curve(e) for e in executions if e["execution"] == index]
            assert list(attempts[-1]) == list(range(1, EPOCHS + 1))
            for attempt in attempts:
                assert attempt == {epoch: attempts[-1][epoch] for epoch in attempt}
