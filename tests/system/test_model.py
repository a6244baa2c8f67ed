"""GET …/trials/{number}/model: the weights of the objective's best epoch, read and run by a few lines of
numpy that know nothing of the engine but Keras' formulas."""
import hashlib
import io
import json
import struct
import time

import numpy
import pytest
import zmq

from conftest import Coordinator, wait_until

CHUNK = 256 << 10


# ---- an independent reader, and Keras' formulas

def read_safetensors(data):
    """github.com/huggingface/safetensors, "Format": ({name: array}, metadata)."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    assert all(isinstance(value, str) for value in metadata.values())
    rest, end, arrays = data[8 + length:], 0, {}
    for name, one in header.items():
        first, last = one["data_offsets"]
        assert one["dtype"] == "F32" and first == end
        arrays[name] = numpy.frombuffer(rest[first:last], "<f4").reshape(one["shape"]).astype(float)
        end = last
    assert end == len(rest) and length % 8 == 0
    return arrays, metadata


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def softmax(x):
    e = numpy.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACTIVATIONS = {"linear": lambda x: x, "relu": lambda x: numpy.maximum(x, 0), "tanh": numpy.tanh,
               "sigmoid": sigmoid, "softmax": softmax}


def dense(x, layer, w):
    return ACTIVATIONS[layer.get("activation") or "linear"](x @ w["kernel"] + w["bias"])


def conv2d(x, layer, w):
    """strides 1, padding "same"; x [B, H, W, C], kernel [h, w, C, F]."""
    kh, kw = w["kernel"].shape[:2]
    top, left = (kh - 1) // 2, (kw - 1) // 2
    padded = numpy.pad(x, ((0, 0), (top, kh - 1 - top), (left, kw - 1 - left), (0, 0)))
    y = sum(padded[:, i:i + x.shape[1], j:j + x.shape[2]] @ w["kernel"][i, j]
            for i in range(kh) for j in range(kw))
    return ACTIVATIONS[layer["activation"]](y + w["bias"])


def max_pooling(x, _layer, _w):
    b, h, width, c = x.shape
    return x[:, :h // 2 * 2, :width // 2 * 2].reshape(b, h // 2, 2, width // 2, 2, c).max((2, 4))


def normalisation(x, layer, w):
    return (x - w["moving_mean"]) / numpy.sqrt(w["moving_variance"] + 1e-3) * w["gamma"] + w["beta"]


def lstm(x, layer, w):
    """Gates in Keras' order i, f, c, o."""
    h = c = numpy.zeros((len(x), layer["units"]))
    for t in range(x.shape[1]):
        i, f, g, o = numpy.split(x[:, t] @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * numpy.tanh(g)
        h = sigmoid(o) * numpy.tanh(c)
    return h


def gru(x, layer, w):
    """Gates in Keras' order z, r, h; reset_after with two rows of biases."""
    h = numpy.zeros((len(x), layer["units"]))
    for t in range(x.shape[1]):
        xz, xr, xh = numpy.split(x[:, t] @ w["kernel"] + w["bias"][0], 3, -1)
        hz, hr, hh = numpy.split(h @ w["recurrent_kernel"] + w["bias"][1], 3, -1)
        z = sigmoid(xz + hz)
        h = z * h + (1 - z) * numpy.tanh(xh + sigmoid(xr + hr) * hh)
    return h


FORWARD = {"Dense": dense, "Conv2D": conv2d, "MaxPooling2D": max_pooling, "LSTM": lstm, "GRU": gru,
           "BatchNormalization": normalisation, "Dropout": lambda x, layer, w: x,
           "Flatten": lambda x, layer, w: x.reshape(len(x), -1),
           "Embedding": lambda x, layer, w: w["embeddings"][x.astype(int)],
           "Reshape": lambda x, layer, w: x.reshape(len(x), *layer["target_shape"])}
NAMES = {"Dense": "dense", "Conv2D": "conv2d", "LSTM": "lstm/lstm_cell", "GRU": "gru/gru_cell",
         "BatchNormalization": "batch_normalization", "Embedding": "embedding"}


def predict(x, arrays, metadata):
    """The model's outputs for samples as the data set has them."""
    given = json.loads(metadata["input"])
    x = (x.reshape(len(x), -1) - numpy.array(given["subtract"])) / numpy.array(given["divide"])
    x = x.reshape(len(x), *given["shape"])
    left, seen = dict(arrays), {}
    for layer in json.loads(metadata["config"])["model"]["layers"]:
        kind = layer["type"]
        name, slash, cell = NAMES.get(kind, "").partition("/")
        if layer.get("name"):
            name = layer["name"]
        else:  # Keras counts those without a name of their own
            seen[kind] = seen.get(kind, -1) + 1
            name += f"_{seen[kind]}" if seen[kind] else ""
        path = name + slash + cell + "/"
        weights = {key[len(path):]: left.pop(key) for key in list(left) if key.startswith(path)}
        x = FORWARD[kind](x, layer, weights)
    assert not left, f"nobody asked for {list(left)}"
    return x


# ---- studies

def npz(**arrays):
    out = io.BytesIO()
    numpy.savez(out, **arrays)
    return out.getvalue()


def document(name, dataset, layers, epochs=4, **tuner):
    return {
        "name": name, "seed": 3,
        "dataset": {"name": dataset, "scale": "standard", "validation_split": 0.25},
        "model": {"layers": [*layers, {"type": "Dense", "units": 3, "activation": "softmax"}]},
        "compile": {"optimizer": {"type": "Adam", "learning_rate": {
                        "hp": "Float", "name": "lr", "min_value": 0.001, "max_value": 0.05,
                        "sampling": "log"}},
                    "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": epochs, "batch_size": 16},
        "tuner": {"type": "RandomSearch", "objective": "val_loss", "max_trials": 2, **tuner}}


def blobs(shape, words=0, samples=240, seed=1):
    """Three classes that can be told apart, but not without faults."""
    random = numpy.random.RandomState(seed)
    y = random.randint(0, 3, samples)
    if words:
        x = (random.randint(0, words, (samples, *shape)) + 2 * y[:, None]) % words
    else:
        x = random.normal(0, 2, (samples, *shape)) + y.reshape(-1, *[1] * len(shape))
    return x.astype("f4"), y.astype("i4")


def model_of(coordinator, study, trial, status=200, **params):
    answer = coordinator.request("GET", f"/studies/{study}/trials/{trial}/model", params=params)
    assert answer.status_code == status, answer.text
    return answer


def val_loss(x, y, arrays, metadata):
    """Mean cross-entropy over the last quarter, as Keras' validation_split takes it."""
    held = len(x) - int(len(x) * 0.75)
    p = predict(x[-held:], arrays, metadata)
    p = numpy.clip(p, 1e-7, 1 - 1e-7)
    return -numpy.log(p[numpy.arange(held), y[-held:]]).mean(), (p.argmax(1) == y[-held:]).mean()


MODELS = {
    "dense": ((6,), 0, [{"type": "Dense", "units": 16, "activation": "relu"},
                        {"type": "BatchNormalization"}, {"type": "Dropout", "rate": 0.3},
                        {"type": "Dense", "units": 8, "activation": "tanh", "name": "narrow"}]),
    "images": ((9, 8, 2), 0, [{"type": "Conv2D", "filters": 5, "kernel_size": 3, "padding": "same",
                               "activation": "relu"},
                              {"type": "MaxPooling2D"},
                              {"type": "Conv2D", "filters": 4, "kernel_size": [2, 3], "padding": "same",
                               "activation": "sigmoid"},
                              {"type": "Flatten"}]),
    "series": ((7, 3), 0, [{"type": "LSTM", "units": 6}]),
    "gated": ((7, 3), 0, [{"type": "GRU", "units": 6}]),
    "words": ((7,), 11, [{"type": "Embedding", "input_dim": 11, "output_dim": 4}, {"type": "Flatten"}]),
}


@pytest.mark.parametrize("kind", MODELS)
def test_the_weights_give_the_reported_score(fleet, kind):
    """Trained, downloaded, run in numpy: the validation loss of the trial's best epoch."""
    coordinator, _ = fleet
    shape, words, layers = MODELS[kind]
    x, y = blobs(shape, words)
    coordinator.add_dataset(kind, {"data.npz": npz(x_train=x, y_train=y)}, format="npz")
    study = document(kind, kind, layers, epochs=5)
    study["compile"]["optimizer"]["learning_rate"]["min_value"] = 0.04  # so that it gets worse again
    study["compile"]["optimizer"]["learning_rate"]["max_value"] = 0.2
    if words:
        study["dataset"]["scale"] = "none"
    coordinator.submit(study)
    coordinator.wait_study(kind)
    for trial in coordinator.trials(kind):
        answer = model_of(coordinator, kind, trial["number"], format="safetensors")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert f'filename="{kind}-trial-{trial["number"]}.safetensors"' in answer.headers["Content-Disposition"]
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        arrays, metadata = read_safetensors(answer.content)
        loss, accuracy = val_loss(x, y, arrays, metadata)
        assert loss == pytest.approx(trial["score"], rel=2e-5)
        assert accuracy == pytest.approx(json.loads(metadata["metrics"])["val_accuracy"])
        assert int(metadata["epoch"]) == trial["best_epoch"]
        assert json.loads(metadata["metrics"])["val_loss"] == trial["score"]
        assert json.loads(metadata["hyperparameters"]) == trial["hyperparameters"]
        assert (metadata["study"], metadata["trial"]) == (kind, str(trial["number"]))


def test_best_weights_are_not_those_that_early_stopping_puts_back(fleet):
    """restore_best_weights follows its own monitor, here the training's loss; the weights served are those of
    the objective's best epoch all the same, also when that is the last one."""
    coordinator, _ = fleet
    x, y = blobs((6,))
    coordinator.add_dataset("early", {"data.npz": npz(x_train=x, y_train=y)}, format="npz")
    study = document("early", "early", [{"type": "Dense", "units": 8, "activation": "relu"}], epochs=6,
                     max_trials=4)
    study["fit"]["callbacks"] = [{"type": "EarlyStopping", "monitor": "loss", "mode": "max", "patience": 50,
                                  "restore_best_weights": True}]  # puts the first epoch's back
    coordinator.submit(study)
    coordinator.wait_study("early")
    epochs = set()
    for trial in coordinator.trials("early"):
        arrays, metadata = read_safetensors(model_of(coordinator, "early", trial["number"]).content)
        assert val_loss(x, y, arrays, metadata)[0] == pytest.approx(trial["score"], rel=2e-5)
        epochs.add(trial["best_epoch"])
    assert 6 in epochs, "no trial was best at its last epoch: the test shows nothing"


def test_of_several_executions_the_best_one_is_served(fleet):
    coordinator, _ = fleet
    x, y = blobs((6,))
    coordinator.add_dataset("three", {"data.npz": npz(x_train=x, y_train=y)}, format="npz")
    coordinator.submit(document("three", "three", [{"type": "Dense", "units": 8}], executions_per_trial=3))
    coordinator.wait_study("three")
    for number in range(2):
        trial = coordinator.get(f"/studies/three/trials/{number}")
        best = min(trial["executions"], key=lambda one: one["score"])
        arrays, metadata = read_safetensors(model_of(coordinator, "three", number).content)
        assert int(metadata["execution"]) == best["execution"]
        assert val_loss(x, y, arrays, metadata)[0] == pytest.approx(best["score"], rel=2e-5)


@pytest.mark.parametrize("objective", [
    {"expression": "val_loss - 0.01 * log10(parameters) * val_accuracy", "direction": "min"},
    [{"name": "val_loss", "direction": "min"}, {"name": "val_accuracy", "direction": "max"}],
], ids=["expression", "several"])
def test_the_worker_finds_the_best_epoch_as_the_study_does(fleet, objective):
    coordinator, _ = fleet
    x, y = blobs((6,))
    coordinator.add_dataset("goal", {"data.npz": npz(x_train=x, y_train=y)}, format="npz")
    coordinator.submit(document("goal", "goal", [{"type": "Dense", "units": 8}], epochs=8,
                                objective=objective))
    coordinator.wait_study("goal")
    for trial in coordinator.trials("goal"):
        arrays, metadata = read_safetensors(model_of(coordinator, "goal", trial["number"]).content)
        assert int(metadata["epoch"]) == trial["best_epoch"]
        epochs = coordinator.get(f"/studies/goal/trials/{trial['number']}/metrics")["executions"][0]["epochs"]
        assert json.loads(metadata["metrics"]) == {
            name: value for name, value in epochs[trial["best_epoch"] - 1].items() if name != "epoch"}
        assert val_loss(x, y, arrays, metadata)[0] == pytest.approx(
            epochs[trial["best_epoch"] - 1]["val_loss"], rel=2e-5)


@pytest.mark.parametrize("tuner", ["ASHA", "Hyperband"])
def test_a_trial_that_goes_on_keeps_its_best_round(fleet, tuner):
    """Under ASHA a trial comes back to train on: its weights are of whichever round was best. Under Hyperband
    another trial goes on from its weights, and has those of its own epochs."""
    coordinator, _ = fleet
    x, y = blobs((6,))
    coordinator.add_dataset("rounds", {"data.npz": npz(x_train=x, y_train=y)}, format="npz")
    study = document("rounds", "rounds", [{"type": "Dense", "units": 8, "activation": "relu"}], type=tuner,
                     max_epochs=9, factor=3, max_trials=6)
    study["compile"]["optimizer"]["learning_rate"]["max_value"] = 1.0
    del study["fit"]["epochs"]
    if tuner == "Hyperband":
        del study["tuner"]["max_trials"]
    coordinator.submit(study)
    coordinator.wait_study("rounds")
    trials = [t for t in coordinator.trials("rounds") if t["state"] == "completed"]
    rounds = [len(coordinator.get(f"/studies/rounds/trials/{t['number']}")["executions"]) for t in trials]
    assert max(rounds) > 1 if tuner == "ASHA" else any("promoted_from" in t["origin"] for t in trials)
    best = [t["number"] for t in coordinator.get("/studies/rounds/best", num_trials=10)["trials"]]
    for trial in [t for t in trials if t["number"] in best]:
        arrays, metadata = read_safetensors(model_of(coordinator, "rounds", trial["number"]).content)
        assert int(metadata["epoch"]) == trial["best_epoch"]
        assert val_loss(x, y, arrays, metadata)[0] == pytest.approx(trial["score"], rel=2e-5)


# ---- what is kept

def test_only_the_best_trials_keep_their_weights(tmp_path, daemons):
    coordinator = Coordinator(tmp_path, options=["--keep-models", "2"])
    daemons.append(coordinator)
    coordinator.start()
    worker = coordinator.worker(tmp_path, slots=2)
    daemons.append(worker)
    worker.start()
    study = generated("few")
    study["tuner"]["max_trials"] = 8
    coordinator.submit(study)
    coordinator.wait_study("few", alive=[worker])
    best = [t["number"] for t in coordinator.get("/studies/few/best", num_trials=8)["trials"]]
    assert len(best) == 8
    for number in best[:2]:
        read_safetensors(model_of(coordinator, "few", number).content)
    for number in best[2:]:
        problem = model_of(coordinator, "few", number, 404)
        assert problem.headers["Content-Type"] == "application/problem+json"
        assert "the 2 best trials" in problem.json()["detail"], problem.text
    coordinator.restart()
    read_safetensors(model_of(coordinator, "few", best[0]).content)
    model_of(coordinator, "few", best[2], 404)


def test_a_killed_coordinator_still_serves_the_same_weights(fleet):
    coordinator, worker = fleet
    coordinator.submit(generated("kept"))
    coordinator.wait_study("kept", alive=[worker])
    before = model_of(coordinator, "kept", 0).content
    coordinator.restart()
    assert model_of(coordinator, "kept", 0).content == before
    assert coordinator.request("DELETE", "/studies/kept").status_code == 204
    model_of(coordinator, "kept", 0, 404)


def test_what_has_no_weights_says_why(fleet):
    coordinator, worker = fleet
    coordinator.submit(generated("why"))
    coordinator.wait_study("why", alive=[worker])
    for format in "onnx", "keras", "h5":
        problem = model_of(coordinator, "why", 0, 400, format=format).json()
        assert problem["errors"][0]["parameter"] == "format" and "safetensors" in problem["detail"]
    assert "no trial 7" in model_of(coordinator, "why", 7, 404).json()["detail"]
    assert "no study" in model_of(coordinator, "nowhere", 0, 404).json()["detail"]
    coordinator.submit({"name": "asked", "parameters": [{"hp": "Float", "name": "x", "min_value": 0,
                                                         "max_value": 1}],
                        "tuner": {"type": "RandomSearch", "max_trials": 2,
                                  "objective": {"name": "y", "direction": "min"}}})
    coordinator.post("/studies/asked/suggest", {"count": 1, "client_id": "me"})
    assert "client" in model_of(coordinator, "asked", 0, 404).json()["detail"]
    study = generated("late", epochs=100000)
    study["dataset"]["generate"]["samples"] = 50000
    coordinator.submit(study)
    wait_until(lambda: coordinator.trials("late", state="running"), alive=[coordinator, worker])
    assert "is running" in model_of(coordinator, "late", 0, 404).json()["detail"]
    coordinator.post("/studies/late/cancel")
    wait_until(lambda: not coordinator.trials("late", state="running"), alive=[coordinator, worker])
    assert "cancelled" in model_of(coordinator, "late", 0, 404).json()["detail"]


def generated(name, epochs=3):
    study = document(name, "blobs", [{"type": "Dense", "units": 8, "activation": "relu"}], epochs)
    study["dataset"]["generate"] = {"samples": 200, "features": 4, "classes": 3}
    return study


# ---- workers that lie

NUMBERS = 4 * 8 + 8 + 8 * 3 + 3  # of generated()'s model


def safetensors(numbers=NUMBERS, header=None, pad=b""):
    header = header if header is not None else json.dumps(
        {"__metadata__": {"a": "b"},
         "w": {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}}).encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * (4 * numbers) + pad


class Liar:
    """A worker of one slot that speaks schema/protocol.md and trains nothing."""

    def __init__(self, coordinator, held=(), like=None):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.setsockopt(zmq.IDENTITY, b"w-liar")
        self.socket.connect(coordinator.worker_endpoint)
        self.lease, self.seq = (like.lease, like.seq) if like else ({}, 0)
        self.send("hello", worker="w-liar", name="liar", host="h", slots=1, version="0", cpu="",
                  leases=list(held))
        self.receive("welcome")

    def send(self, type, payload=b"", **fields):
        self.socket.send_multipart([json.dumps({"v": "1.0", "type": type, **fields}).encode(), payload])

    def receive(self, type):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.socket.poll(1000):
                header = json.loads(self.socket.recv_multipart()[0])
                if header["type"] == type:
                    return header
        raise AssertionError(f"no {type} came")

    def tell(self, type, payload=b"", **fields):
        self.seq += 1
        self.send(type, payload, **self.lease, seq=self.seq, **fields)

    def acknowledged(self):
        while self.receive("ack")["seq"] != self.seq:
            pass

    def take_job(self):
        """The next job, its three epochs told; the second is the best."""
        job = self.receive("job")
        self.lease = {"lease": job["lease"], "attempt": job["attempt"]}
        for epoch in 1, 2, 3:
            self.tell("epoch", epoch=epoch, metrics={"val_loss": abs(epoch - 2) + 1.5, "loss": 1})
        return job

    def complete(self):
        self.tell("result", state="completed", epochs=3, end_reason="epochs", report=None)
        self.acknowledged()

    def run(self, chunks):
        """A whole execution with these messages before its result. `chunks`: (fields, payload)."""
        job = self.take_job()
        for fields, payload in chunks:
            self.tell("model", payload, **fields)
        self.complete()
        return job

    def close(self):
        self.socket.close()
        self.context.term()


def pieces(data, epoch=2, **changes):
    fields = {"epoch": epoch, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), **changes}
    return [({**fields, "offset": at}, data[at:at + CHUNK]) for at in range(0, len(data), CHUNK)]


