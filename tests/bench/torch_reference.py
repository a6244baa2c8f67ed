#!/usr/bin/env python3
"""PyTorch's side of the engine's benchmark: processor seconds of a training epoch of each workload of
bench_engine.c, on one thread, as fast as PyTorch is on a CPU: images loaded before as floats, batches
taken by index, memory trimming off (engine.py sets MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_).

    torch_reference.py DATA_DIR WORKLOAD EPOCHS      one line of JSON for each epoch
"""
import gzip
import json
import os
import sys
import time

import numpy as np
import torch
from torch import nn

SAMPLES = 48000


def read_idx(path, offset):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


class LastStep(nn.Module):
    """The LSTM's output at the last step."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(28, 64, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0][:, -1]


def mlp(*units, dropout=0.0):
    layers, width = [nn.Flatten()], 784
    for n in units:
        layers += [nn.Linear(width, n), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        width = n
    return nn.Sequential(*layers, nn.Linear(width, 10))


def cnn():
    return nn.Sequential(
        nn.Unflatten(1, (1, 28)),
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 64), nn.ReLU(), nn.Linear(64, 10))


WORKLOADS = {
    "mlp-128-64-b32": (lambda: mlp(128, 64, dropout=0.2), 32),
    "mlp-512x3-b32": (lambda: mlp(512, 512, 512), 32),
    "mlp-512x3-b128": (lambda: mlp(512, 512, 512), 128),
    "cnn-b64": (cnn, 64),
    "lstm-64-b64": (lambda: nn.Sequential(LastStep(), nn.Linear(64, 10)), 64),
}


def epoch(model, optimizer, loss, x, y, batch):
    order = torch.randperm(SAMPLES)
    start = time.process_time()
    for i in range(0, SAMPLES, batch):
        index = order[i:i + batch]
        optimizer.zero_grad()
        loss(model(x[index]), y[index]).backward()
        optimizer.step()
    return time.process_time() - start


def main():
    folder, name, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(1)
    images = read_idx(os.path.join(folder, "train-images-idx3-ubyte.gz"), 16)
    labels = read_idx(os.path.join(folder, "train-labels-idx1-ubyte.gz"), 8)
    x = torch.from_numpy(images.reshape(-1, 28, 28)[:SAMPLES].astype(np.float32) / 255)
    y = torch.from_numpy(labels[:SAMPLES].astype(np.int64))
    make, batch = WORKLOADS[name]
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    for _ in range(epochs):
        seconds = epoch(model, optimizer, nn.CrossEntropyLoss(), x, y, batch)
        print(json.dumps({"workload": name, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
