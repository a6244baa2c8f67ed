#!/usr/bin/env python3
"""Runs every test and ends with the line `N passed, N failed`.

C tests are cmocka programs (one process each, TAP output); system tests run under pytest; browser tests
under node's runner. A program that dies, times out or runs no test counts as a failure.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMEOUT_S = 600
# The system tests that run once more under ThreadSanitizer: everything that crosses a thread.
THREADS = "http_api or killed_at_any_moment or pause_holds or ask_and_tell"


def sanitizer_env():
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = "detect_leaks=1:allocator_may_return_null=1"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    env["TSAN_OPTIONS"] = f"halt_on_error=1:suppressions={ROOT / 'tests' / 'tsan.supp'}"
    env["OPENBLAS_NUM_THREADS"] = "1"
    return env


def run(command, env, timeout, cwd=ROOT):
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=cwd, env=env, timeout=timeout, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode(errors="replace"), time.monotonic() - started
    except subprocess.TimeoutExpired as late:
        return -1, (late.stdout or b"").decode(errors="replace") + "\ntimed out", timeout


def judged(name, code, passed, failed, output, seconds):
    if failed == 0 and (code != 0 or passed == 0):
        failed = 1
    return name, passed, failed, output, seconds


def telling(lines, most=150):
    """The lines that show what failed: from the first failure on (TAP), or the end (pytest)."""
    failures = [n for n, line in enumerate(lines) if re.match(r"\s*not ok ", line)]
    start = max(0, failures[0] - 10) if failures else max(0, len(lines) - most)
    return lines[start:start + most]


def c_program(path):
    env = sanitizer_env()
    env["CMOCKA_MESSAGE_OUTPUT"] = "TAP"
    code, output, seconds = run([str(path)], env, TIMEOUT_S)
    passed = len(re.findall(r"^ok \d+", output, re.M))
    failed = len(re.findall(r"^not ok \d+", output, re.M))
    return judged(os.path.relpath(path, ROOT), code, passed, failed, output, seconds)


def pytest_run(name, bin_dir, *which):
    report = bin_dir / "pytest.xml"
    report.unlink(missing_ok=True)
    env = sanitizer_env()
    env["TUNERD_BIN_DIR"] = str(bin_dir)
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    code, output, seconds = run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                                 "--durations=10", f"--junitxml={report}", *map(str, which)],
                                env, 3 * TIMEOUT_S)
    passed = failed = 0
    if report.exists():
        for suite in ET.parse(report).getroot().iter("testsuite"):
            bad = int(suite.get("failures")) + int(suite.get("errors"))
            failed += bad
            passed += int(suite.get("tests")) - bad - int(suite.get("skipped"))
    return judged(name, code, passed, failed, output, seconds)


def browser_folder(folder, bin_dir):
    env = sanitizer_env()
    env["TUNERD_BIN_DIR"] = str(bin_dir)
    name = "tests/" + folder.name
    if not (folder / "node_modules").is_dir():
        code, output, seconds = run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], env,
                                    TIMEOUT_S, folder)
        if code != 0:
            return judged(name, code, 0, 0, output, seconds)
    tests = sorted(str(p) for p in folder.glob("*.test.mjs"))
    code, output, seconds = run(["node", "--test", "--test-reporter=tap", *tests], env, 2 * TIMEOUT_S,
                                folder)
    count = {kind: int(n) for kind, n in re.findall(r"^# (pass|fail|cancelled) (\d+)", output, re.M)}
    return judged(name, code, count.get("pass", 0), count.get("fail", 0) + count.get("cancelled", 0),
                  output, seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", type=pathlib.Path, required=True, help="build/asan")
    parser.add_argument("--tsan-dir", type=pathlib.Path, help="build/tsan: the daemons' threads too")
    parser.add_argument("--c-only", action="store_true", help="leave out system and browser tests")
    parser.add_argument("programs", nargs="*", help="C test programs")
    args = parser.parse_args()
    bin_dir = args.bin_dir.resolve()
    total_passed = total_failed = 0

    def account(result):
        nonlocal total_passed, total_failed
        name, passed, failed, output, seconds = result
        total_passed += passed
        total_failed += failed
        print(f"{name}: {passed} passed, {failed} failed ({seconds:.1f} s)", flush=True)
        if failed:
            print("\n".join("    " + line for line in telling(output.splitlines())), flush=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for result in pool.map(c_program, args.programs):
            account(result)
    if not args.c_only:
        system = ROOT / "tests" / "system"
        account(pytest_run("tests/system", bin_dir, system))
        if args.tsan_dir:
            account(pytest_run("threads of the daemons", args.tsan_dir.resolve(), "-k",
                               THREADS, system / "test_main_job.py", system / "test_http_api.py"))
        account(browser_folder(ROOT / "tests" / "browser", bin_dir))
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed else 0


if __name__ == "__main__":
    sys.exit(main())
