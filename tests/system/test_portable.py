"""The engine on another kind of CPU: all of it compiles for arm64 with this build's warnings, and its portable
kernels give there (under qemu) what they give here."""
import subprocess

import pytest
from conftest import BIN, ROOT, environment


def digest(command):
    """{name: number} of what tests/tools/kernels_digest.c prints."""
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=environment()).stdout
    return {name: float(number) for name, number in (line.split() for line in out.splitlines())}


def test_the_engine_is_the_same_on_arm64():
    built = subprocess.run(["make", "-j2", "-C", ROOT, f"B={BIN.parent}", "portable"], capture_output=True, text=True,
                           timeout=550, env=environment())
    assert built.returncode == 0, built.stdout + built.stderr
    here = digest([BIN / "tests" / "tools" / "kernels_digest"])
    there = digest(["qemu-aarch64", BIN.parent / "arm64" / "release" / "tests" / "tools" / "kernels_digest"])
    assert len(here) > 40 and here.keys() == there.keys()
    for name, number in here.items():
        # sums of up to 4,000 floats of either sign
        assert there[name] == pytest.approx(number, rel=2e-4, abs=2e-3), name
    assert there["denormals"] == 0
