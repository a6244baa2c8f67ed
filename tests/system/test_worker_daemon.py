"""The worker daemon against schema/protocol.md: what it does, what it survives, how it ends."""
import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

from protocol import BIN_DIR, CHUNK, Coordinator, Worker, config, gone, slow


@pytest.fixture
def coordinator():
    it = Coordinator()
    yield it
    it.close()


@pytest.fixture
def start(coordinator, tmp_path):
    """Starts workers that connect to the coordinator (or where asked) and stops them in the end."""
    started = []

    def start_one(*flags, endpoint=None, join=True, **options):
        worker = Worker(endpoint or coordinator.endpoint, tmp_path, *flags, **options)
        started.append(worker)
        known = len(coordinator.hellos)
        if join:
            coordinator.until(lambda: len(coordinator.hellos) > known)
            coordinator.joined()
        return worker
    yield start_one
    for worker in started:
        worker.stop()


def running(coordinator, worker, count=1):
    """Waits until so many trainings run, each of which has finished an epoch."""
    coordinator.until(lambda: len(worker.trainings()) == count and
                      sum(len(told) > 0 for told in coordinator.epochs.values()) >= count)
    return worker.trainings()


# ---- what it does ----

def test_hello_names_the_worker_and_its_id_stays(coordinator, start):
    worker = start(slots=3)
    hello = coordinator.hellos[0]
    assert hello["slots"] == 3 and hello["name"] == "w1" and hello["leases"] == []
    assert hello["worker"].encode() == coordinator.worker
    worker.stop()
    start()
    assert coordinator.hellos[-1]["worker"] == hello["worker"]


def test_a_training_tells_each_epoch_once_and_then_its_result(coordinator, start):
    start()
    lease = coordinator.job(epochs=3, report=True)
    result = coordinator.result_of(lease)
    told = coordinator.epochs[lease]
    assert [header["epoch"] for header in told] == [1, 2, 3]
    assert [header["seq"] for header in told] == [1, 2, 3] and result["seq"] == 4
    assert result["state"] == "completed" and result["epochs"] == 3
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds",
            "val_seconds"} <= set(told[0]["metrics"])
    assert result["report"]["summary"]["total_parameters"] == 4 * 8 + 8 + 8 * 3 + 3


def test_the_same_job_gives_the_same_numbers_again(coordinator, start):
    start()

    def curve(lease):
        coordinator.result_of(lease)
        return [{name: value for name, value in header["metrics"].items() if "seconds" not in name}
                for header in coordinator.epochs[lease]]
    leases = [coordinator.job(), coordinator.job(), coordinator.job(seed=8)]
    first, second, other = map(curve, leases)
    assert first == second != other


def test_a_job_of_no_epochs_completes(coordinator, start):
    start()
    result = coordinator.result_of(coordinator.job(epochs=0))
    assert result["state"] == "completed" and result["epochs"] == 0


def test_a_checkpoint_goes_on_as_if_training_had_never_stopped(coordinator, start):
    start()
    whole = coordinator.job(epochs=4, config=config(4))
    half = coordinator.job(epochs=2, config=config(4), save_checkpoint=True)
    coordinator.result_of(whole)
    coordinator.result_of(half)
    state = coordinator.checkpoint_of(half)
    sha256 = coordinator.add_file(state)
    rest = coordinator.job(epochs=4, config=config(4), initial_epoch=2,
                           checkpoint={"sha256": sha256, "size": len(state)})
    assert coordinator.result_of(rest)["epochs"] == 4

    def losses(lease):
        return [header["metrics"]["val_loss"] for header in coordinator.epochs[lease]]
    assert losses(half) + losses(rest) == losses(whole)


def test_another_worker_fetches_the_checkpoint_in_chunks(coordinator, start, tmp_path):
    start(slots=1)
    big = config(2, units=40000)  # 320,003 parameters and Adam's moments: several chunks
    first = coordinator.job(epochs=1, config=big, save_checkpoint=True)
    coordinator.result_of(first)
    state = coordinator.checkpoint_of(first)
    assert len(state) > 2 * CHUNK
    sha256 = coordinator.add_file(state)
    other = Worker(coordinator.endpoint, tmp_path / "..", name=f"other-{os.getpid()}")
    try:
        coordinator.joined()
        coordinator.until(lambda: coordinator.hellos[-1]["name"].startswith("other"))
        second = coordinator.job(epochs=2, config=big, initial_epoch=1,
                                 checkpoint={"sha256": sha256, "size": len(state)})
        assert coordinator.result_of(second)["state"] == "completed"
        assert len(coordinator.fetches) >= len(state) // CHUNK
    finally:
        other.stop()


