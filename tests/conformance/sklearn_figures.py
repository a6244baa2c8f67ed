#!/usr/bin/python3
"""Writes sklearn_reports.json and sklearn_splits.json beside itself: what scikit-learn itself gives.

Run by hand when cases are added; the tests read the files. Needs scikit-learn 1.2 and numpy.
"""
import json
import pathlib
import random
import warnings

import numpy as np
import sklearn
from sklearn.metrics import (classification_report, confusion_matrix, f1_score, precision_score,
                             recall_score, roc_auc_score)
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler, StandardScaler

HERE = pathlib.Path(__file__).resolve().parent
warnings.simplefilter("ignore")


def plain(x):
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(v) for v in x]
    if isinstance(x, np.generic):
        return x.item()
    return x


def report(name, truth, predicted, classes, names=None, digits=2, zero_division=0):
    labels = list(range(classes))
    common = {"labels": labels, "target_names": names, "zero_division": zero_division}
    return {
        "name": name, "y_true": truth, "y_pred": predicted, "classes": classes, "names": names,
        "digits": digits, "zero_division": zero_division,
        "text": classification_report(truth, predicted, digits=digits, **common),
        "dict": plain(classification_report(truth, predicted, output_dict=True, **common)),
        "confusion_matrix": plain(confusion_matrix(truth, predicted, labels=labels)),
        "macro_f1": f1_score(truth, predicted, labels=labels, average="macro", zero_division=0),
        "micro_precision": precision_score(truth, predicted, labels=labels, average="micro",
                                           zero_division=0),
        "micro_recall": recall_score(truth, predicted, labels=labels, average="micro",
                                     zero_division=0),
    }


def reports():
    rng = random.Random(20)
    out = []
    for i in range(20):
        classes = rng.choice([2, 2, 3, 4, 5, 7, 10, 12])
        n = rng.choice([1, 3, 10, 40, 200, 1000])
        skill = rng.random()
        truth = [rng.randrange(classes) for _ in range(n)]
        predicted = [t if rng.random() < skill else rng.randrange(classes) for t in truth]
        names = [f"class {k}" * (1 + k % 3) for k in range(classes)] if i % 4 == 0 else None
        out.append(report(f"random {i}", truth, predicted, classes, names, 2 + i % 3, i % 2))
    out.append(report("a class never true", [0, 1, 1, 0], [0, 1, 2, 0], 3))
    out.append(report("a class never predicted", [0, 1, 2, 2], [0, 1, 1, 1], 3))
    out.append(report("an absent class", [0, 2, 2], [0, 2, 0], 3))
    out.append(report("an absent class, zero division 1", [0, 2, 2], [0, 2, 0], 3, None, 2, 1))
    out.append(report("one class", [0, 0, 0], [0, 0, 0], 1))
    out.append(report("all wrong", [0, 1, 2], [1, 2, 0], 3))
    out.append(report("all wrong, names", [0, 1], [1, 0], 2, ["Schöne Ärmel", "Ж"]))
    return out


def splits():
    out = []
    cases = [(10, 0.2, None), (150, 0.25, None), (1797, 0.2, None), (7, 3, None), (150, 0.2, [50, 50, 50]),
             (101, 0.3, [60, 31, 10]), (20, 0.33, [11, 6, 3]), (10, 4, [4, 3, 3]),
             (53, 0.5, [13, 13, 13, 14]), (200, 0.123, [100, 40, 30, 20, 10])]
    for n, size, counts in cases:
        for state in (0, 42, 4294967295):
            y = np.repeat(np.arange(len(counts)), counts) if counts else None
            if counts:
                y = y[np.random.RandomState(1).permutation(n)]
            train, test = train_test_split(np.arange(n), test_size=size, random_state=state, stratify=y)
            out.append({"n": n, "test_size": size, "random_state": state,
                        "stratify": plain(y) if counts else None,
                        "train": plain(train), "test": plain(test)})
    return out


def scalers():
    rng = np.random.RandomState(3)
    x = np.round(rng.normal(size=(40, 5)) * [1, 100, 1e-3, 0, 7] + [0, 1e4, 5, 3.25, -2], 6)
    x = x.astype("float32").astype("float64")
    return {"x": plain(x), "standard": plain(StandardScaler().fit_transform(x)),
            "0-1": plain(MinMaxScaler().fit_transform(x))}


def aucs():
    rng = np.random.RandomState(4)
    out = []
    for n in (10, 100, 1000):
        y = rng.randint(0, 2, n)
        p = (rng.randint(0, 199, n) + 0.5) / 199  # one value a bucket: thresholds lose nothing
        out.append({"y_true": plain(y), "y_pred": plain(p), "auc": roc_auc_score(y, p)})
    return out


def write(name, figures):
    about = {"scikit_learn": sklearn.__version__, "numpy": np.__version__,
             "script": "sklearn_figures.py"}
    text = json.dumps({"about": about, **figures}, ensure_ascii=False, separators=(",", ":"))
    (HERE / name).write_text(text + "\n", encoding="utf-8")


write("sklearn_reports.json", {"reports": reports(), "aucs": aucs()})
write("sklearn_splits.json", {"splits": splits(), "scalers": scalers()})
