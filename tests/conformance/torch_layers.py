#!/usr/bin/python3
"""Writes torch_layers.json beside itself: layers with arguments for which keras_reference.json has no case,
worked out in double precision with PyTorch's operations from Keras' documentation, gradients by autograd.
Same form as the reference's section "layer".

Run by hand when cases are added; the tests read the file. Needs PyTorch.
"""
import json
import math
import pathlib

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
CASES = []


def pads(n, kernel, stride, dilation, padding):
    """TensorFlow's: as many outputs as inputs by the stride, the odd one at the end; causal: all before."""
    reach = (kernel - 1) * dilation + 1
    if padding == "causal":
        return reach - 1, 0
    total = max((math.ceil(n / stride) - 1) * stride + reach - n, 0) if padding == "same" else 0
    return total // 2, total - total // 2


def padded(x, kernel, strides, dilation, padding, value=0.0):
    """x: (batch, channels, …), padded on its last axes."""
    out = []
    for n, k, s, d in zip(reversed(x.shape[2:]), reversed(kernel), reversed(strides), reversed(dilation)):
        out += pads(n, k, s, d, padding)
    return F.pad(x, out, value=value)


def conv(x, w, a):
    rank = x.dim() - 2
    x = torch.movedim(x, -1, 1)
    kernel = torch.movedim(w[0], (-1, -2), (0, 1))
    strides, dilation = a.get("strides", [1] * rank), a.get("dilation_rate", [1] * rank)
    x = padded(x, a["kernel_size"], strides, dilation, a.get("padding", "valid"))
    y = (F.conv1d, F.conv2d)[rank - 1](x, kernel, w[1], strides, 0, dilation, a.get("groups", 1))
    return torch.movedim(y, 1, -1)


def pool(x, a, maximum):
    rank = x.dim() - 2
    x = torch.movedim(x, -1, 1)
    size, strides = a["pool_size"], a["strides"]
    if maximum:
        x = padded(x, size, strides, [1] * rank, a["padding"], -math.inf)
        y = (F.max_pool1d, F.max_pool2d)[rank - 1](x, size, strides)
    else:  # over what there is, padding not counted
        area = torch.ones_like(x)
        both = [padded(part, size, strides, [1] * rank, a["padding"]) for part in (x, area)]
        y, n = [(F.avg_pool1d, F.avg_pool2d)[rank - 1](part, size, strides) for part in both]
        y = y / n
    return torch.movedim(y, 1, -1)


def batch_norm(x, w, a):
    axes = tuple(range(x.dim() - 1))
    mean, variance = x.mean(axes), x.var(axes, unbiased=False)
    return w[0] * (x - mean) / torch.sqrt(variance + a.get("epsilon", 1e-3)) + w[1]


def layer_norm(x, w, a):
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, unbiased=False, keepdim=True)
    y, weights = (x - mean) / torch.sqrt(variance + a.get("epsilon", 1e-3)), list(w)
    if a.get("scale", True):
        y = y * weights.pop(0)
    return y + weights.pop(0) if a.get("center", True) else y


def simple_rnn(h, x, w, a):
    return (torch.relu(x @ w[0] + w[2] + h[0] @ w[1]),)


def lstm(h, x, w, a):
    i, f, c, o = (x @ w[0] + h[0] @ w[1] + w[2]).chunk(4, -1)
    cell = torch.sigmoid(f) * h[1] + torch.sigmoid(i) * torch.tanh(c)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def gru(h, x, w, a):
    if a.get("reset_after", True):
        xs, hs = (x @ w[0] + w[2][0]).chunk(3, -1), (h[0] @ w[1] + w[2][1]).chunk(3, -1)
        z, r = torch.sigmoid(xs[0] + hs[0]), torch.sigmoid(xs[1] + hs[1])
        new = torch.tanh(xs[2] + r * hs[2])
    else:
        xs, kernels = (x @ w[0] + w[2]).chunk(3, -1), w[1].chunk(3, -1)
        z, r = torch.sigmoid(xs[0] + h[0] @ kernels[0]), torch.sigmoid(xs[1] + h[0] @ kernels[1])
        new = torch.tanh(xs[2] + (r * h[0]) @ kernels[2])
    return (z * h[0] + (1 - z) * new,)


def recurrent(step):
    def run(x, w, a):
        h, out = (torch.zeros(x.shape[0], a["units"]),) * 2, []
        steps = range(x.shape[1])
        for t in reversed(steps) if a.get("go_backwards") else steps:
            h = step(h, x[:, t], w, a)
            out.append(h[0])
        return torch.stack(out, 1) if a.get("return_sequences") else out[-1]
    return run


def rounded(*shape):
    return (torch.randn(*shape) * 1000).round() / 1000


def case(name, forward, args, shape, weights, frozen=(), after=None):
    """weights: {name: shape}, trained; frozen: of batch normalisation, with what they are afterwards."""
    x = rounded(*shape).requires_grad_()
    w = [(rounded(*size) / 2).requires_grad_() for size in weights.values()]
    rest = {key: rounded(*size).abs() for key, size in dict(frozen).items()}
    y = forward(x, w, args)
    upstream = rounded(*y.shape)
    y.backward(upstream)
    values = list(zip(weights, w)) + list(rest.items())
    expected = {"output_shape": list(y.shape), "y": y.tolist(), "d_x": x.grad.tolist()}
    if w:
        expected["d_weights"] = [item.grad.tolist() for item in w]
    if after:
        expected.update({key: value.tolist() for key, value in after(x, rest).items()})
    CASES.append({
        "name": name, "args": args,
        "inputs": {"x": x.tolist(), "training": True, "upstream_gradient": upstream.tolist(),
                   "weights": [{"name": key, "shape": list(item.shape), "value": item.tolist()}
                               for key, item in values]},
        "expected": expected, "parameters": sum(item.numel() for _, item in values)})


