"""The search through real daemons: brackets and rungs with both sides killed, early stopping, warm starts,
Auto and objectives that are expressions; and in the end every decision recomputed."""
import contextlib
import json
import sqlite3

import pytest
from conftest import ROOT, Coordinator, wait_until
from test_main_job import all_metrics, blobs_study

TABLES = json.loads((ROOT / "tests" / "conformance" / "keras_tuner_reference.json").read_text())["hyperband"]


def search_study(name, **tuner):
    """Epochs long enough to be killed in, learning rates bad enough to lose."""
    study = blobs_study(name)
    study["tuner"] = {"objective": "val_accuracy", **tuner}
    study["dataset"]["generate"].update(samples=1200)
    study["fit"].update(epochs=9, batch_size=8)
    study["compile"]["optimizer"]["learning_rate"].update(min_value=1e-6, max_value=1.0)
    return study


def run_with_kills(coordinator, worker, name, moments):
    """The coordinator and the worker are killed in turn, amid trials, when so many have ended."""

    def amid(moment):
        counts = coordinator.study(name)["counts"]
        return counts["completed"] + counts["pruned"] >= moment and counts["running"] > 0

    for n, moment in enumerate(moments):
        wait_until(lambda: amid(moment), alive=[coordinator, worker])
        if n % 2 == 0:
            coordinator.restart()
        else:
            worker.kill()
            worker.start()
    return coordinator.wait_study(name, alive=[worker])


