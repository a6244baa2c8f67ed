"""Trainings of scikit-learn's estimators on its own data sets, as problems for search_drive.py: P[name] = {"space":
[declarations], "f" and "true": hyperparameters -> loss}. The peers' figures on them are in data/search_peers.csv."""
import functools
import math
import warnings

import numpy as np

warnings.filterwarnings("ignore")
P = {}


def Float(name, low, high, log=False, step=None, parent=None):
    return dict(hp="Float", name=name, min_value=low, max_value=high, sampling="log" if log else "linear", step=step, parent=parent)


def Int(name, low, high, log=False, step=1, parent=None):
    return dict(hp="Int", name=name, min_value=low, max_value=high, sampling="log" if log else "linear", step=step, parent=parent)


def Choice(name, values, parent=None):
    return dict(hp="Choice", name=name, values=values, parent=parent)


def problem(name, space):
    def register(f):
        P[name] = dict(space=space, f=f, true=f)
        return f
    return register


@functools.lru_cache(None)
def _data(name, n=600):
    from sklearn import datasets
    X, y = getattr(datasets, "load_" + name)(return_X_y=True)
    order = np.random.RandomState(1).permutation(len(X))[:n]
    return X[order], y[order]


def _cv(estimator, X, y, folds=3, scoring=None):
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    v = 1 - float(cross_val_score(make_pipeline(StandardScaler(), estimator), X, y, cv=folds, scoring=scoring).mean())
    return v if math.isfinite(v) else 10.0


@problem("svr_diabetes", [Float("C", 1e-2, 1e4, log=True), Float("gamma", 1e-6, 1e1, log=True), Float("epsilon", 1e-2, 1e2, log=True), Choice("kernel", ["rbf", "sigmoid", "linear"])])
def svr_diabetes(p):
    from sklearn.svm import SVR
    return min(_cv(SVR(C=p["C"], gamma=p["gamma"], epsilon=p["epsilon"], kernel=p["kernel"], max_iter=20000), *_data("diabetes")), 10.0)


@problem("forest_wine", [Int("n_estimators", 5, 60), Int("max_depth", 1, 12), Float("max_features", .05, 1), Int("min_samples_leaf", 1, 30, log=True), Float("ccp_alpha", 1e-5, 1e-1, log=True), Choice("criterion", ["gini", "entropy"])])
def forest_wine(p):
    from sklearn.ensemble import RandomForestClassifier
    return _cv(RandomForestClassifier(random_state=0, **p), *_data("wine"), scoring="neg_log_loss") - 1


@problem("mlp_cancer", [Int("width", 2, 64, log=True), Int("layers", 1, 3), Float("lr", 1e-5, 1, log=True), Float("alpha", 1e-7, 1e1, log=True), Int("batch", 8, 128, log=True), Choice("act", ["relu", "tanh", "logistic"]), Choice("solver", ["adam", "sgd"]), Float("momentum", 0, .99, parent=("solver", ["sgd"]))])
def mlp_cancer(p):
    from sklearn.neural_network import MLPClassifier
    return min(_cv(MLPClassifier((p["width"],) * p["layers"], learning_rate_init=p["lr"], alpha=p["alpha"], batch_size=p["batch"], activation=p["act"],
                                 solver=p["solver"], momentum=p.get("momentum", .9), max_iter=15, random_state=0), *_data("breast_cancer"), scoring="neg_log_loss") - 1, 10.0)


@problem("sgd_digits", [Float("alpha", 1e-7, 1, log=True), Float("eta0", 1e-4, 1e1, log=True), Choice("penalty", ["l1", "l2", "elasticnet"]), Float("l1_ratio", 0, 1, parent=("penalty", ["elasticnet"])), Choice("loss", ["hinge", "log_loss", "modified_huber"]), Choice("learning_rate", ["constant", "invscaling", "adaptive"]), Float("power_t", .05, .9, parent=("learning_rate", ["invscaling"]))])
def sgd_digits(p):
    from sklearn.linear_model import SGDClassifier
    return _cv(SGDClassifier(max_iter=15, tol=None, random_state=0, **p), *_data("digits"))
