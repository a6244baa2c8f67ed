#!/usr/bin/env python3
"""How long a client waits for its next trial: 32 trials run in a BayesianOptimization study of 20 dimensions; one
after the other is told, and its client asks for another at once. Over HTTP, every result durable."""
import http.client
import json
import os
import pathlib
import random
import socket
import statistics
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ.get("TUNERD_BIN_DIR", "build"))
RUNNING, TRIALS = 32, 1200
WINDOWS = ((32, 256), (256, 1000), (1000, TRIALS))


def hyperparameter(kind, j):
    """Of four in a row: a choice, a step and two numbers, the last there for two of the choice's values only."""
    if kind == "mixed" and j % 4 == 0:
        return {"hp": "Choice", "name": f"x{j}", "values": ["a", "b", "c"]}
    if kind == "mixed" and j % 4 == 1:
        return {"hp": "Int", "name": f"x{j}", "min_value": 16, "max_value": 512, "step": 16}
    hp = {"hp": "Float", "name": f"x{j}", "min_value": 1e-4, "max_value": 1, "sampling": "log" if j % 2 else "linear"}
    if kind == "mixed" and j % 4 == 3:
        hp.update(parent_name=f"x{j - 3}", parent_values=["b", "c"])
    return hp


def loss_of(point):
    def unit(value):
        return {"a": 0.1, "b": 0.5, "c": 0.9}[value] if isinstance(value, str) else value / 512 if value > 1 else value

    return sum((unit(point.get(f"x{j}", 0.5)) - 0.1 * (j % 10)) ** 2 / (1 + j) for j in range(20))


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, path, body):
        self.connection.request("POST", "/api/v1/studies" + path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(text.decode())
        return json.loads(text)

    def ask(self, client_id):
        return self.post("/s/suggest", {"client_id": client_id, "count": 1})["trials"][0]


def play(client, kind):
    """[seconds of each ask], by how many trials had completed."""
    client.post("", {"name": "s", "seed": 3, "parameters": [hyperparameter(kind, j) for j in range(20)],
                     "tuner": {"type": "BayesianOptimization", "max_trials": TRIALS + RUNNING,
                               "objective": {"name": "loss", "direction": "min"}}})
    running = [(f"c{i}", client.ask(f"c{i}")) for i in range(RUNNING)]
    waited = []
    chance = random.Random(1)
    for _ in range(TRIALS):
        name, trial = running.pop(chance.randrange(RUNNING))
        client.post(f"/s/trials/{trial['number']}/complete", {"metrics": {"loss": loss_of(trial["hyperparameters"])}})
        began = time.perf_counter()
        running.append((name, client.ask(name)))
        waited.append(time.perf_counter() - began)
    return waited


def main():
    for kind in ("numbers", "mixed"):
        with tempfile.TemporaryDirectory() as folder, socket.socket() as s, socket.socket() as t:
            s.bind(("127.0.0.1", 0))
            t.bind(("127.0.0.1", 0))
            port, fleet = s.getsockname()[1], t.getsockname()[1]
            s.close()
            t.close()
            with open(pathlib.Path(folder) / "log", "w") as log:
                daemon = subprocess.Popen([BIN / "tunerd", "--state-dir", pathlib.Path(folder) / "state",
                                           "--http-listen", f"127.0.0.1:{port}",
                                           "--worker-listen", f"tcp://127.0.0.1:{fleet}"], stderr=log)
            try:
                while socket.socket().connect_ex(("127.0.0.1", port)):
                    time.sleep(0.05)
                waited = play(Client(port), kind)
            finally:
                daemon.kill()
                daemon.wait()
        for low, high in WINDOWS:
            parts = statistics.quantiles(waited[low:high], n=100)
            print(f"20 dimensions, {kind}, {low} to {high} completed: a client waits {1e3 * parts[49]:.1f} ms (p50), "
                  f"{1e3 * parts[98]:.1f} ms (p99)", flush=True)


if __name__ == "__main__":
    main()