def epochs_of(coordinator, name):
    """{trial: {execution: [the epochs of each attempt that ran to its end]}}, out of the store itself."""
    found = {}
    with contextlib.closing(sqlite3.connect(f"file:{coordinator.state_dir}/tunerd.db?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT e.trial, e.execution, e.attempt, p.epoch FROM executions e "
                          "JOIN studies s ON s.id = e.study_id LEFT JOIN epochs p USING "
                          "(study_id, trial, execution, attempt) WHERE s.name = ? AND e.state IN "
                          "('completed', 'pruned') ORDER BY 1, 2, 3, 4", (name,))
        for trial, execution, attempt, epoch in rows:
            found.setdefault(trial, {}).setdefault(execution, {}).setdefault(attempt, []).append(epoch)
    return {trial: {execution: list(attempts.values()) for execution, attempts in executions.items()}
            for trial, executions in found.items()}


def replayed(ctl, name):
    answer = ctl("--json", "replay", name)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    replay = json.loads(answer.stdout)
    assert replay["holds"] and replay["agree"] == replay["given"] > 0
    return replay


@pytest.fixture
def coordinator(tmp_path, daemons):
    """What a killed worker had is given out again after 3 s, not 15."""
    daemon = Coordinator(tmp_path, options=("--lease", 3, "--heartbeat", 1))
    daemons.append(daemon)
    return daemon.start()


@pytest.mark.parametrize("sampler", ["random", "model"])
def test_hyperband_gives_exactly_its_table_whoever_is_killed(fleet, ctl, sampler):
    coordinator, worker = fleet
    table = next(t for t in TABLES if (t["max_epochs"], t["factor"]) == (8, 2))
    coordinator.submit(search_study("h", type="Hyperband", max_epochs=8, factor=2, sampler=sampler))
    run_with_kills(coordinator, worker, "h", (2, 9, 20))
    trials = {t["number"]: t for t in coordinator.trials("h", sort="number")}
    expected = {(b["bracket"], r["round"]): r for b in table["brackets"] for r in b["rounds"]}
    found = {}
    epochs = epochs_of(coordinator, "h")
    for number, trial in trials.items():
        assert trial["state"] == "completed", trial
        origin = trial["origin"]
        place = origin["bracket"], origin["round"]
        found[place] = found.get(place, 0) + 1
        first = 1
        if origin["round"] > 0:
            parent = trials[origin["promoted_from"]]
            assert origin["kind"] == "promotion"
            assert parent["origin"]["bracket"] == origin["bracket"]
            assert parent["origin"]["round"] == origin["round"] - 1
            assert parent["hyperparameters"] == trial["hyperparameters"]
            first = expected[origin["bracket"], origin["round"] - 1]["epochs"] + 1
        else:
            assert "promoted_from" not in origin
        assert epochs[number] == {0: [list(range(first, expected[place]["epochs"] + 1))]}, (origin, epochs)
    assert found == {place: r["trials"] for place, r in expected.items()}
    promoted = [t["origin"]["promoted_from"] for t in trials.values() if t["origin"]["round"] > 0]
    assert len(set(promoted)) == len(promoted)
    replayed(ctl, "h")


def test_asha_trials_go_on_from_rung_to_rung_whoever_is_killed(fleet, ctl):
    coordinator, worker = fleet
    study = search_study("a", type="ASHA", max_epochs=9, min_epochs=1, factor=3)
    study["tuner"].update(max_trials=18, executions_per_trial=2)
    coordinator.submit(study)
    run_with_kills(coordinator, worker, "a", (1, 6, 12))
    trials = coordinator.trials("a")
    assert len(trials) == 18 and {t["state"] for t in trials} == {"completed"}
    reached = []
    for number, executions in epochs_of(coordinator, "a").items():
        # a round begins at the epoch after the rung it goes on from; only who comes to the end is trained twice
        assert executions in ({0: [[1]]}, {0: [[1], [2, 3]]},
                              {0: [[1], [2, 3], list(range(4, 10))], 1: [list(range(1, 10))]}), (number, executions)
        reached.append(executions[0][-1][-1])
        trial = coordinator.get(f"/studies/a/trials/{number}")
        last = {e["execution"]: e["score"] for e in trial["executions"] if e["state"] == "completed"}
        assert trial["scored_executions"] == len(executions) == len(last)
        assert trial["score"] == pytest.approx(sum(last.values()) / len(last), abs=1e-12)
    # the best third of each rung went on, also after the last new trial was given
    assert reached.count(9) >= 2 and 18 // 3 <= sum(r >= 3 for r in reached) < 18
    # a mean over both comes before the luck of one
    best = sorted(trials, key=lambda t: (-t["scored_executions"], -t["score"], t["number"]))
    ranked = coordinator.get("/studies/a/best", num_trials=18)["trials"]
    assert [t["number"] for t in ranked] == [t["number"] for t in best]
    assert coordinator.study("a")["best_trial"]["number"] == best[0]["number"]
    replayed(ctl, "a")


def test_stopping_asha_ends_most_trials_early(fleet, ctl):
    coordinator, worker = fleet
    study = search_study("s", type="ASHA", max_epochs=81, min_epochs=1, factor=3, variant="stopping")
    study["tuner"].update(max_trials=18)
    coordinator.submit(study)
    run_with_kills(coordinator, worker, "s", (5,))
    counts = coordinator.study("s")["counts"]
    assert counts["completed"] + counts["pruned"] == 18 and counts["completed"] >= 1 and counts["pruned"] >= 3
    epochs = epochs_of(coordinator, "s")
    for trial in coordinator.trials("s"):
        # a worker may be an epoch ahead of the word that stops it
        last = epochs[trial["number"]][0][-1][-1]
        assert last == 81 if trial["state"] == "completed" else last < 81, trial
        assert trial["state"] == "completed" or trial["reason"], trial
    replayed(ctl, "s")


def test_the_median_rule_prunes_what_falls_behind(fleet, ctl):
    coordinator, worker = fleet
    study = search_study("m", type="RandomSearch", early_stopping="median")
    study["tuner"].update(max_trials=25)
    study["fit"]["epochs"] = 60
    coordinator.submit(study)
    done = coordinator.wait_study("m", alive=[worker])
    assert done["counts"]["pruned"] >= 3 and done["counts"]["completed"] >= 5
    assert done["counts"]["pruned"] + done["counts"]["completed"] == 25
    best = {state: max(t["score"] for t in coordinator.trials("m") if t["state"] == state)
            for state in ("pruned", "completed")}
    assert best["completed"] >= best["pruned"]
    replayed(ctl, "m")


def test_auto_says_what_it_does(fleet, ctl):
    coordinator, worker = fleet
    short = search_study("short", max_trials=12)
    short["fit"]["epochs"] = 3
    long = search_study("long", max_trials=12)
    long["fit"]["epochs"] = 27
    for study in (short, long):
        coordinator.submit(study)
        coordinator.wait_study(study["name"], alive=[worker])
    for trial in coordinator.trials("short"):
        assert trial["origin"]["kind"] in ("quasi_random", "model", "random")
        assert trial["origin"]["reason"].startswith("auto: "), trial["origin"]
    assert any(t["origin"]["kind"] == "model" for t in coordinator.trials("short"))
    for trial in coordinator.trials("long"):
        assert trial["origin"]["reason"].startswith("auto, step by step: "), trial["origin"]
    trained = [executions[0][-1][-1] for executions in epochs_of(coordinator, "long").values()]
    assert 27 in trained and all(n in (1, 3, 9, 27) for n in trained), trained
    assert sum(trained) < 12 * 27 / 2, trained
    replayed(ctl, "short")
    replayed(ctl, "long")


def asked(name, **tuner):
    return {"name": name, "seed": 4,
            "parameters": [{"hp": "Float", "name": f"x{i}", "min_value": -2.0, "max_value": 2.0}
                           for i in range(3)],
            "tuner": {"objective": {"name": "loss", "direction": "min"}, "max_trials": 30, **tuner}}


def tell_trials(coordinator, name, count, middle):
    """Losses in their order."""
    losses = []
    for _ in range(count):
        trial, = coordinator.post(f"/studies/{name}/suggest", {"client_id": "me"})["trials"]
        losses.append(sum((x - middle) ** 2 for x in trial["hyperparameters"].values()))
        coordinator.post(f"/studies/{name}/trials/{trial['number']}/complete", {"metrics": {"loss": losses[-1]}})
    return losses


@pytest.mark.parametrize("type_", ["BayesianOptimization", "Auto"])
def test_an_earlier_study_informs_the_first_suggestions_of_the_next(coordinator, ctl, type_):
    coordinator.submit(asked("first", type=type_))
    earlier = tell_trials(coordinator, "first", 30, middle=0.7)
    coordinator.submit(asked("cold", type=type_) | {"seed": 9})
    cold = tell_trials(coordinator, "cold", 6, middle=0.75)
    coordinator.submit(asked("second", type=type_, warm_start_from=["first"]) | {"seed": 9})
    warm = tell_trials(coordinator, "second", 3, middle=0.75)
    coordinator.restart()  # what was learned from the first study is learned again
    warm += tell_trials(coordinator, "second", 3, middle=0.75)
    kinds = [t["origin"]["kind"] for t in coordinator.trials("second", sort="number")]
    assert kinds[0] == "warm_start" and kinds.count("warm_start") + kinds.count("model") >= 4, kinds
    assert warm[0] < sorted(earlier)[3] + 0.1
    assert min(warm) < 0.25 * min(cold), (warm, cold)
    replayed(ctl, "second")


def test_a_warm_start_takes_what_the_next_space_has_in_common(fleet, ctl):
    coordinator, worker = fleet
    first = search_study("wide", type="RandomSearch", max_trials=12)
    coordinator.submit(first)
    coordinator.wait_study("wide", alive=[worker])
    second = search_study("narrow", type="BayesianOptimization", max_trials=6, warm_start_from=["wide"])
    second["compile"]["optimizer"]["learning_rate"].update(min_value=1e-4, max_value=0.1)
    coordinator.submit(second)
    coordinator.wait_study("narrow", alive=[worker])
    trials = coordinator.trials("narrow", sort="number")
    assert trials[0]["origin"]["kind"] == "warm_start", trials[0]
    inside = [t for t in coordinator.trials("wide") if 1e-4 <= t["hyperparameters"]["learning_rate"] <= 0.1]
    best = max(t["score"] for t in inside)
    leaders = [t["hyperparameters"] for t in inside if t["score"] == best]
    assert any(trials[0]["hyperparameters"] == pytest.approx(leader, rel=1e-9) for leader in leaders)
    replayed(ctl, "narrow")


@pytest.mark.parametrize("tuner", [
    {"type": "BayesianOptimization", "num_initial_points": 4, "max_trials": 10}, {"type": "Auto", "max_trials": 12},
    {"type": "ASHA", "max_epochs": 9, "max_trials": 10, "executions_per_trial": 2},
    {"type": "Hyperband", "max_epochs": 4, "factor": 2}], ids=lambda tuner: tuner["type"])
def test_killed_at_any_point_a_study_goes_on_as_it_would_have(coordinator, daemons, tmp_path, ctl, tuner):
    """On one slot, where no chance decides what is known when a trial is given."""
    worker = coordinator.worker(tmp_path, slots=1)
    daemons.append(worker)
    worker.start()
    for name in ("in-peace", "killed"):
        coordinator.submit(search_study(name, **tuner))
        if name == "in-peace":
            coordinator.wait_study(name, alive=[worker])
    amid = 0
    for moment in (1, 2, 4, 5, 7, 8):
        wait_until(lambda: coordinator.study("killed")["counts"]["completed"] >= moment, alive=[coordinator, worker])
        amid += coordinator.study("killed")["state"] == "running"
        coordinator.restart()
    assert amid >= 3
    coordinator.wait_study("killed", alive=[worker])
    went = {name: [(t["hyperparameters"], t["origin"], t["score"]) for t in coordinator.trials(name, sort="number")]
            for name in ("in-peace", "killed")}
    assert went["killed"] == went["in-peace"]
    assert epochs_of(coordinator, "killed") == epochs_of(coordinator, "in-peace")
    replayed(ctl, "killed")


def test_an_objective_may_be_an_expression_of_metrics_and_parameters(fleet):
    coordinator, worker = fleet
    study = search_study("e", type="RandomSearch", max_trials=6)
    study["fit"]["epochs"] = 3
    study["tuner"]["objective"] = {"expression": "val_accuracy - 0.001 * parameters", "direction": "max"}
    coordinator.submit(study)
    coordinator.wait_study("e", alive=[worker])
    metrics = all_metrics(coordinator, "e")
    for trial in coordinator.trials("e"):
        units = trial["hyperparameters"]["units"]
        parameters = (4 + 1) * units + (units + 1) * 3
        best = max(metrics[trial["number"], 0, 1, epoch]["val_accuracy"] for epoch in (1, 2, 3))
        assert trial["score"] == pytest.approx(best - 0.001 * parameters, abs=1e-12)
    best = coordinator.study("e")["best_trial"]
    assert best["score"] == max(t["score"] for t in coordinator.trials("e"))