CSV = "a,b,label\n" + "".join(f"{i % 7},{i % 5},{'x' if i % 7 > 3 else 'y'}\n" for i in range(300))


def csv_job(coordinator, content, size=None):
    sha256 = coordinator.add_file(content)
    files = [{"file": "data.csv", "sha256": sha256, "size": size or len(content)}]
    document = config()
    document["dataset"] = {"name": "d", "validation_split": 0.2}
    document["model"]["layers"][-1]["units"] = 2
    return {"config": document, "dataset": {"name": "d", "source": {"format": "csv"},
                                            "files": files}}


def test_files_are_fetched_once_for_all_slots_and_for_later_runs(coordinator, start):
    worker = start()
    job = csv_job(coordinator, CSV.encode())
    leases = [coordinator.job(**job), coordinator.job(**job)]
    assert [coordinator.result_of(lease)["state"] for lease in leases] == ["completed"] * 2
    assert len(coordinator.fetches) == 1
    worker.stop()
    start()
    assert coordinator.result_of(coordinator.job(**job))["state"] == "completed"
    assert len(coordinator.fetches) == 1


def test_two_daemons_of_one_name_on_one_cache_are_refused_and_of_two_names_share_it(
        coordinator, start):
    start()
    second = start(join=False)
    assert second.process.wait(30) == 1
    assert "another worker named \"w1\" already runs on the cache folder" in second.log()
    other = start(name="w2")
    assert other.process.poll() is None
    assert coordinator.hellos[0]["worker"] != coordinator.hellos[-1]["worker"]


def test_chunks_that_do_not_come_are_asked_for_again(coordinator, start):
    start()
    coordinator.chunks = False
    lease = coordinator.job(**csv_job(coordinator, CSV.encode()))
    coordinator.until(lambda: len(coordinator.fetches) == 2)
    assert [fetch["offset"] for fetch in coordinator.fetches] == [0, 0]
    coordinator.chunks = True
    assert coordinator.result_of(lease)["state"] == "completed"


# ---- what it refuses ----

def test_a_file_larger_than_the_cache_is_refused_with_the_mend(coordinator, start):
    start("--cache-size", "64")
    job = csv_job(coordinator, CSV.encode(), size=65 << 20)
    result = coordinator.result_of(coordinator.job(**job))
    assert result["state"] == "failed" and "--cache-size" in result["error"]


def test_a_missing_file_fails_the_execution_with_the_reason(coordinator, start):
    start()
    job = csv_job(coordinator, CSV.encode())
    coordinator.files.clear()
    result = coordinator.result_of(coordinator.job(**job))
    assert result["state"] == "failed" and "no such file" in result["error"]


def test_a_file_that_is_not_what_was_asked_for_is_refused(coordinator, start):
    start()
    job = csv_job(coordinator, CSV.encode())
    sha256 = job["dataset"]["files"][0]["sha256"]
    coordinator.files[sha256] = CSV.replace("x", "z").encode()
    result = coordinator.result_of(coordinator.job(**job))
    assert result["state"] == "failed" and "SHA-256" in result["error"]
    coordinator.files[sha256] = CSV.encode()
    assert coordinator.result_of(coordinator.job(**job))["state"] == "completed"


def test_data_that_cannot_be_read_fails_with_file_and_line(coordinator, start):
    start()
    result = coordinator.result_of(coordinator.job(**csv_job(coordinator, b"a,b\n1,2\n3\n")))
    assert result["state"] == "failed" and "data.csv" in result["error"]


def test_a_configuration_the_engine_refuses_is_infeasible(coordinator, start):
    start()
    result = coordinator.result_of(coordinator.job(config=config(units=0)))
    assert result["state"] == "infeasible" and result["error"]


