#!/usr/bin/env python3
"""Accuracy beside PyTorch: the same networks trained on Fashion-MNIST by both from Keras' initial
distributions with Keras' optimizers (written out below where PyTorch's differ), 48,000 images for
training and 12,000 for validation, with several seeds a side.

    accuracy.py BENCH_ACCURACY [SEEDS [WORKLOAD …]]

Prints for each network the mean and deviation over the seeds of val_accuracy, val_loss and the training
loss after the last epoch, and how many standard errors lie between the means. Exit status 1 when one of
them is further off than chance explains (5 standard errors; of two deviations from few runs).
"""
import json
import math
import os
import statistics
import subprocess
import sys

import torch
from torch import nn

from engine import data_folder, environment
from torch_reference import read_idx

TRAINING, FAR = 48000, 5.0
FIGURES = ("val_accuracy", "val_loss", "loss")


class Cell(nn.Module):
    """A recurrent layer as Keras starts it, over the rows of a picture; its last output."""

    def __init__(self, kind, units):
        super().__init__()
        self.cell = getattr(nn, kind)(28, units, batch_first=True)
        nn.init.xavier_uniform_(self.cell.weight_ih_l0)
        nn.init.orthogonal_(self.cell.weight_hh_l0)
        nn.init.zeros_(self.cell.bias_ih_l0)
        nn.init.zeros_(self.cell.bias_hh_l0)
        if kind == "LSTM":  # one bias, the forget gate's at 1
            self.cell.bias_hh_l0.requires_grad = False
            with torch.no_grad():
                self.cell.bias_ih_l0[units:2 * units] = 1

    def forward(self, x):
        return self.cell(x)[0][:, -1]


def started(layer):
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def dense(width, *units, dropout=0.0):
    layers = []
    for n in units:
        layers += [started(nn.Linear(width, n)), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        width = n
    return [*layers, started(nn.Linear(width, 10))]


def mlp(dropout=0.0):
    return nn.Sequential(nn.Flatten(), *dense(784, 128, 64, dropout=dropout))


def cnn(norm=False):
    layers, channels = [nn.Unflatten(1, (1, 28))], 1
    for n in (16, 32):
        layers.append(started(nn.Conv2d(channels, n, 3)))
        if norm:
            layers.append(nn.BatchNorm2d(n, eps=1e-3, momentum=0.01))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        channels = n
    return nn.Sequential(*layers, nn.Flatten(), *dense(800, 64))


class RMSprop(torch.optim.Optimizer):
    """Keras': epsilon inside the root."""

    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 1e-3, "rho": 0.9, "epsilon": 1e-7})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(group["rho"]).addcmul_(p.grad, p.grad, value=1 - group["rho"])
                p.sub_(group["lr"] * p.grad / torch.sqrt(v + group["epsilon"]))


class Adam(torch.optim.Optimizer):
    """Keras': epsilon beside the root that is not corrected."""

    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 1e-3})
        self.steps = 0

    @torch.no_grad()
    def step(self):
        self.steps += 1
        scale = math.sqrt(1 - 0.999 ** self.steps) / (1 - 0.9 ** self.steps)
        for group in self.param_groups:
            for p in group["params"]:
                if not self.state[p]:
                    self.state[p] = {"m": torch.zeros_like(p), "v": torch.zeros_like(p)}
                m, v = self.state[p]["m"], self.state[p]["v"]
                m.lerp_(p.grad, 0.1)
                v.lerp_(p.grad * p.grad, 0.001)
                p.sub_(group["lr"] * scale * m / (v.sqrt() + 1e-7))


def sgd(rate, nesterov):
    # Constant rate: PyTorch's momentum and Keras' are the same steps then.
    return lambda parameters: torch.optim.SGD(parameters, lr=rate, momentum=0.9, nesterov=nesterov)


def layer(kind, **arguments):
    return {"type": kind, **arguments}


def dense_layers(dropout=0.0, units=(128, 64)):
    hidden = [[layer("Dense", units=n, activation="relu"), layer("Dropout", rate=dropout)]
              for n in units]
    return [layer("Flatten"), *sum(hidden, []), *last()]


def last():
    return [layer("Dense", units=10, activation="softmax")]


def cnn_layers(norm=False):
    layers = [layer("Reshape", target_shape=[28, 28, 1])]
    for n in (16, 32):
        layers.append(layer("Conv2D", filters=n, kernel_size=3))
        if norm:
            layers.append(layer("BatchNormalization"))
        layers += [layer("Activation", activation="relu"), layer("MaxPooling2D")]
    return layers + dense_layers(units=(64,))


def cell_layers(kind):
    return [layer(kind, units=64), *last()]


