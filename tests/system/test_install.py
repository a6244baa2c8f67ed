"""`make install`: everything in its place, units that systemd takes, manual pages that tell the options."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN_DIR = pathlib.Path(os.environ.get("TUNERD_BIN_DIR", ROOT / "build/asan")).resolve()
PAGES = {"tunerd": "man8/tunerd.8", "tuner-worker": "man8/tuner-worker.8",
         "tunerctl": "man1/tunerctl.1"}


def install(destination):
    subprocess.run(["make", "-s", "install", f"B={BIN_DIR.parent}", f"V={BIN_DIR.name}",
                    "PREFIX=/usr", f"DESTDIR={destination}"],
                   cwd=ROOT, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    destination = tmp_path_factory.mktemp("install")
    install(destination)
    return destination


def test_everything_is_in_its_place(installed):
    for name in ["usr/bin/tunerd", "usr/bin/tuner-worker", "usr/bin/tunerctl",
                 "usr/lib/systemd/system/tunerd.service",
                 "usr/lib/systemd/system/tuner-worker.service", "etc/tunerd/tunerd.conf",
                 "etc/tunerd/tuner-worker.conf",
                 "usr/share/doc/tunerd/examples/fashion-mlp.json"]:
        assert (installed / name).is_file(), name
    assert os.access(installed / "usr/bin/tunerd", os.X_OK)
    for unit in (installed / "usr/lib/systemd/system").iterdir():
        assert "@" not in re.sub(r"SystemCallFilter=.*", "", unit.read_text())


def test_a_configuration_in_use_is_not_overwritten(installed):
    mine = installed / "etc/tunerd/tunerd.conf"
    mine.write_text("lease = 7\n")
    install(installed)
    assert mine.read_text() == "lease = 7\n"
    assert (installed / "etc/tunerd/tunerd.conf.new").is_file()


@pytest.mark.parametrize("program", ["tunerd", "tuner-worker"])
def test_the_example_configurations_are_taken(program):
    text = (ROOT / f"deploy/etc/{program}.conf").read_text()
    options = re.findall(r"^#?([a-z-]+) = ", text, re.M)
    told = help_of(program)
    assert options and all(f"--{option} " in told for option in options)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("unit", ["tunerd.service", "tuner-worker.service"])
def test_systemd_takes_the_units(installed, unit):
    system = installed / "usr/lib/systemd/system"
    for target in ["sysinit", "basic", "shutdown", "network", "multi-user"]:  # of the host's
        (system / f"{target}.target").write_text("[Unit]\n")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={installed}", unit],
                          capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if unit in line]
    assert not ours, done.stderr


def help_of(program):
    return subprocess.run([BIN_DIR / program, "--help"], check=True, capture_output=True,
                          text=True).stdout


@pytest.mark.parametrize("program", PAGES)
def test_the_manual_page_tells_every_option(installed, program):
    page = (installed / "usr/share/man" / PAGES[program]).read_text().replace("\\-", "-")
    options = re.findall(r"^\s+(--[a-z-]+)", help_of(program), re.M)
    assert len(options) > 5
    assert [option for option in options if option not in page] == []
    documented = set(re.findall(r"--[a-z][a-z-]*[a-z]", page))
    others = set().union(*(re.findall(r"--[a-z-]+", help_of(other)) for other in PAGES))
    assert documented <= others