def test_a_model_above_the_memory_limit_is_refused_with_the_bytes(coordinator, start):
    start("--memory-limit", "64")
    result = coordinator.result_of(coordinator.job(config=config(units=10_000_000)))
    assert result["state"] == "infeasible" and any(c.isdigit() for c in result["error"])
    assert coordinator.result_of(coordinator.job())["state"] == "completed"


HOSTILE = [
    b"", b"x", b"[]", b"{}", b"\xff\xfe", b'{"v":"1.0"}', b'{"v":"2.0","type":"drain"}',
    b'{"v":"1.0","type":"job"}', b'{"v":"1.0","type":"welcome","heartbeat_s":0}',
    b'{"v":"1.0","type":"ack","lease":"../../x","attempt":1,"seq":1}',
    b'{"v":"1.0","type":"ack","lease":"none","attempt":1,"seq":2147483647}',
    b'{"v":"1.0","type":"stop","lease":"none","how":"cancel"}',
    b'{"v":"1.0","type":"expired","lease":"none","attempt":1}',
    b'{"v":"1.0","type":"pong","number":9007199254740992,"known":[]}',
    b'{"v":"1.0","type":"chunk","sha256":"' + b"0" * 64 + b'","offset":0,"size":1}',
    b"[" * 100000, b'{"v":' + b" " * 2000000 + b'"1.0"',
]


def test_hostile_messages_change_nothing(coordinator, start):
    worker = start()
    for header in HOSTILE:
        coordinator.send_raw(header, b"")
        coordinator.send_raw(header)
        coordinator.send_raw(header, b"x" * 70000, b"more", b"frames")
    assert coordinator.result_of(coordinator.job())["state"] == "completed"
    assert worker.process.poll() is None and len(coordinator.hellos) == 1


def test_a_message_above_the_limit_costs_the_connection_only(coordinator, start):
    worker = start()
    coordinator.send_raw(b"x" * (9 << 20), b"")
    coordinator.until(lambda: len(coordinator.hellos) == 2)
    assert coordinator.result_of(coordinator.job())["state"] == "completed"
    assert worker.process.poll() is None


def test_a_training_has_a_memory_limit_of_its_own(coordinator, start):
    worker = start("--memory-limit", "300")
    coordinator.job(**slow())
    training = running(coordinator, worker)[0]

    def data_limit(pid):
        with open(f"/proc/{pid}/limits") as limits:
            return next(line.split()[3] for line in limits if line.startswith("Max data size"))
    assert data_limit(worker.server()) == "unlimited"
    assert int(data_limit(training)) >= 300 << 20


# ---- what it survives ----

def test_a_killed_training_fails_alone(coordinator, start):
    worker = start()
    first = coordinator.job(**slow())
    victim = running(coordinator, worker)[0]
    second = coordinator.job(**slow())
    running(coordinator, worker, 2)
    os.kill(victim, signal.SIGABRT)
    result = coordinator.result_of(first)
    assert result["state"] == "failed" and "signal 6" in result["error"]
    assert result["epochs"] == coordinator.epochs[first][-1]["epoch"]
    told = len(coordinator.epochs[second])
    coordinator.until(lambda: len(coordinator.epochs[second]) > told)
    assert second not in coordinator.results


def test_a_training_that_gives_no_sign_of_life_is_killed(coordinator, start):
    worker = start("--stall-timeout", "3")
    lease = coordinator.job(**slow())
    os.kill(running(coordinator, worker)[0], signal.SIGSTOP)
    result = coordinator.result_of(lease)
    assert result["state"] == "failed" and "no sign of life" in result["error"]


def test_when_the_fork_server_dies_its_trainings_run_again_and_tell_nothing_twice(
        coordinator, start):
    worker = start()
    job = {"config": config(epochs=400), "epochs": 400}
    lease = coordinator.job(**job)
    coordinator.until(lambda: len(coordinator.epochs.get(lease, [])) > 10)
    server = worker.server()
    trainings = worker.trainings()
    os.kill(server, signal.SIGKILL)
    result = coordinator.result_of(lease)
    assert result["state"] == "completed" and result["epochs"] == 400
    assert [header["epoch"] for header in coordinator.epochs[lease]] == list(range(1, 401))
    coordinator.until(lambda: all(gone(pid) for pid in trainings))
    again = coordinator.job(**job)
    coordinator.result_of(again)
    assert [header["metrics"]["loss"] for header in coordinator.epochs[again]] == \
        [header["metrics"]["loss"] for header in coordinator.epochs[lease]]


