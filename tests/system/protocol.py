"""A coordinator's side of schema/protocol.md, for tests of the worker daemon.

It answers what the protocol says must be answered and remembers what came; a test may take any of its
habits away (`acks`, `pongs`) or send what it likes. It runs in the test's own thread: nothing happens
but inside until().
"""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import zmq
import zmq.auth.thread

CHUNK = 256 << 10
BIN_DIR = pathlib.Path(os.environ.get("TUNERD_BIN_DIR", "build/asan")).resolve()


class Coordinator:
    def __init__(self, endpoint="tcp://127.0.0.1:*", heartbeat_s=0.2, lease_s=15):
        self.heartbeat_s, self.lease_s = heartbeat_s, lease_s
        self.context = zmq.Context()
        self.keys = self.auth = None
        self.bind(endpoint)
        self.acks = self.pongs = self.chunks = True
        self.worker = None       # routing id of the worker that said hello last
        self.sender = None       # of the message being answered
        self.known = {}          # lease -> attempt that pongs call known
        self.files = {}          # sha256 -> bytes
        self.hellos, self.pings, self.byes, self.fetches = [], [], 0, []
        self.epochs = {}         # lease -> [headers], repeats included
        self.results = {}        # lease -> header
        self.checkpoints = {}    # lease -> {offset: bytes}
        self.count = 0

    def bind(self, endpoint):
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        if self.keys:
            self.socket.curve_publickey = self.keys["public"].encode()
            self.socket.curve_secretkey = self.keys["secret"].encode()
            self.socket.curve_server = True
        self.socket.bind(endpoint)
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def secure(self, keys, worker_public):
        """From now on CURVE, and only the worker of that public key."""
        self.socket.close()
        self.auth = zmq.auth.thread.ThreadAuthenticator(self.context)
        self.auth.start()
        self.auth.configure_curve_callback(credentials_provider=Allowed(worker_public))
        self.keys = keys
        self.bind("tcp://127.0.0.1:*")

    def close(self):
        self.socket.close()
        if self.auth:
            self.auth.stop()
        self.context.term()

    def restart(self):
        """As a coordinator that was killed and started again: the same place, a new socket."""
        self.socket.close()
        for _ in range(200):
            try:
                return self.bind(self.endpoint)
            except zmq.ZMQError:
                time.sleep(0.01)
        raise AssertionError("the endpoint stays taken")

    def send_raw(self, *frames, to=None):
        self.socket.send_multipart([to or self.worker, *frames])

    def send(self, type, payload=b"", to=None, **fields):
        """To the worker that said hello last, unless told."""
        self.send_raw(json.dumps({"v": "1.0", "type": type, **fields}).encode(), payload, to=to)

    def answer(self, type, payload=b"", **fields):
        self.send(type, payload, to=self.sender, **fields)

    def job(self, lease=None, attempt=1, **changes):
        """A training on a small generated data set, changed as asked."""
        if lease is None:
            self.count += 1
            lease = f"1.{self.count}.0"
        message = {
            "lease": lease, "attempt": attempt, "study": "s", "trial": 0, "execution": 0, "seed": 7,
            "config": config(), "initial_epoch": 0, "epochs": 3, "checkpoint": None,
            "dataset": {"name": "blobs", "source": {"format": "generated", "generator": "blobs"},
                        "files": []},
            "save_checkpoint": False, "report": False}
        message.update(changes)
        self.known[lease] = attempt
        self.send("job", **message)
        return lease

    # ---- what came ----

    def take(self, frames):
        self.sender, header, payload = frames[0], json.loads(frames[1]), frames[2]
        assert len(frames) == 3 and header["v"] == "1.0"
        getattr(self, "on_" + header["type"])(header, payload)

    def on_hello(self, header, _):
        self.hellos.append(header)
        self.worker = self.sender
        self.answer("welcome", heartbeat_s=self.heartbeat_s, lease_s=self.lease_s, coordinator="test",
                  version="0")

    def on_ping(self, header, _):
        self.pings.append(header)
        if self.pongs:
            self.answer("pong", number=header["number"],
                      known=[lease for lease in header["leases"] if lease in self.known])

    def ack(self, header):
        if self.acks:
            self.answer("ack", lease=header["lease"], attempt=header["attempt"], seq=header["seq"])

    def on_epoch(self, header, _):
        self.epochs.setdefault(header["lease"], []).append(header)
        self.ack(header)

    def on_checkpoint(self, header, payload):
        self.checkpoints.setdefault(header["lease"], {})[header["offset"]] = payload
        self.ack(header)

    def on_result(self, header, _):
        self.results[header["lease"]] = header
        self.known.pop(header["lease"], None)
        self.ack(header)

    def on_fetch(self, header, _):
        self.fetches.append(header)
        if not self.chunks:
            return
        sha256, offset = header["sha256"], header["offset"]
        if sha256 not in self.files:
            self.answer("chunk", sha256=sha256, offset=offset, size=0, error="no such file")
            return
        content = self.files[sha256]
        self.answer("chunk", payload=content[offset:offset + CHUNK], sha256=sha256, offset=offset,
                  size=len(content))

    def on_bye(self, header, _):
        self.byes += 1

    # ---- waiting ----

    def until(self, condition, timeout=60):
        """Serves until the condition holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, "it did not happen in time"
            if self.socket.poll(min(left, 0.05) * 1000):
                self.take(self.socket.recv_multipart())

    def joined(self):
        count = len(self.pings)
        self.until(lambda: len(self.pings) > count)

    def result_of(self, lease, timeout=60):
        self.until(lambda: lease in self.results, timeout)
        return self.results[lease]

    def add_file(self, content):
        sha256 = hashlib.sha256(content).hexdigest()
        self.files[sha256] = content
        return sha256

    def checkpoint_of(self, lease):
        parts = self.checkpoints[lease]
        return b"".join(parts[offset] for offset in sorted(parts))


def config(epochs=3, samples=200, units=8):
    return {
        "dataset": {"name": "blobs", "validation_split": 0.2,
                    "generate": {"samples": samples, "features": 4, "classes": 3}},
        "model": {"layers": [{"type": "Dense", "units": units, "activation": "relu"},
                             {"type": "Dense", "units": 3, "activation": "softmax"}]},
        "compile": {"optimizer": {"type": "Adam"}, "loss": "sparse_categorical_crossentropy",
                    "metrics": ["accuracy"]},
        "fit": {"epochs": epochs, "batch_size": 32}}


def slow():
    """Changes that make a job one of many long epochs, to be met while it runs."""
    return {"config": config(epochs=100000, samples=50000, units=256), "epochs": 100000}


class Allowed:
    def __init__(self, public):
        self.public = public.encode()

    def callback(self, domain, key):
        return key == self.public


class Worker:
    def __init__(self, endpoint, folder, *flags, slots=2, name="w1"):
        self.log_path = folder / f"{name}.log"
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [BIN_DIR / "tuner-worker", "--coordinator", endpoint, "--slots", str(slots),
             "--cache-dir", folder / "cache", "--name", name, *flags],
            stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text()

    def server(self):
        """Process id of the fork server."""
        servers = children(self.pid)
        return servers[0] if servers else None

    def trainings(self):
        server = self.server()
        return children(server) if server else []

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        self.log_file.close()
        text = self.log()
        assert "AddressSanitizer" not in text and "runtime error" not in text, text


def children(pid):
    with contextlib.suppress(FileNotFoundError):
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in text.split() if not is_zombie(int(child))]
    return []


def is_zombie(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "Z"
    return True


def gone(pid):
    return is_zombie(pid)
