"""tunerctl against a real coordinator and worker, and in a terminal (a pty)."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

from conftest import BIN, environment, free_port, wait_until

STUDY = {
    "name": "spiral",
    "seed": 3,
    "dataset": {"name": "spirals", "generate": {"samples": 400, "classes": 2}, "scale": "standard",
                "validation_split": 0.25},
    "model": {"layers": [
        {"type": "Dense", "units": {"hp": "Int", "name": "units", "min_value": 8, "max_value": 64, "step": 8},
         "activation": "relu"},
        {"type": "Dense", "units": 2, "activation": "softmax"}]},
    "compile": {"optimizer": {"type": "Adam", "learning_rate": {
        "hp": "Float", "name": "learning_rate", "min_value": 1e-3, "max_value": 1e-1, "sampling": "log"}},
        "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    "fit": {"epochs": 5, "batch_size": 32},
    "tuner": {"type": "RandomSearch", "objective": "val_accuracy", "max_trials": 6},
}


def write(tmp_path, document=None, **changes):
    path = tmp_path / "study.json"
    path.write_text(json.dumps(document or {**STUDY, **changes}))
    return path


def test_submit_and_watch_end_with_the_best(fleet, ctl, tmp_path):
    coordinator, _ = fleet
    done = ctl("submit", write(tmp_path), "--watch")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Study spiral submitted"
    bars = [line for line in lines if line.startswith("[")]
    assert bars[-1].startswith("[" + "#" * 24 + "] 6/6 trials, completed | best val_accuracy ")
    best = coordinator.get("/studies/spiral/best")["trials"][0]
    text = done.stdout[done.stdout.index("spiral: completed"):]
    assert f"best trial {best['number']}: val_accuracy" in text
    assert re.search(rf"^  units +{best['hyperparameters']['units']}$", text, re.M)
    report = coordinator.get(f"/studies/spiral/trials/{best['number']}/report")
    assert f"accuracy {report['test']['accuracy']:.4g}" in text
    again = ctl("submit", write(tmp_path), "--watch")
    assert again.returncode == 0 and again.stdout.startswith("Study spiral was there already\n")

    assert re.search(r"^spiral +completed +6 +6 ", ctl("list").stdout, re.M)
    assert ctl("show", "spiral").stdout.startswith("spiral: completed, 6 completed")
    table = ctl("trials", "spiral", "--sort", "-score", "--limit", 2).stdout.splitlines()
    assert len(table) == 3 and table[1].startswith(f"{best['number']} ")
    assert json.loads(ctl("best", "spiral", "--json").stdout)["trials"] == [best]
    assert re.search(r" worker +\S+ +connected +2 +0 ", ctl("workers").stdout)
    assert ctl("replay", "spiral").stdout == "spiral: 6 of 6 decisions agree\n"
    out = tmp_path / "out.csv"
    assert ctl("export", "spiral", "--output", out).returncode == 0
    assert len(out.read_text().splitlines()) == 7
    assert json.loads(ctl("export", "spiral", "--format", "json").stdout) == coordinator.trials("spiral")
    assert ctl("delete", "spiral").returncode == 0
    assert ctl("show", "spiral").returncode == 1


def test_in_a_terminal_the_line_stays_in_place(fleet, tmp_path):
    coordinator, _ = fleet
    master, slave = pty.openpty()
    process = subprocess.Popen([BIN / "tunerctl", "--server", coordinator.url, "submit", write(tmp_path), "--watch"],
                               stdout=slave, stderr=slave, stdin=subprocess.DEVNULL, env=environment())
    os.close(slave)
    seen = b""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if select.select([master], [], [], 1)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
    assert process.wait(30) == 0
    os.close(master)
    text = seen.decode()
    drawn = [line for line in re.split(r"\r(?!\n)", text) if line.startswith("[")]
    assert len(drawn) > 1 and all("\x1b[K" in line for line in drawn)
    assert "Best hyperparameters:" in text


def test_verbs_and_exit_statuses(coordinator, ctl, tmp_path):
    path = write(tmp_path)
    assert ctl("submit", path, "--validate-only").stdout == f"{path} holds\n"
    assert json.loads(ctl("submit", path, "--json").stdout)["name"] == "spiral"
    assert ctl("pause", "spiral").stdout.startswith("spiral: paused")
    refused = ctl("pause", "spiral")
    assert ctl("resume", "spiral").stdout.startswith("spiral: running")
    assert refused.returncode in (0, 1)
    assert ctl("delete", "spiral").returncode == 1
    assert ctl("cancel", "spiral").returncode == 0
    watched = ctl("watch", "spiral")
    assert watched.returncode == 1 and "cancelled" in watched.stdout
    assert ctl("watch", "nowhere").returncode == 1
    for wrong in ([], ["nonsense"], ["show"], ["show", "a", "b"], ["list", "--colour"], ["submit", "/nowhere.json"],
                  ["datasets", "add", "x"]):
        done = ctl(*wrong)
        assert done.returncode == 2 and done.stderr.startswith("tunerctl: "), wrong
    lost = subprocess.run([BIN / "tunerctl", "--server", f"http://127.0.0.1:{free_port()}", "list"],
                          capture_output=True, text=True, timeout=30, env=environment())
    assert lost.returncode == 3 and "no connection" in lost.stderr


def test_every_fault_is_told_with_its_place(coordinator, ctl, tmp_path):
    model = {"layers": [{"type": "Dense", "units": 0}, {"type": "Dens", "units": 2}]}
    done = ctl("submit", write(tmp_path, model=model))
    assert done.returncode == 1
    assert "  at /model/layers/0/units: " in done.stderr and "  at /model/layers/1/type: " in done.stderr
    (tmp_path / "half.json").write_text('{"name": ')
    half = ctl("submit", tmp_path / "half.json")
    assert half.returncode == 1 and "line 1" in half.stderr


def test_watch_outlives_the_coordinators_restart(fleet, tmp_path):
    coordinator, worker = fleet
    study = {**STUDY, "fit": {"epochs": 60, "batch_size": 8}}
    process = subprocess.Popen([BIN / "tunerctl", "--server", coordinator.url, "submit",
                                write(tmp_path, study), "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=environment())
    wait_until(lambda: coordinator.study("spiral")["counts"]["completed"] >= 1
               if coordinator.request("GET", "/studies/spiral").status_code == 200 else False,
               alive=[coordinator, worker])
    coordinator.kill(signal.SIGKILL)
    coordinator.start()
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert "6/6 trials, completed" in out and "Best hyperparameters:" in out


def test_data_sets_are_added_listed_and_removed(coordinator, ctl, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b,kind\n" + "".join(f"{i % 7},{i % 3},{'yes' if i % 2 else 'no'}\n" for i in range(100)))
    added = ctl("datasets", "add", "rows", rows, "--target", "kind")
    assert added.returncode == 0 and added.stdout.startswith("Data set rows registered: "), added.stderr
    assert re.search(r"^rows +ready +\d+ ", ctl("datasets", "list").stdout, re.M)
    assert ctl("datasets", "remove", "rows").returncode == 0
    numbers = str(tmp_path / "numbers.csv")
    with open(numbers, "w", encoding="utf-8") as file:
        file.write("a,kind\n1,0\n2,1\n")
    named = ctl("datasets", "add", "numbers", numbers, "--class-names", "cat,big dog", "--json")
    assert json.loads(named.stdout)["info"]["class_names"] == ["cat", "big dog"], named.stderr
    refused = ctl("datasets", "add", "numbers", numbers, "--class-names", "cat")
    assert refused.returncode == 1 and "2 classes" in refused.stderr
    assert not re.search(r"^rows ", ctl("datasets").stdout, re.M)
    rows.write_text("")
    assert ctl("datasets", "add", "rows", rows).returncode == 1