def test_a_fork_server_that_hangs_is_replaced(coordinator, start):
    worker = start("--stall-timeout", "2")
    assert coordinator.result_of(coordinator.job(epochs=1))["state"] == "completed"
    server = worker.server()
    os.kill(server, signal.SIGSTOP)
    assert coordinator.result_of(coordinator.job(epochs=1))["state"] == "completed"
    assert gone(server) and worker.server() != server


def test_when_the_daemon_is_killed_nothing_of_it_stays(coordinator, start):
    worker = start()
    coordinator.job(**slow())
    processes = [*running(coordinator, worker), worker.server()]
    os.kill(processes[0], signal.SIGSTOP)  # it cannot notice by itself
    worker.process.kill()
    worker.process.wait()
    coordinator.until(lambda: all(gone(pid) for pid in processes))
    start()  # the lock went with it
    assert coordinator.result_of(coordinator.job())["state"] == "completed"


def test_what_is_not_acknowledged_is_sent_again_in_order(coordinator, start):
    start()
    coordinator.acks = False
    lease = coordinator.job(epochs=3)
    coordinator.until(lambda: len(coordinator.epochs.get(lease, [])) >= 6 and
                      lease in coordinator.results)
    told = [header["seq"] for header in coordinator.epochs[lease]]
    assert told[:6] == [1, 2, 3, 1, 2, 3]
    coordinator.acks = True
    for _ in range(3):  # repeated acks are no news
        coordinator.send("ack", lease=lease, attempt=1, seq=4)
    pings = len(coordinator.pings)
    coordinator.until(lambda: len(coordinator.pings) > pings + 3)
    assert coordinator.pings[-1]["leases"] == [] and coordinator.pings[-1]["free"] == 2


def test_a_coordinator_that_restarts_gets_everything_it_has_not_acknowledged(coordinator, start):
    start()
    coordinator.acks = False
    done = coordinator.job(epochs=2)
    coordinator.result_of(done)
    runs = coordinator.job(**slow())
    coordinator.until(lambda: runs in coordinator.epochs)
    coordinator.restart()
    coordinator.known = {done: 1, runs: 1}
    coordinator.epochs, coordinator.results, coordinator.acks = {}, {}, True
    coordinator.until(lambda: len(coordinator.hellos) == 2)
    assert coordinator.hellos[1]["leases"] == [{"lease": done, "attempt": 1},
                                               {"lease": runs, "attempt": 1}]
    assert coordinator.result_of(done)["state"] == "completed"
    assert [header["epoch"] for header in coordinator.epochs[done]] == [1, 2]
    coordinator.until(lambda: len(coordinator.epochs.get(runs, [])) > 2)
    assert coordinator.epochs[runs][0]["epoch"] == 1


def test_silence_makes_a_new_connection_and_training_goes_on(coordinator, start):
    worker = start()
    lease = coordinator.job(**slow())
    process = running(coordinator, worker)
    coordinator.pongs = coordinator.acks = False
    coordinator.until(lambda: len(coordinator.hellos) == 2)
    coordinator.pongs = coordinator.acks = True
    assert coordinator.hellos[1]["leases"] == [{"lease": lease, "attempt": 1}]
    assert worker.trainings() == process


class Proxy:
    """Forwards bytes between the worker and the coordinator until told to stop: a dead network."""

    def __init__(self, endpoint):
        self.port = int(endpoint.rpartition(":")[2])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.forwards = threading.Event()
        self.forwards.set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                self.forwards.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()


def test_through_a_network_that_stops_and_comes_back_nothing_is_lost(coordinator, start):
    proxy = Proxy(coordinator.endpoint)
    worker = start(endpoint=proxy.endpoint)
    lease = coordinator.job(config=config(epochs=300), epochs=300)
    coordinator.until(lambda: lease in coordinator.epochs)
    proxy.forwards.clear()
    coordinator.until(lambda: "coordinator_silent" in worker.log())
    proxy.forwards.set()
    result = coordinator.result_of(lease)
    assert result["state"] == "completed"
    told = {header["seq"]: header["epoch"] for header in coordinator.epochs[lease]}
    assert told == {seq: seq for seq in range(1, 301)}
    proxy.listener.close()