# name: layers, optimizer, batch, epochs; PyTorch's model and optimizer
WORKLOADS = {
    "mlp-adam": (dense_layers(), {"type": "Adam"}, 32, 5, mlp, Adam),
    "mlp-rmsprop-dropout": (dense_layers(0.3), {"type": "RMSprop"}, 32, 5, lambda: mlp(0.3), RMSprop),
    "mlp-nesterov": (dense_layers(), {"type": "SGD", "learning_rate": 0.01, "momentum": 0.9,
                                      "nesterov": True}, 32, 5, mlp, sgd(0.01, True)),
    "cnn-adam": (cnn_layers(), {"type": "Adam"}, 64, 3, cnn, Adam),
    "cnn-norm-sgd": (cnn_layers(True), {"type": "SGD", "learning_rate": 0.02, "momentum": 0.9}, 64, 3,
                     lambda: cnn(True), sgd(0.02, False)),
    "lstm-adam": (cell_layers("LSTM"), {"type": "Adam"}, 64, 3,
                  lambda: nn.Sequential(Cell("LSTM", 64), *dense(64)), Adam),
    "gru-adam": (cell_layers("GRU"), {"type": "Adam"}, 64, 3,
                 lambda: nn.Sequential(Cell("GRU", 64), *dense(64)), Adam),
}


def ours(bench, folder, name, seed):
    layers, optimizer, batch, epochs = WORKLOADS[name][:4]
    config = {"dataset": {"name": "fashion-mnist", "scale": "0-1", "validation_split": 0.2},
              "model": {"layers": layers},
              "compile": {"optimizer": optimizer, "loss": "sparse_categorical_crossentropy",
                          "metrics": ["accuracy"]},
              "fit": {"epochs": epochs, "batch_size": batch}}
    run = subprocess.run([bench, folder, str(seed)], input=json.dumps(config), text=True,
                         stdout=subprocess.PIPE, env=environment(), check=True)
    return json.loads(run.stdout.splitlines()[-1])


@torch.no_grad()
def clipped(out, y):
    """The sum of Keras' losses: of probabilities that are kept above 1e-7. Samples a network is very
    sure about and wrong weigh less in it than in PyTorch's, by 0.6 % of the loss with RMSprop and
    dropout."""
    return nn.functional.nll_loss(torch.log(out.softmax(1).clamp(1e-7, 1 - 1e-7)), y, reduction="sum")


def theirs(x, y, name, seed):
    batch, epochs, make, optimizer = WORKLOADS[name][2:]
    torch.manual_seed(seed)
    model = make()
    step = optimizer([p for p in model.parameters() if p.requires_grad])
    for _ in range(epochs):
        order, total = torch.randperm(TRAINING), 0.0
        model.train()
        for i in range(0, TRAINING, batch):
            index = order[i:i + batch]
            model.zero_grad()
            out = model(x[index])
            nn.functional.cross_entropy(out, y[index]).backward()
            step.step()
            total += clipped(out, y[index]).item()
    model.eval()
    with torch.no_grad():
        out = torch.cat([model(part) for part in x[TRAINING:].split(2000)])
    return {"loss": total / TRAINING,
            "val_loss": clipped(out, y[TRAINING:]).item() / len(out),
            "val_accuracy": (out.argmax(1) == y[TRAINING:]).double().mean().item()}


def compare(name, mine, other):
    far = False
    for figure in FIGURES:
        a, b = [run[figure] for run in mine], [run[figure] for run in other]
        spread = math.sqrt((statistics.variance(a) + statistics.variance(b)) / len(a))
        off = (statistics.mean(a) - statistics.mean(b)) / spread
        far |= abs(off) > FAR
        print(f"{name:20} {figure:13} {statistics.mean(a):8.4f} ± {statistics.stdev(a):.4f} "
              f"{statistics.mean(b):8.4f} ± {statistics.stdev(b):.4f} {off:+6.1f}", flush=True)
    return far


def main():
    bench = os.path.abspath(sys.argv[1])
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    folder = data_folder()
    torch.set_num_threads(1)
    images = read_idx(os.path.join(folder, "train-images-idx3-ubyte.gz"), 16)
    labels = read_idx(os.path.join(folder, "train-labels-idx1-ubyte.gz"), 8)
    x = torch.from_numpy(images.reshape(-1, 28, 28).copy()).float() / 255
    y = torch.from_numpy(labels.copy()).long()
    print(f"{'network':20} {'figure':13} {'engine':>17} {'PyTorch':>17} {'off':>6}")
    far = [name for name in sys.argv[3:] or WORKLOADS
           if compare(name, [ours(bench, folder, name, seed) for seed in range(1, seeds + 1)],
                      [theirs(x, y, name, seed) for seed in range(1, seeds + 1)])]
    sys.exit(1 if far else 0)


if __name__ == "__main__":
    main()