def shaped(shape, offsets, dtype="F32", **more):
    return json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}}).encode()


ALL = 4 * NUMBERS
LIES = {
    "another epoch than the best": pieces(safetensors(), epoch=3),
    "a digest that is not its own": pieces(safetensors(), sha256="0" * 64),
    "a size beyond the model's": pieces(safetensors(), size=1 << 50),
    "weights of another model": pieces(safetensors(NUMBERS + 1)),
    "no safetensors at all": pieces(b"x" * 400),
    "less than eight bytes": pieces(b"x"),
    "a header beyond the file": pieces(struct.pack("<Q", 1 << 40) + b"{}" * 300),
    "a header that is no JSON": pieces(safetensors(header=b"{" * 200)),
    "a header that is a list": pieces(safetensors(header=b"[1, 2]")),
    "tensors behind the end": pieces(safetensors(header=shaped([NUMBERS], [8, ALL + 8]))),
    "a shape that does not fit": pieces(safetensors(header=shaped([NUMBERS, 2], [0, ALL]))),
    "a shape that overflows": pieces(safetensors(header=shaped([1 << 32, 1 << 32], [0, ALL]))),
    "a negative shape": pieces(safetensors(header=shaped([-1, -NUMBERS], [0, ALL]))),
    "doubles": pieces(safetensors(header=shaped([NUMBERS // 2], [0, ALL], "F64"))),
    "metadata that is no text": pieces(safetensors(header=shaped([NUMBERS], [0, ALL])[:-1] +
                                                   b', "__metadata__": {"a": 1}}')),
    "bytes behind the last tensor": pieces(safetensors(pad=b"more")),
    "a chunk from the middle": [
        ({"epoch": 2, "sha256": "1" * 64, "size": ALL, "offset": 64}, b"x" * 8)],
    "a chunk beyond the size": [({"epoch": 2, "sha256": "1" * 64, "size": 8, "offset": 0}, b"x" * 64)],
}


@pytest.mark.parametrize("lie", LIES)
def test_weights_that_do_not_hold_are_refused_and_the_training_counts(coordinator, lie):
    liar = Liar(coordinator)
    try:
        study = generated("lied")
        study["tuner"]["max_trials"] = 1
        coordinator.submit(study)
        liar.run(LIES[lie])
        assert coordinator.wait_study("lied")["counts"]["completed"] == 1
        assert "came without weights" in model_of(coordinator, "lied", 0, 404).json()["detail"]
        assert not list((coordinator.state_dir / "incoming").iterdir())
        assert not list((coordinator.state_dir / "blobs").iterdir())
    finally:
        liar.close()


def test_an_upload_goes_on_after_the_coordinator_was_killed(coordinator):
    liar = Liar(coordinator)
    try:
        study = generated("cut")
        study["model"]["layers"][0]["units"] = 40000  # 320,003 weights: five chunks
        study["tuner"]["max_trials"] = 1
        coordinator.submit(study)
        data = safetensors(4 * 40000 + 40000 + 40000 * 3 + 3)
        chunks = pieces(data)
        job = liar.take_job()
        for chunk in chunks[:3]:
            liar.tell("model", chunk[1], **chunk[0])
        liar.acknowledged()
        coordinator.kill()
        liar.close()
        coordinator.start()
        liar = Liar(coordinator, held=[{"lease": job["lease"], "attempt": job["attempt"]}], like=liar)
        for chunk in chunks[3:]:
            liar.tell("model", chunk[1], **chunk[0])
        liar.complete()
        coordinator.wait_study("cut")
        assert model_of(coordinator, "cut", 0).content == data
    finally:
        liar.close()


def test_weights_that_hold_are_taken_as_they_are(coordinator):
    liar = Liar(coordinator)
    try:
        study = generated("honest")
        study["tuner"]["max_trials"] = 1
        coordinator.submit(study)
        job = liar.run(pieces(safetensors()))
        assert job["model"]["objectives"] == [{"name": "val_loss", "direction": "min"}]
        assert job["model"]["hyperparameters"] == coordinator.trials("honest")[0]["hyperparameters"]
        coordinator.wait_study("honest")
        assert model_of(coordinator, "honest", 0).content == safetensors()
    finally:
        liar.close()