def test_a_lease_the_coordinator_does_not_know_any_more_is_ended(coordinator, start):
    worker = start()
    lease = coordinator.job(**slow())
    running(coordinator, worker)
    del coordinator.known[lease]
    coordinator.until(lambda: not worker.trainings())
    coordinator.joined()
    coordinator.until(lambda: coordinator.pings[-1]["free"] == 2)
    assert lease not in coordinator.results


def test_an_expired_lease_is_dropped_with_all_it_had_to_say(coordinator, start):
    worker = start()
    coordinator.acks = False
    done, runs = coordinator.job(epochs=1), coordinator.job(**slow())
    coordinator.result_of(done)
    running(coordinator, worker)
    coordinator.send("expired", lease=done, attempt=1)
    coordinator.send("expired", lease=runs, attempt=1)
    coordinator.until(lambda: not worker.trainings() and coordinator.pings[-1]["leases"] == [])


def test_a_newer_attempt_takes_the_place_of_an_older_one(coordinator, start):
    worker = start()
    lease = coordinator.job(**slow())
    first = running(coordinator, worker)[0]
    coordinator.job(lease=lease, attempt=2, epochs=2)
    result = coordinator.result_of(lease)
    assert result["attempt"] == 2 and result["state"] == "completed"
    coordinator.until(lambda: gone(first))


def test_a_job_that_lay_in_the_buffers_of_a_stopped_worker_starts_only_if_its_lease_holds(
        coordinator, start):
    worker = start(slots=2)
    os.kill(worker.pid, signal.SIGSTOP)
    held, lost = coordinator.job(epochs=1), coordinator.job(epochs=1)
    del coordinator.known[lost]
    # Longer than two heartbeats and a second: by then the worker takes it for a stop.
    with pytest.raises(AssertionError):
        coordinator.until(lambda: False, timeout=2)
    os.kill(worker.pid, signal.SIGCONT)
    assert coordinator.result_of(held)["state"] == "completed"
    coordinator.joined()
    assert lost not in coordinator.epochs and lost not in coordinator.results
    assert "stood_still" in worker.log()


# ---- how it ends work, and itself ----

def test_prune_ends_a_training_after_the_running_epoch(coordinator, start):
    worker = start()
    lease = coordinator.job(**slow())
    running(coordinator, worker)
    coordinator.send("stop", lease=lease, how="prune")
    result = coordinator.result_of(lease)
    assert result["state"] == "stopped" and result["end_reason"] == "pruned"
    assert result["epochs"] == coordinator.epochs[lease][-1]["epoch"]


def test_cancel_kills_a_training(coordinator, start):
    worker = start()
    lease = coordinator.job(**slow())
    running(coordinator, worker)
    coordinator.send("stop", lease=lease, how="cancel")
    assert coordinator.result_of(lease)["state"] == "cancelled"
    assert worker.trainings() == []


def test_a_job_beyond_the_slots_waits_for_one(coordinator, start):
    start(slots=1)
    leases = [coordinator.job() for _ in range(3)]
    assert [coordinator.result_of(lease)["state"] for lease in leases] == ["completed"] * 3


def test_drain_finishes_what_runs_takes_nothing_and_says_bye(coordinator, start):
    worker = start()
    lease = coordinator.job(config=config(epochs=200), epochs=200)
    coordinator.until(lambda: lease in coordinator.epochs)
    coordinator.send("drain")
    late = coordinator.job()
    assert coordinator.result_of(lease)["state"] == "completed"
    coordinator.until(lambda: coordinator.byes == 1)
    assert worker.process.wait(30) == 0
    assert late not in coordinator.results


def test_sigterm_drains(coordinator, start):
    worker = start()
    lease = coordinator.job(config=config(epochs=200), epochs=200)
    coordinator.until(lambda: lease in coordinator.epochs)
    os.kill(worker.pid, signal.SIGTERM)
    coordinator.until(lambda: coordinator.byes == 1)
    assert coordinator.results[lease]["state"] == "completed"
    assert worker.process.wait(30) == 0


