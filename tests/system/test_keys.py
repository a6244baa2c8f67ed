"""Coordinator and workers with keys on both sides: who is let in, and for whom it may speak."""
import json
import subprocess

import pytest
import zmq

from conftest import BIN, Coordinator, wait_until


def make_key(path):
    subprocess.run([BIN / "tuner-worker", "--make-key", path], check=True)
    return path


def read_key(path):
    return dict(line.split(" = ") for line in path.read_text().splitlines())


@pytest.fixture
def keys(tmp_path):
    return {name: make_key(tmp_path / f"{name}.key") for name in ["tunerd", "w1", "w2"]}


@pytest.fixture
def allowed(tmp_path, keys):
    """The list, w1 alone on it."""
    path = tmp_path / "allowed"
    path.write_text(f"w1 {read_key(keys['w1'])['public']}\n")
    return path


@pytest.fixture
def guarded(tmp_path, daemons, keys, allowed):
    daemon = Coordinator(tmp_path, options=["--key", keys["tunerd"], "--worker-keys", allowed])
    daemons.append(daemon)
    return daemon.start()


@pytest.fixture
def start(tmp_path, daemons, keys, guarded):
    def start_worker(name, key):
        daemon = guarded.worker(tmp_path, name, options=[
            "--key", keys[key], "--coordinator-key", f"{keys['tunerd']}.pub"])
        daemons.append(daemon)
        return daemon.start()
    return start_worker


def states(coordinator):
    return {worker["name"]: worker["state"] for worker in coordinator.get("/workers")["workers"]}


STUDY = {
    "name": "blobs", "dataset": {"name": "blobs", "generate": {"samples": 64, "features": 4,
                                                               "classes": 3}},
    "model": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
    "compile": {"optimizer": {"type": "Adam", "learning_rate": {
        "hp": "Float", "name": "rate", "min_value": 1e-4, "max_value": 1e-2}},
        "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    "fit": {"epochs": 1},
    "tuner": {"type": "RandomSearch", "objective": "loss", "max_trials": 2},
}


def test_a_worker_of_the_list_works_and_others_do_not_get_in(guarded, start):
    worker = start("w1", "w1")
    stranger = start("w2", "w2")
    guarded.submit(STUDY)
    guarded.wait_study("blobs", alive=[worker, stranger])
    wait_until(lambda: "handshake_failed" in stranger.log())
    assert states(guarded) == {"w1": "connected"}
    assert "key_refused" in guarded.log()


def test_a_worker_speaks_under_its_own_name_only(guarded, start):
    impostor = start("other", "w1")
    wait_until(lambda: "belongs to another key" in impostor.log())
    assert states(guarded) == {}


def test_an_id_stays_with_the_key_it_came_with(guarded, start, keys, allowed):
    start("w1", "w1")
    wait_until(lambda: states(guarded) == {"w1": "connected"})
    identity = guarded.get("/workers")["workers"][0]["id"]
    w2, server = read_key(keys["w2"]), read_key(keys["tunerd"])
    with open(allowed, "a") as more:
        more.write(f"w2 {w2['public']}\n")
    with zmq.Context() as context, context.socket(zmq.DEALER) as thief:
        thief.linger = 0
        thief.routing_id = identity.encode()
        thief.curve_serverkey = server["public"].encode()
        thief.curve_publickey, thief.curve_secretkey = w2["public"].encode(), w2["secret"].encode()

        def refused():
            # The list is read again a second after it changed: until then the handshake fails.
            thief.connect(guarded.worker_endpoint)
            thief.send_multipart([json.dumps({
                "v": "1.0", "type": "hello", "worker": identity, "name": "w2", "host": "h",
                "slots": 1, "version": "0", "cpu": "", "leases": []}).encode(), b""])
            if not thief.poll(1500):
                thief.disconnect(guarded.worker_endpoint)
                return None
            return json.loads(thief.recv_multipart()[0])
        answer = wait_until(refused)
    assert answer["type"] == "refused" and "another key" in answer["reason"]


def test_a_worker_that_is_struck_off_is_heard_no_more(guarded, start, allowed):
    worker = start("w1", "w1")
    wait_until(lambda: states(guarded) == {"w1": "connected"})
    allowed.write_text("# nobody\n")
    wait_until(lambda: "coordinator_silent" in worker.log(), timeout=60)
    wait_until(lambda: "handshake_failed" in worker.log(), timeout=60)


@pytest.mark.parametrize("options, words", [
    ([], "needs --key and --worker-keys"),
    (["--key", "KEY"], "belong together"),
    (["--key", "KEY.pub", "--worker-keys", "LIST"], "open to others"),
    (["--key", "KEY", "--worker-keys", "KEY"], "not of the form"),
])
def test_beyond_loopback_a_coordinator_without_keys_does_not_start(tmp_path, keys, allowed, options,
                                                                   words):
    options = [option.replace("KEY", str(keys["tunerd"])).replace("LIST", str(allowed))
               for option in options]
    done = subprocess.run([BIN / "tunerd", "--state-dir", tmp_path / "state", "--http-listen",
                           "127.0.0.1:0", "--worker-listen", "tcp://0.0.0.0:*", *options],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and words in done.stderr
