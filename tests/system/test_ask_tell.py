"""Ask and tell by clients of one's own: leases, keys that make a POST safe to repeat, points that cannot be had."""
import time

from conftest import Coordinator, wait_until


def asked(name, **tuner):
    return {"name": name, "seed": 4,
            "parameters": [{"hp": "Float", "name": "x", "min_value": -2.0, "max_value": 2.0},
                           {"hp": "Float", "name": "y", "min_value": -2.0, "max_value": 2.0},
                           {"hp": "Choice", "name": "kind", "values": ["a", "b"]},
                           {"hp": "Int", "name": "n", "min_value": 1, "max_value": 9, "parent_name": "kind",
                            "parent_values": ["b"]}],
            "tuner": {"objective": {"name": "loss", "direction": "min"}, "max_trials": 40, **tuner}}


def suggest(coordinator, name, count=1, client="me", **kwargs):
    return coordinator.post(f"/studies/{name}/suggest", {"client_id": client, "count": count}, **kwargs)["trials"]


def complete(coordinator, name, number, status=200, **body):
    return coordinator.post(f"/studies/{name}/trials/{number}/complete", body, status)


def test_a_silent_client_loses_its_trials_and_one_that_measures_keeps_them(tmp_path, daemons):
    coordinator = Coordinator(tmp_path, options=("--client-lease", 5))
    daemons.append(coordinator)
    coordinator.start()
    coordinator.submit(asked("s", type="RandomSearch", max_trials=2))
    heard, silent = suggest(coordinator, "s", 2, "first")
    assert heard["lease_expires"] == silent["lease_expires"]
    began = time.monotonic()
    epoch = 0

    def next_gets_it():
        nonlocal epoch
        epoch += 1
        coordinator.post(f"/studies/s/trials/{heard['number']}/measurements", {"epoch": epoch, "metrics": {"loss": 1}})
        return suggest(coordinator, "s", 2, "second")

    taken = wait_until(next_gets_it, every=0.3, timeout=30)
    assert time.monotonic() - began > 4
    assert [t["number"] for t in taken] == [silent["number"]]
    assert taken[0]["hyperparameters"] == silent["hyperparameters"]
    assert [t["number"] for t in suggest(coordinator, "s", 2, "first")] == [heard["number"]]
    complete(coordinator, "s", heard["number"], metrics={})
    complete(coordinator, "s", silent["number"], metrics={"loss": 0.5})
    assert coordinator.wait_study("s")["best_trial"]["number"] == silent["number"]


def test_a_key_makes_suggest_measure_and_complete_safe_to_repeat(coordinator):
    coordinator.submit(asked("k", type="BayesianOptimization"))
    key = {"headers": {"Idempotency-Key": "a"}}
    first = suggest(coordinator, "k", 3, **key)
    assert len(first) == 3 and suggest(coordinator, "k", 3, **key) == first
    path = f"/studies/k/trials/{first[0]['number']}"
    for what, body in (("measurements", {"epoch": 1, "metrics": {"loss": 2}}), ("complete", {"metrics": {"loss": 1}})):
        key = {"headers": {"Idempotency-Key": what}}
        answer = coordinator.post(f"{path}/{what}", body, 200, **key)
        coordinator.restart()
        assert coordinator.post(f"{path}/{what}", body, 200, **key) == answer
        assert coordinator.request("POST", f"{path}/{what}", json={"metrics": {}}, **key).status_code == 422
    assert coordinator.request("POST", path + "/complete", json={"metrics": {"loss": 1}}).status_code == 409
    assert coordinator.get(path)["score"] == 1
    # a new key is a new ask: what is open comes back, and one more
    again = suggest(coordinator, "k", 3, headers={"Idempotency-Key": "b"})
    assert [t["number"] for t in again] == [1, 2, 3]


def test_an_infeasible_point_teaches_where_not_to_go(coordinator):
    coordinator.submit(asked("f", type="BayesianOptimization", max_trials=22))
    infeasible = []
    for _ in range(22):
        trial, = suggest(coordinator, "f")
        point = trial["hyperparameters"]
        infeasible.append(point["x"] < 0.8)
        told = ({"infeasible_reason": "too much memory"} if infeasible[-1] else
                {"metrics": {"loss": (point["x"] - 1.2) ** 2 + (point["y"] + 0.5) ** 2 + 0.1 * point.get("n", 5)}})
        complete(coordinator, "f", trial["number"], **told)
    counts = coordinator.study("f")["counts"]
    assert counts["infeasible"] == sum(infeasible) and counts["failed"] == 0
    assert sum(infeasible[:10]) >= 6  # 70 % of the space
    assert sum(infeasible[12:]) <= 4, infeasible
