"""Figures for the search's arithmetic from others' code, written to search_reference.json beside it: the normal tails by
mpmath with 60 digits, Gaussian-process posteriors and likelihoods by scikit-learn's GaussianProcessRegressor, Sobol points
by scipy. Run with Debian's /usr/bin/python3 (python3-sklearn, python3-mpmath)."""
import json, os
import numpy as np, mpmath, scipy, scipy.special, sklearn
from scipy.stats import qmc
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

mpmath.mp.dps = 60

def normal(z):
    z = mpmath.mpf(z)
    pdf, cdf = mpmath.npdf(z), mpmath.erfc(-z / mpmath.sqrt(2)) / 2
    h = pdf + z * cdf
    return dict(z=float(z), log_improvement=float(mpmath.log(h)), cdf_over_h=float(cdf / h), pdf_over_h=float(pdf / h),
                log_cdf=float(mpmath.log(cdf)), pdf_over_cdf=float(pdf / cdf))

def quantile(p):
    with mpmath.workdps(60):  # log Phi is nearly a parabola: Newton from the tail's first term
        start = float(scipy.special.ndtri(p))
        x = mpmath.findroot(lambda x: mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2) - mpmath.log(mpmath.mpf(p)), start)
        return dict(p=p, x=float(x) if p != 0.5 else 0.0)

def process(seed, n, d):
    r = np.random.RandomState(seed)
    X, T = r.rand(n, d), r.rand(7, d)
    z = np.sin(3 * X.sum(1)) + 0.1 * r.randn(n)
    l, s, v = np.exp(r.uniform(-1.5, 1, d)), float(np.exp(r.uniform(-1, 1))), float(10 ** r.uniform(-4, -1))
    g = GaussianProcessRegressor(ConstantKernel(s) * Matern(l, nu=2.5), alpha=v, optimizer=None).fit(X, z)
    mean, sd = g.predict(T, return_std=True)
    return dict(x=X.tolist(), z=z.tolist(), test=T.tolist(), length=l.tolist(), scale=s, noise=v, mean=mean.tolist(),
                variance=(sd ** 2).tolist(), log_likelihood=float(g.log_marginal_likelihood(g.kernel_.theta)))

def sobol(dimension):
    points = qmc.Sobol(128, scramble=False, bits=30).random(32)[:, dimension]
    return dict(dimension=dimension, sorted_by="index in Gray code order", points=points.tolist())

zs = [-40, -39.5, -30, -25.5, -20, -15, -10, -7.5, -6, -5.5, -5.0001, -5, -4.9999, -4, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 5, 10]
out = dict(
    versions=dict(mpmath=mpmath.__version__, sklearn=sklearn.__version__, scipy=scipy.__version__),
    normal=[normal(z) for z in zs],
    quantile=[quantile(p) for p in (1e-300, 1e-20, 1e-9, 1e-3, 0.02425, 0.07, 0.25, 0.5, 0.6, 0.925, 0.99, 0.999999)],
    processes=[process(i, n, d) for i, (n, d) in enumerate([(1, 1), (2, 1), (5, 2), (8, 1), (10, 3), (15, 6), (20, 2), (25, 10), (31, 4), (40, 5)])],
    sobol=[sobol(d) for d in (0, 1, 2, 7, 31, 63, 127)])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "search_reference.json"), "w") as f:
    json.dump(out, f, indent=None, separators=(",", ":"))