@pytest.mark.parametrize("flags, signals", [(["--drain-timeout", "600"], 2),
                                            (["--drain-timeout", "0"], 1)])
def test_a_second_sigterm_or_the_drain_timeout_gives_leases_back(coordinator, start, flags, signals):
    worker = start(*flags)
    lease = coordinator.job(**slow())
    processes = running(coordinator, worker)
    for number in range(signals):
        coordinator.joined()
        os.kill(worker.pid, signal.SIGTERM)
        coordinator.until(lambda: worker.log().count("signal=") > number)
    coordinator.until(lambda: coordinator.byes == 1)
    assert worker.process.wait(30) == 0
    assert lease not in coordinator.results
    coordinator.until(lambda: all(gone(pid) for pid in processes))


def test_without_a_coordinator_sigterm_still_ends_it(coordinator, start):
    worker = start(endpoint="tcp://127.0.0.1:9", join=False)
    coordinator.until(lambda: "no_coordinator" in worker.log())
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.process.wait(30) == 0


def test_a_worker_refused_says_why_and_stays(coordinator, start):
    coordinator.on_hello = lambda header, _: coordinator.answer("refused", reason="not on the list")
    worker = start(join=False)
    coordinator.until(lambda: "reason=not on the list" in worker.log())
    assert worker.process.poll() is None


# ---- keys and systemd ----

def make_key(folder, name):
    subprocess.run([BIN_DIR / "tuner-worker", "--make-key", folder / name], check=True)
    text = (folder / f"{name}").read_text()
    return dict(line.split(" = ") for line in text.splitlines())


def test_beyond_loopback_there_is_no_connection_without_keys(coordinator, start):
    worker = start(endpoint="tcp://192.0.2.1:5670", join=False)
    assert worker.process.wait(30) == 1
    assert "needs --key and --coordinator-key" in worker.log()


def test_with_keys_the_connection_is_encrypted_and_a_wrong_one_is_logged(coordinator, start,
                                                                         tmp_path):
    ours, theirs = make_key(tmp_path, "coordinator"), make_key(tmp_path, "worker")
    make_key(tmp_path, "other")
    coordinator.secure(ours, theirs["public"])
    flags = ["--key", tmp_path / "worker", "--coordinator-key", tmp_path / "coordinator.pub"]
    start(*flags)
    assert coordinator.result_of(coordinator.job())["state"] == "completed"
    wrong = start("--key", tmp_path / "worker", "--coordinator-key", tmp_path / "other.pub",
                  join=False, name="wrong")
    stranger = start("--key", tmp_path / "other", "--coordinator-key", tmp_path / "coordinator.pub",
                     join=False, name="stranger")
    coordinator.until(lambda: "no_coordinator" in wrong.log() and
                      "handshake_failed" in stranger.log())
    assert len(coordinator.hellos) == 1


def test_systemd_is_told_of_ready_watchdog_and_stopping(coordinator, start, tmp_path, monkeypatch):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        notify.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        worker = start()
        assert notify.recv(4096) == b"READY=1"
        assert [notify.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        os.kill(worker.pid, signal.SIGTERM)
        said = b""
        while said != b"STOPPING=1":
            said = notify.recv(4096)
        environment = pathlib.Path(f"/proc/{worker.pid}/environ").read_bytes()
        assert b"NOTIFY_SOCKET" in environment and worker.process.wait(30) == 0


def test_the_fork_server_has_one_blas_thread_and_nothing_of_systemds(coordinator, start,
                                                                     monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "/nonexistent")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    worker = start()
    assert coordinator.result_of(coordinator.job(epochs=1))["state"] == "completed"
    environment = pathlib.Path(f"/proc/{worker.server()}/environ").read_bytes().split(b"\0")
    assert b"OPENBLAS_NUM_THREADS=1" in environment and b"OPENBLAS_NUM_THREADS=8" not in environment
    assert not any(variable.startswith(b"NOTIFY_SOCKET") for variable in environment)
    assert len(os.listdir(f"/proc/{worker.server()}/task")) == 1
