"""Real daemons for the system tests: tunerd, tuner-worker and tunerctl as built, on ports of their own,
with a state directory each. Nothing sleeps a fixed time: wait_until() asks until it holds.

The binaries come from TUNERD_BIN_DIR (build/asan by default). What the daemons said is shown when a test
fails, and a daemon that a sanitizer stopped fails the test that used it.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("TUNERD_BIN_DIR", ROOT / "build" / "asan")).resolve()
SANITIZER_EXIT = 66


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(what, timeout=60, every=0.02, alive=()):
    """Calls what() until it gives something true, which it returns. Ends at once when one of the
    daemons in `alive` is gone."""
    end = time.monotonic() + timeout
    while True:
        found = what()
        if found:
            return found
        for daemon in alive:
            if daemon.process.poll() is not None:
                raise AssertionError(f"{daemon.name} ended with {daemon.process.returncode}\n{daemon.log()}")
        if time.monotonic() > end:
            logs = "\n".join(d.log() for d in alive)
            raise AssertionError(f"not within {timeout} s: {getattr(what, '__name__', what)}\n{logs}")
        time.sleep(every)


def environment():
    env = dict(os.environ)
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
        env[name] = ":".join(filter(None, [env.get(name), f"exitcode={SANITIZER_EXIT}"]))
    env.setdefault("OPENBLAS_NUM_THREADS", "1")
    return env


class Daemon:
    """One process and what it wrote to stderr."""

    def __init__(self, name, command, folder):
        self.name = name
        self.command = [str(part) for part in command]
        self.log_path = folder / f"{name}.log"
        self.process = None

    def start(self):
        assert self.process is None or self.process.poll() is not None
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=environment(), cwd=self.log_path.parent)
        return self

    def log(self):
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return f"--- {self.name}: {' '.join(self.command)}\n{text[-20000:]}"

    def kill(self, how=signal.SIGKILL):
        """SIGKILL unless told otherwise; waits for the end."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
        return self.wait()

    def stop(self, timeout=30):
        """SIGTERM, and the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait(timeout)

    def wait(self, timeout=30):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout} s\n{self.log()}") from None

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def rss_kib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0


class Coordinator(Daemon):
    """tunerd. `api` is a requests session whose relative addresses begin below /api/v1."""

    def __init__(self, folder, name="tunerd", options=(), http=None, token_file=None):
        self.state_dir = folder / f"{name}-state"
        self.port = free_port()
        self.worker_endpoint = f"tcp://127.0.0.1:{free_port()}"
        self.url = f"http://127.0.0.1:{self.port}"
        command = [BIN / "tunerd", "--state-dir", self.state_dir,
                   "--http-listen", http or f"127.0.0.1:{self.port}",
                   "--worker-listen", self.worker_endpoint, *options]
        if token_file:
            command += ["--token-file", token_file]
        super().__init__(name, command, folder)
        self.api = requests.Session()

    def ready(self):
        try:
            return requests.get(self.url + "/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def start(self, wait=True):
        super().start()
        if wait:
            wait_until(self.ready, alive=[self])
        return self

    def restart(self):
        """SIGKILL, then the same again."""
        self.kill()
        return self.start()

    def request(self, method, path, **kwargs):
        kwargs.setdefault("timeout", 60)
        address = self.url + (path if path.startswith(("/healthz", "/readyz", "/metrics", "/openapi"))
                              else "/api/v1" + path)
        return self.api.request(method, address, **kwargs)

    def get(self, path, status=200, **params):
        answer = self.request("GET", path, params=params or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path, body=None, status=None, **kwargs):
        answer = self.request("POST", path, json=body, **kwargs)
        assert answer.status_code == status if status else answer.ok, answer.text
        return answer.json()

    def submit(self, document, status=201):
        return self.post("/studies", document, status)

    def study(self, name):
        return self.get(f"/studies/{name}")

    def wait_study(self, name, *states, timeout=120, alive=()):
        """Waits until the study is in one of the states (completed unless told)."""
        states = states or ("completed",)

        def in_state():
            study = self.study(name)
            return study if study["state"] in states else None

        return wait_until(in_state, timeout, every=0.05, alive=[self, *alive])

    def trials(self, name, **params):
        found, token = [], None
        while True:
            page = self.get(f"/studies/{name}/trials", page_size=1000, **params,
                            **({"page_token": token} if token else {}))
            found += page["trials"]
            token = page["next_page_token"]
            if not token:
                return found

    def add_dataset(self, name, files, **source):
        """Uploads files (paths, or {file name: bytes}) and registers them."""
        if not isinstance(files, dict):
            files = {pathlib.Path(f).name: pathlib.Path(f).read_bytes() for f in files}
        for file, data in files.items():
            answer = self.request("PUT", f"/datasets/{name}/{file}", data=data)
            assert answer.ok, answer.text
        return self.post(f"/datasets/{name}", source)

    def worker(self, folder, name="worker", slots=1, options=()):
        """A worker for this coordinator, not started."""
        return Worker(folder, self.worker_endpoint, name, slots, options)


class Worker(Daemon):
    def __init__(self, folder, endpoint, name="worker", slots=1, options=()):
        self.cache_dir = folder / f"{name}-cache"
        super().__init__(name, [BIN / "tuner-worker", "--coordinator", endpoint, "--slots", slots,
                                "--cache-dir", self.cache_dir, "--name", name, *options], folder)


def sse(answer):
    """Events of a streamed response as (id, event, data) with data read as JSON."""
    fields = {}
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line == "":
            if "data" in fields:
                yield int(fields.get("id", -1)), fields.get("event", "message"), json.loads(fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, "report_" + report.when, report)


def end_all(request, daemons):
    failed = getattr(request.node, "report_call", None) is None or request.node.report_call.failed
    troubles = []
    for daemon in reversed(daemons):
        if daemon.process is None:
            continue
        was_alive = daemon.alive()
        try:
            code = daemon.stop() if was_alive else daemon.process.returncode
        except AssertionError as late:
            troubles.append(str(late))
            continue
        if code == SANITIZER_EXIT or (was_alive and code != 0):
            troubles.append(f"{daemon.name} ended with {code}\n{daemon.log()}")
        elif failed:
            print(daemon.log())
    if troubles:
        pytest.fail("\n".join(troubles), pytrace=False)


@pytest.fixture
def daemons(request):
    """A list: every daemon put into it is ended after the test (SIGTERM, exit status 0 expected)."""
    all_daemons = []
    yield all_daemons
    end_all(request, all_daemons)


@pytest.fixture
def coordinator(tmp_path, daemons):
    daemon = Coordinator(tmp_path)
    daemons.append(daemon)
    return daemon.start()


@pytest.fixture
def fleet(tmp_path, daemons, coordinator):
    """A coordinator with one connected worker of two slots: (coordinator, worker)."""
    worker = coordinator.worker(tmp_path, slots=2)
    daemons.append(worker)
    worker.start()
    wait_until(lambda: any(w["state"] == "connected" for w in coordinator.get("/workers")["workers"]),
               alive=[coordinator, worker])
    return coordinator, worker


@pytest.fixture(scope="module")
def shared_coordinator(request, tmp_path_factory):
    """One coordinator for all tests of a module that leave nothing behind in it."""
    daemon = Coordinator(tmp_path_factory.mktemp("shared"))
    daemon.start()
    yield daemon
    code = daemon.stop()
    assert code == 0, daemon.log()


@pytest.fixture
def ctl(coordinator):
    """Runs tunerctl against the coordinator: ctl("list") → CompletedProcess."""

    def run(*arguments, timeout=120, **kwargs):
        return subprocess.run([str(BIN / "tunerctl"), "--server", coordinator.url, *map(str, arguments)],
                              capture_output=True, text=True, timeout=timeout, env=environment(), **kwargs)

    return run