def digits(x):
    """Twelve of them."""
    if isinstance(x, dict):
        return {key: digits(value) for key, value in x.items()}
    if isinstance(x, list):
        return [digits(value) for value in x]
    return float(f"{x:.12g}") if isinstance(x, float) else x


def convolutions():
    for padding in ("valid", "same", "causal"):
        case("Conv1D", conv, {"filters": 4, "kernel_size": [3], "dilation_rate": [2], "padding": padding,
                              "groups": 2}, (2, 9, 4), {"kernel": (3, 2, 4), "bias": (4,)})
    case("Conv1D", conv, {"filters": 3, "kernel_size": [3], "strides": [2], "padding": "causal"},
         (2, 8, 2), {"kernel": (3, 2, 3), "bias": (3,)})
    for padding in ("valid", "same"):
        case("Conv2D", conv, {"filters": 3, "kernel_size": [3, 2], "dilation_rate": [2, 3],
                              "padding": padding}, (2, 7, 6, 2), {"kernel": (3, 2, 2, 3), "bias": (3,)})
        case("Conv2D", conv, {"filters": 4, "kernel_size": [2, 3], "strides": [1, 2], "padding": padding,
                              "groups": 2}, (2, 5, 6, 4), {"kernel": (2, 3, 2, 4), "bias": (4,)})
        # the whole picture at once, and one pixel at a time
        case("Conv2D", conv, {"filters": 2, "kernel_size": [5, 4], "padding": padding}, (2, 5, 4, 1),
             {"kernel": (5, 4, 1, 2), "bias": (2,)})
        case("Conv2D", conv, {"filters": 2, "kernel_size": [1, 1], "strides": [2, 3], "padding": padding},
             (2, 5, 4, 3), {"kernel": (1, 1, 3, 2), "bias": (2,)})


def poolings():
    for padding in ("valid", "same"):
        for kind, maximum in (("MaxPooling", True), ("AveragePooling", False)):
            case(kind + "2D", lambda x, w, a, m=maximum: pool(x, a, m),
                 {"pool_size": [3, 2], "strides": [2, 1], "padding": padding}, (2, 6, 5, 3), {})
            # windows that leave samples between them out
            case(kind + "1D", lambda x, w, a, m=maximum: pool(x, a, m),
                 {"pool_size": [2], "strides": [3], "padding": padding}, (2, 8, 2), {})
    for rank, shape in ((1, (2, 5, 3)), (2, (2, 4, 3, 2))):
        axes = tuple(range(1, rank + 1))
        case(f"GlobalMaxPooling{rank}D", lambda x, w, a, ax=axes: x.amax(ax, keepdim=True),
             {"keepdims": True}, shape, {})
        case(f"GlobalAveragePooling{rank}D", lambda x, w, a, ax=axes: x.mean(ax, keepdim=True),
             {"keepdims": True}, shape, {})


def normalisations():
    def moved(x, rest):
        axes = tuple(range(x.dim() - 1))
        return {"moving_mean": 0.9 * rest["moving_mean"] + 0.1 * x.detach().mean(axes),
                "moving_variance": 0.9 * rest["moving_variance"]
                + 0.1 * x.detach().var(axes, unbiased=False)}
    for shape in ((3, 4, 2), (2, 3, 4, 2)):
        case("BatchNormalization", batch_norm, {"momentum": 0.9, "epsilon": 0.01}, shape,
             {"gamma": (2,), "beta": (2,)}, {"moving_mean": (2,), "moving_variance": (2,)}, moved)
    case("LayerNormalization", layer_norm, {"scale": False}, (2, 3, 4), {"beta": (4,)})
    case("LayerNormalization", layer_norm, {"center": False}, (2, 3, 4), {"gamma": (4,)})


def recurrences():
    cells = (("SimpleRNN", simple_rnn, 1, {"activation": "relu"}, (3,)), ("LSTM", lstm, 4, {}, (12,)),
             ("GRU", gru, 3, {}, (2, 9)), ("GRU", gru, 3, {"reset_after": False}, (9,)))
    for name, step, gates, more, bias in cells:
        for sequences in (False, True):
            case(name, recurrent(step), {"units": 3, "return_sequences": sequences, "go_backwards": True,
                                         **more}, (2, 5, 4),
                 {"kernel": (4, 3 * gates), "recurrent_kernel": (3, 3 * gates), "bias": bias})


def main():
    torch.manual_seed(1)
    convolutions()
    poolings()
    normalisations()
    recurrences()
    case("Dense", lambda x, w, a: torch.tanh(x @ w[0] + w[1]), {"units": 3, "activation": "tanh"},
         (2, 3, 4), {"kernel": (4, 3), "bias": (3,)})
    file = pathlib.Path(__file__).resolve().with_suffix(".json")
    text = json.dumps({"torch": torch.__version__, "layer": digits(CASES)})
    file.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
