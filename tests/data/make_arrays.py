#!/usr/bin/python3
"""Writes the small NPY and NPZ files beside itself with numpy's own writer. Run by hand when it changes."""
import pathlib

import numpy as np
from numpy.lib import format as npy_format

HERE = pathlib.Path(__file__).resolve().parent
images = (np.arange(6 * 4 * 3) % 256).astype("u1").reshape(6, 4, 3)
labels = np.array([0, 1, 2, 0, 1, 2])
table = np.arange(12, dtype="f8").reshape(6, 2) / 8

np.save(HERE / "x_train.npy", images)
np.save(HERE / "y_train.npy", labels.astype("i8"))
np.save(HERE / "fortran.npy", np.asfortranarray(table.reshape(2, 3, 2)))
with open(HERE / "version2.npy", "wb") as file:
    npy_format.write_array(file, table.astype("f4"), version=(2, 0))
np.save(HERE / "objects.npy", np.array([None, "a"], dtype=object), allow_pickle=True)
np.save(HERE / "big_endian.npy", table.astype(">f8"))
np.savez(HERE / "stored.npz", x_train=images, y_train=labels.astype("i4"), x_test=images[:2],
         y_test=labels[:2].astype("i4"))
np.savez_compressed(HERE / "deflated.npz", X=table, rating=table[:, :1] * 2)
np.savez_compressed(HERE / "deflated_xy.npz", x=table, y=labels)
