"""A store that cannot grow: nothing is said to be done that is not stored, and room mends it."""
import resource

from conftest import wait_until
from test_main_job import blobs_study, check_complete


def limit_files(daemon, size):
    """No file of the daemon may grow beyond `size` bytes from now on; how a full disk is had without one."""
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_holds_the_study_until_there_is_room(fleet):
    coordinator, worker = fleet
    coordinator.submit(blobs_study("held", max_trials=200))
    wait_until(lambda: coordinator.study("held")["counts"]["completed"] >= 5, alive=[worker])
    limit_files(coordinator, 1 << 16)
    wait_until(lambda: coordinator.request("GET", "/readyz").status_code == 503, alive=[coordinator])
    answer = coordinator.request("POST", "/studies/held/pause", json={})
    assert answer.status_code == 503 and "could not be stored" in answer.json()["detail"]
    held = coordinator.study("held")
    assert held["state"] == "running" and held["counts"]["completed"] < 200
    assert "state=paused" not in coordinator.log() and "store_failed" in coordinator.log()
    limit_files(coordinator, resource.RLIM_INFINITY)
    coordinator.wait_study("held", alive=[coordinator, worker])
    check_complete(coordinator, "held", trials=200, executions=1, epochs=3)
