"""What `make run` does once everything is built: deploy/run.sh with a smaller example and ports of its own."""
import json
import os
import signal
import subprocess

import requests
from conftest import BIN, ROOT, environment, free_port, wait_until


def interruptible():
    """A shell cannot trap what was ignored when it began, as SIGINT is in a job started with `&`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(tmp_path, trials, epochs):
    study = json.loads((ROOT / "schema" / "examples" / "fashion-mlp.json").read_text())
    study["dataset"]["limit"] = 1000
    study["fit"]["epochs"] = epochs
    study["tuner"].update(max_trials=trials, executions_per_trial=1)
    example = tmp_path / "example.json"
    example.write_text(json.dumps(study))
    http = f"127.0.0.1:{free_port()}"
    env = environment() | {"TUNERD_BIN_DIR": str(BIN), "TUNERD_STATE": str(tmp_path / "var"),
                           "TUNERD_HTTP": http, "TUNERD_WORKERS": f"tcp://127.0.0.1:{free_port()}"}
    process = subprocess.Popen([ROOT / "deploy" / "run.sh", example], env=env, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True,
                               preexec_fn=interruptible)
    return process, f"http://{http}"


def counts(url):
    try:
        answer = requests.get(url + "/api/v1/studies/fashion-mlp", timeout=10)
        return answer.json()["counts"] if answer.status_code == 200 else None
    except requests.ConnectionError:
        return None


def test_the_example_runs_to_its_best_hyperparameters_and_everything_stops(tmp_path):
    process, url = start(tmp_path, trials=2, epochs=1)
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    assert url in output
    assert "learning_rate" in output and "accuracy" in output, output
    assert counts(url) is None


def test_interrupted_it_stops_cleanly_and_goes_on_when_run_again(tmp_path):
    process, url = start(tmp_path, trials=6, epochs=3)
    try:
        before = wait_until(lambda: (counts(url) or {}).get("completed", 0), timeout=120)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, output
    assert "Stopped" in output and counts(url) is None

    process, url = start(tmp_path, trials=6, epochs=3)
    after = wait_until(lambda: counts(url), timeout=60)
    assert after["completed"] >= before
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    assert "learning_rate" in output
