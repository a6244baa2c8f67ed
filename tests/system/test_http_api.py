"""The HTTP API through a real coordinator. Trials come from ask and tell, so that no worker is needed and
every score is known."""
import csv
import hashlib
import io
import json
import os
import re
import socket
import threading

import jsonschema
import requests
import yaml

from conftest import ROOT, Coordinator, free_port, sse, wait_until

API = yaml.safe_load((ROOT / "schema" / "openapi.yaml").read_text())


def study(name="asked", **tuner):
    return {"name": name, "parameters": [
        {"hp": "Float", "name": "x", "min_value": -1.0, "max_value": 1.0},
        {"hp": "Choice", "name": "kind, of", "values": ["a\"b", "c,d"]}],
        "tuner": {"type": "RandomSearch", "objective": {"name": "score", "direction": "max"},
                  "max_trials": 50, **tuner}}


def check_schema(name, value):
    schema = {"$ref": f"#/components/schemas/{name}", "components": API["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


def run_trials(coordinator, name, n, score=lambda number: number):
    """Asks for n trials and tells each one's score; None fails it."""
    numbers = []
    for _ in range(n):
        given = coordinator.post(f"/studies/{name}/suggest", {"client_id": "c", "count": 1})["trials"]
        for trial in given:
            number, value = trial["number"], score(trial["number"])
            body = {"infeasible_reason": "no"} if value is None else {"metrics": {"score": value}}
            coordinator.post(f"/studies/{name}/trials/{number}/complete", body)
            numbers.append(number)
    return numbers


def test_submit_show_delete(coordinator):
    document = study("one")
    created = coordinator.request("POST", "/studies", json=document)
    assert created.status_code == 201
    assert created.headers["Location"] == "/api/v1/studies/one"
    check_schema("Study", created.json())
    assert created.json()["document"] == document
    again = coordinator.request("POST", "/studies", json=document)
    assert again.status_code == 200 and again.json()["name"] == "one"
    other = coordinator.request("POST", "/studies", json=study("one", max_trials=3))
    assert other.status_code == 409 and other.json()["errors"][0]["pointer"] == "/name"
    shown = coordinator.study("one")
    assert shown["state"] == "running" and shown["progress"] == 0 and shown["best_trial"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown["created_at"])
    assert [h["name"] for h in shown["space"]] == ["x", "kind, of"]
    assert coordinator.request("DELETE", "/studies/one").status_code == 409
    assert coordinator.post("/studies/one/cancel", status=200)["state"] == "cancelled"
    assert coordinator.request("DELETE", "/studies/one").status_code == 204
    assert coordinator.request("GET", "/studies/one").status_code == 404


def test_validate_only_stores_nothing(coordinator):
    answer = coordinator.request("POST", "/studies?validate_only=true", json=study("v"))
    assert answer.status_code == 200
    check_schema("Validation", answer.json())
    assert coordinator.get("/studies")["studies"] == []


def test_states_follow_the_verbs(coordinator):
    coordinator.submit(study("s"))
    assert coordinator.post("/studies/s/pause", status=200)["state"] == "paused"
    assert coordinator.post("/studies/s/resume", {}, status=200)["state"] == "running"
    changed = coordinator.request("PATCH", "/studies/s", json={"max_trials": 60, "priority": 2,
                                                               "description": "é"}).json()
    assert (changed["max_trials"], changed["priority"], changed["description"]) == (60, 2, "é")
    bad = coordinator.request("PATCH", "/studies/s", json={"max_trials": 0, "colour": 1})
    assert bad.status_code == 422
    assert {e["pointer"] for e in bad.json()["errors"]} == {"/max_trials", "/colour"}
    assert coordinator.post("/studies/s/stop", status=200)["state"] in ("stopping", "stopped")
    refused = coordinator.request("POST", "/studies/s/pause")
    assert refused.status_code == 409 and refused.json()["detail"]


def test_ask_and_tell_best_and_export(coordinator):
    coordinator.submit(study("e"))
    run_trials(coordinator, "e", 7, lambda n: None if n == 3 else (n * 37 % 7) / 10 + 0.1)
    trials = coordinator.trials("e")
    assert [t["number"] for t in trials] == list(range(7))
    for trial in trials:
        check_schema("TrialSummary", trial)
    one = coordinator.get("/studies/e/trials/0")
    check_schema("Trial", one)
    assert {k: one[k] for k in trials[0]} == trials[0]
    assert coordinator.get("/studies/e/trials/3")["state"] == "infeasible"
    best = coordinator.get("/studies/e/best", num_trials=100)["trials"]
    scores = [t["score"] for t in best]
    assert len(best) == 6 and scores == sorted(scores, reverse=True)
    assert coordinator.get("/studies/e/best")["trials"] == best[:1]
    assert coordinator.study("e")["best_trial"] == best[0]

    exported = coordinator.request("GET", "/studies/e/export?format=json")
    assert exported.json() == trials
    table = coordinator.request("GET", "/studies/e/export")
    assert table.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.content.decode(), newline="")))
    assert len(rows) == 7
    for row, trial in zip(rows, trials):
        assert int(row["number"]) == trial["number"] and row["state"] == trial["state"]
        assert (float(row["score"]) if row["score"] else None) == trial["score"]
        assert float(row["x"]) == trial["hyperparameters"]["x"]
        assert row["kind, of"] == trial["hyperparameters"]["kind, of"]


def test_a_study_is_replayed(coordinator):
    for kind in ("RandomSearch", "BayesianOptimization"):
        coordinator.submit(study(kind, type=kind))
        run_trials(coordinator, kind, 12, lambda n: (n * 37 % 11) / 10)
        replay = coordinator.get(f"/studies/{kind}/replay")
        check_schema("Replay", replay)
        assert replay["holds"] is True and replay["given"] == replay["agree"] + replay["by_others"], replay
        assert replay["given"] >= 12
    assert coordinator.request("GET", "/studies/nowhere/replay").status_code == 404


def test_every_order_pages_through_all_trials_once(coordinator):
    coordinator.submit(study("p"))
    run_trials(coordinator, "p", 23, lambda n: None if n % 5 == 4 else float(n * 7 % 4))
    for sort in ("", "number", "-number", "score", "-score", "score,-number", "-score,-number", "state,-score",
                 "-ended_at", "created_at,-score,number"):
        found, token = [], None
        while True:
            page = coordinator.get("/studies/p/trials", page_size=4, **({"sort": sort} if sort else {}),
                                   **({"page_token": token} if token else {}))
            assert len(page["trials"]) <= 4
            found += page["trials"]
            token = page["next_page_token"]
            if token is None:
                break

        def key(trial):
            keys = []
            for field in filter(None, sort.split(",")):
                value = trial[field.lstrip("-")]
                order = value if not isinstance(value, str) else [ord(c) for c in value]
                if field.startswith("-") and value is not None:
                    order = [-o for o in order] if isinstance(order, list) else -order
                keys.append((value is None, order if value is not None else 0))
            return keys + [(False, trial["number"])] if "number" not in sort else keys

        assert sorted(t["number"] for t in found) == list(range(23)), sort
        assert found == sorted(found, key=key), sort
    only = coordinator.trials("p", state="infeasible")
    assert [t["number"] for t in only] == [4, 9, 14, 19]
    token = coordinator.get("/studies/p/trials", page_size=2)["next_page_token"]
    other = coordinator.request("GET", "/studies/p/trials", params={"page_token": token, "sort": "score"})
    assert other.status_code == 400 and other.json()["errors"][0]["parameter"] == "page_token"


def test_studies_are_listed_newest_first_in_pages(coordinator):
    names = [f"s{i}" for i in range(7)]
    for name in names:
        coordinator.submit(study(name))
    coordinator.post("/studies/s3/pause")
    found, token = [], None
    while True:
        page = coordinator.get("/studies", page_size=3, **({"page_token": token} if token else {}))
        for summary in page["studies"]:
            check_schema("StudySummary", summary)
            assert "document" not in summary and "space" not in summary
        found += [s["name"] for s in page["studies"]]
        token = page["next_page_token"]
        if token is None:
            break
    assert found == names[::-1]
    assert [s["name"] for s in coordinator.get("/studies", state="paused,failed")["studies"]] == ["s3"]


def test_a_point_of_ones_own_is_queued(coordinator):
    coordinator.submit(study("q"))
    point = {"x": 0.25, "kind, of": "c,d"}
    added = coordinator.request("POST", "/studies/q/trials", json={"hyperparameters": point})
    assert added.status_code == 201, added.text
    assert added.json()["hyperparameters"] == point
    bad = coordinator.request("POST", "/studies/q/trials", json={"hyperparameters": {"x": 3, "y": 1}})
    assert bad.status_code == 422
    assert any(e["pointer"].startswith("/hyperparameters") for e in bad.json()["errors"])


def test_an_idempotency_key_makes_any_post_safe_to_repeat(coordinator):
    coordinator.submit(study("i"))
    headers = {"Idempotency-Key": "k1"}
    body = {"hyperparameters": {"x": 0.5, "kind, of": "c,d"}}
    first = coordinator.request("POST", "/studies/i/trials", json=body, headers=headers)
    again = coordinator.request("POST", "/studies/i/trials", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["number"] == again.json()["number"]
    assert len(coordinator.trials("i")) == 1
    body["hyperparameters"]["x"] = 0.75
    other = coordinator.request("POST", "/studies/i/trials", json=body, headers=headers)
    assert other.status_code == 422 and other.json()["errors"][0]["header"] == "Idempotency-Key"
    ask = {"client_id": "a", "count": 1}
    asked = coordinator.post("/studies/i/suggest", ask, headers={"Idempotency-Key": "k2"})
    assert coordinator.post("/studies/i/suggest", ask, headers={"Idempotency-Key": "k2"}) == asked


def test_a_key_is_remembered_over_sigkill(coordinator):
    coordinator.submit(study("i"))
    body = {"hyperparameters": {"x": 0.5, "kind, of": "c,d"}}
    first = coordinator.post("/studies/i/trials", body, 201, headers={"Idempotency-Key": "k"})
    coordinator.restart()
    again = coordinator.post("/studies/i/trials", body, 201, headers={"Idempotency-Key": "k"})
    assert again["number"] == first["number"] and len(coordinator.trials("i")) == 1


def test_metrics_and_report_of_a_trial_without_any(coordinator):
    coordinator.submit(study("m"))
    run_trials(coordinator, "m", 1)
    check_schema("Metrics", coordinator.get("/studies/m/trials/0/metrics"))
    report = coordinator.request("GET", "/studies/m/trials/0/report")
    assert report.status_code == 404 and "report" in report.json()["detail"]
    assert coordinator.request("GET", "/studies/m/trials/9/metrics").status_code == 404


def test_curves_and_report_of_a_trained_trial(fleet, tmp_path):
    coordinator, worker = fleet
    coordinator.submit({
        "name": "t", "dataset": {"name": "blobs", "generate": {"samples": 300, "classes": 3}, "validation_split": 0.2},
        "model": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
        "compile": {"optimizer": {"type": "SGD", "learning_rate": {
            "hp": "Float", "name": "lr", "min_value": 0.01, "max_value": 0.1}},
            "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": 700},
        "tuner": {"type": "RandomSearch", "objective": "val_loss", "max_trials": 1, "executions_per_trial": 2}})
    coordinator.wait_study("t", alive=[worker])
    metrics = coordinator.get("/studies/t/trials/0/metrics")
    check_schema("Metrics", metrics)
    assert [e["execution"] for e in metrics["executions"]] == [0, 1]
    for execution in metrics["executions"]:  # more than one piece of the stream
        assert [e["epoch"] for e in execution["epochs"]] == list(range(1, 701))
        assert set(execution["epochs"][0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy",
                                               "learning_rate", "seconds", "val_seconds"}
    trial = coordinator.get("/studies/t/trials/0")
    check_schema("Trial", trial)
    report = coordinator.get("/studies/t/trials/0/report")
    check_schema("Report", report)
    assert report["execution"] == 0  # the first execution makes it
    assert {"summary", "test", "classification_report", "confusion_matrix"} <= set(report)
    assert coordinator.get("/studies/t/trials/0/report", execution=0) == report
    missing = coordinator.request("GET", "/studies/t/trials/0/report?execution=2")
    assert missing.status_code == 404 and missing.json()["errors"][0]["parameter"] == "execution"


def test_after_a_lost_worker_the_curve_is_that_of_the_new_attempt(tmp_path, daemons):
    coordinator = Coordinator(tmp_path, options=("--lease", 2, "--heartbeat", 1))
    first, second = (coordinator.worker(tmp_path, name) for name in ("first", "second"))
    daemons += [coordinator, first, second]
    coordinator.start()
    first.start()
    epochs = 3000
    coordinator.submit({
        "name": "l", "dataset": {"name": "blobs", "generate": {"samples": 600}, "validation_split": 0.2},
        "model": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
        "compile": {"optimizer": {"type": "SGD", "learning_rate": {
            "hp": "Float", "name": "lr", "min_value": 0.01, "max_value": 0.1}},
            "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": epochs}, "tuner": {"type": "RandomSearch", "objective": "val_loss", "max_trials": 1}})

    def curve():
        executions = coordinator.get("/studies/l/trials/0/metrics")["executions"] if coordinator.trials("l") else []
        return executions[0] if executions and executions[0]["epochs"] else None

    wait_until(curve, alive=[coordinator, first])
    first.kill()
    second.start()
    wait_until(lambda: curve()["attempt"] == 2, alive=[coordinator, second])
    coordinator.wait_study("l", alive=[second])
    done = curve()
    assert [e["epoch"] for e in done["epochs"]] == list(range(1, epochs + 1))
    states = [(e["attempt"], e["state"], e["worker"]["name"])
              for e in coordinator.get("/studies/l/trials/0")["executions"]]
    assert states == [(1, "lost", "first"), (2, "completed", "second")]


def test_workers_are_listed_and_drained(fleet):
    coordinator, worker = fleet
    listed = coordinator.get("/workers")["workers"]
    assert len(listed) == 1 and listed[0]["name"] == "worker" and listed[0]["slots"] == 2
    check_schema("Worker", listed[0])
    drained = coordinator.request("POST", f"/workers/{listed[0]['id']}/drain")
    assert drained.status_code == 200, drained.text
    check_schema("Worker", drained.json())
    assert worker.wait() == 0


def test_long_integers_are_exact(coordinator):
    document = study("long")
    document["seed"] = 2**53 - 1
    coordinator.submit(document)
    text = coordinator.request("GET", "/studies/long").text
    assert '"seed":9007199254740991' in text.replace(" ", "")


# ---- events


def next_events(stream, n):
    events = []
    for event in stream:
        events.append(event)
        if len(events) == n:
            return events
    raise AssertionError(f"the stream ended after {len(events)} events")


def open_events(coordinator, path="/events", **kwargs):
    answer = coordinator.request("GET", path, stream=True, timeout=30, **kwargs)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/event-stream"
    return answer


def test_events_come_live_and_again_since_any_number(coordinator):
    with open_events(coordinator) as answer:
        live = sse(answer)
        coordinator.submit(study("a"))
        coordinator.submit(study("b"))
        coordinator.post("/studies/a/pause")
        seen = next_events(live, 3)
    assert [(kind, data["study"], data["state"]) for _, kind, data in seen] == [
        ("study", "a", "running"), ("study", "b", "running"), ("study", "a", "paused")]
    ids = [number for number, _, _ in seen]
    assert ids == sorted(set(ids))
    with open_events(coordinator, f"/events?since={ids[0]}") as answer:
        assert next_events(sse(answer), 2) == seen[1:]
    with open_events(coordinator, "/events?since=0", headers={"Last-Event-ID": str(ids[1])}) as answer:
        assert next_events(sse(answer), 1) == seen[2:]
    with open_events(coordinator, "/studies/a/events?since=0") as answer:
        assert next_events(sse(answer), 2) == [seen[0], seen[2]]


def test_a_number_from_another_life_resets(coordinator):
    with open_events(coordinator, "/events?since=999999") as answer:
        number, kind, data = next_events(sse(answer), 1)[0]
    assert kind == "reset" and "oldest" in data and number >= 0


def test_a_silent_stream_carries_comments(coordinator):
    with open_events(coordinator) as answer:
        for line in answer.iter_lines(chunk_size=1):
            if line.startswith(b":"):
                break


def test_many_streams_hear_the_same_and_a_deaf_one_harms_nobody(coordinator):
    deaf = socket.create_connection(("127.0.0.1", coordinator.port))
    deaf.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % coordinator.port)
    coordinator.submit(study("m"))
    answers = [open_events(coordinator, "/studies/m/events") for _ in range(40)]
    heard = [None] * len(answers)

    def listen(i):
        heard[i] = next_events(sse(answers[i]), 20)

    threads = [threading.Thread(target=listen, args=(i,)) for i in range(len(answers))]
    for thread in threads:
        thread.start()
    for i in range(10):
        coordinator.post("/studies/m/pause")
        coordinator.post("/studies/m/resume")
    for thread in threads:
        thread.join(30)
    assert heard[0] is not None and all(h == heard[0] for h in heard)
    for answer in answers:
        answer.close()
    deaf.close()


def test_the_daemon_ends_with_streams_open(coordinator):
    coordinator.submit(study("o"))
    answer = open_events(coordinator)
    ended = []

    def listen():
        try:
            ended.append(list(sse(answer)))
        except requests.RequestException as broken:
            ended.append(broken)

    thread = threading.Thread(target=listen)
    thread.start()
    assert coordinator.stop(timeout=10) == 0
    thread.join(10)
    assert isinstance(ended[0], list), ended  # the stream's proper end, not a cut


# ---- data sets


def test_uploads_are_kept_by_digest(coordinator):
    rows = "a,b,label\n" + "".join(f"{i % 7},{i % 3},{i % 2}\n" for i in range(300))
    data = rows.encode()
    put = coordinator.request("PUT", "/datasets/mine/rows.csv", data=data)
    assert put.status_code == 201, put.text
    check_schema("DatasetFile", put.json())
    digest = hashlib.sha256(data).hexdigest()
    assert put.json() == {"file": "rows.csv", "sha256": digest, "size": len(data)}
    assert (coordinator.state_dir / "blobs" / digest).read_bytes() == data
    registered = coordinator.request("POST", "/datasets/mine", json={"format": "csv", "target": "label"})
    assert registered.status_code in (200, 201), registered.text
    check_schema("Dataset", registered.json())
    assert registered.json()["state"] == "ready" and registered.json()["info"]["classes"] == 2
    assert coordinator.get("/datasets/mine") == registered.json()
    assert "mine" in [d["name"] for d in coordinator.get("/datasets")["datasets"]]
    assert coordinator.request("DELETE", "/datasets/mine").status_code == 204
    assert coordinator.request("GET", "/datasets/mine").status_code == 404


def test_a_large_upload_streams(coordinator):
    block = os.urandom(1 << 20)
    before = coordinator.rss_kib()
    put = coordinator.request("PUT", "/datasets/big/x.npy", data=(block for _ in range(80)))
    assert put.status_code == 201, put.text
    assert put.json()["size"] == 80 << 20
    assert put.json()["sha256"] == hashlib.sha256(block * 80).hexdigest()
    assert coordinator.rss_kib() - before < 50_000


def test_a_broken_upload_leaves_nothing(coordinator):
    with socket.create_connection(("127.0.0.1", coordinator.port)) as s:
        s.sendall(b"PUT /api/v1/datasets/d/x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 1000000\r\n\r\n"
                  % coordinator.port + b"x" * 100000)
        incoming = coordinator.state_dir / "incoming"
        wait_until(lambda: any(f.stat().st_size for f in incoming.iterdir()), alive=[coordinator])
    wait_until(lambda: not list(incoming.iterdir()), alive=[coordinator])
    assert coordinator.request("GET", "/datasets/d").status_code == 404


def test_a_half_upload_is_gone_after_sigkill(coordinator):
    with socket.create_connection(("127.0.0.1", coordinator.port)) as s:
        s.sendall(b"PUT /api/v1/datasets/d/x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 1000000\r\n\r\n"
                  % coordinator.port + b"x" * 100000)
        incoming = coordinator.state_dir / "incoming"
        wait_until(lambda: any(f.stat().st_size for f in incoming.iterdir()), alive=[coordinator])
        coordinator.restart()
    assert list(incoming.iterdir()) == []


# ---- access, service, static


def test_a_token_guards_everything_but_health_and_the_page(tmp_path, daemons):
    token_file = tmp_path / "token"
    daemon = Coordinator(tmp_path, token_file=token_file)
    daemons.append(daemon)
    daemon.start()
    token = token_file.read_text().strip()
    assert token_file.stat().st_mode & 0o777 == 0o600 and len(token) >= 22
    for path in ("/studies", "/workers", "/events", "/metrics", "/openapi.json"):
        for headers in ({}, {"Authorization": "Bearer " + "x" * 43}, {"Authorization": "Basic " + token}):
            refused = daemon.request("GET", path, headers=headers)
            assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert daemon.request("GET", "/studies", headers={"Authorization": "Bearer " + token}).status_code == 200
    assert daemon.request("GET", "/healthz").status_code == 200
    assert requests.get(daemon.url + "/").status_code == 200
    assert token not in daemon.log()


def test_no_token_no_other_address(tmp_path, daemons):
    daemon = Coordinator(tmp_path, http="0.0.0.0:0")
    daemon.start(wait=False)
    assert daemon.wait() != 0
    assert "--token-file" in daemon.log()


def test_the_page_is_static_strict_and_cached(coordinator):
    page = requests.get(coordinator.url + "/")
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert not any(h.lower().startswith("access-control") for h in page.headers)
    plain = requests.get(coordinator.url + "/", headers={"Accept-Encoding": "identity"})
    assert plain.content == page.content and "Content-Encoding" not in plain.headers
    same = requests.get(coordinator.url + "/", headers={"If-None-Match": page.headers["ETag"]})
    assert same.status_code == 304 and same.content == b""
    for name in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        asset = requests.get(coordinator.url + name)
        assert asset.status_code == 200, name
    assert requests.post(coordinator.url + "/").status_code == 405


def test_the_description_is_served_and_every_path_of_it_is_there(coordinator):
    served = coordinator.get("/openapi.json")
    assert served == json.loads(json.dumps(API))
    values = {"name": "nowhere", "number": "0", "id": "nowhere", "file": "nothing.csv"}
    for path, methods in served["paths"].items():
        address = coordinator.url + re.sub(r"{(\w+)}", lambda m: values[m[1]], path)
        answer = requests.request("BREW", address)
        assert answer.status_code == 405, path
        listed = {m.upper() for m in methods if m in ("get", "put", "post", "patch", "delete")}
        assert {m for m in answer.headers["Allow"].split(", ") if m != "HEAD"} == listed, path


def test_health_readiness_and_counters(coordinator):
    assert coordinator.get("/healthz")["status"] == "ok"
    assert coordinator.get("/readyz")["status"] == "ready"
    before = coordinator.request("GET", "/metrics").text
    coordinator.request("GET", "/studies/nowhere")
    after = coordinator.request("GET", "/metrics").text

    def count(text, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1])

    assert count(after, 'tunerd_http_answers_total{class="4xx"}') == 1 + count(
        before, 'tunerd_http_answers_total{class="4xx"}')
    for line in after.splitlines():
        assert re.fullmatch(r"(# (HELP|TYPE) \S+ .+)|([a-z_]+(\{[^}]*\})? \S+)", line), line


def test_a_head_is_a_get_without_its_body(coordinator):
    head, get = (requests.request(m, coordinator.url + "/healthz") for m in ("HEAD", "GET"))
    assert head.status_code == 200 and head.content == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_many_requests_at_once(coordinator):
    """Reads and changes from 32 clients; every change is in the store when it is answered."""
    errors = []

    def client(i):
        try:
            session = requests.Session()
            for k in range(5):
                name = f"s{i}-{k}"
                made = session.post(coordinator.url + "/api/v1/studies", json=study(name), timeout=60)
                assert made.status_code == 201, made.text
                assert session.get(coordinator.url + f"/api/v1/studies/{name}", timeout=60).status_code == 200
        except Exception as error:  # noqa: BLE001 - told by the test
            errors.append(error)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(coordinator.get("/studies", page_size=1000)["studies"]) == 160


def test_what_is_answered_is_durable_when_it_stops_under_load(coordinator):
    """SIGTERM while 16 clients submit: each gets a proper answer or none, and every 201 is in the store."""
    made, odd = [], []

    def client(i):
        session = requests.Session()
        for k in range(1000):
            try:
                answer = session.post(coordinator.url + "/api/v1/studies", json=study(f"s{i}-{k}"), timeout=30)
            except requests.ConnectionError:
                return
            if answer.status_code == 201:
                made.append(f"s{i}-{k}")
            elif answer.status_code != 503:
                odd.append(answer.text)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(made) > 50, alive=[coordinator])
    assert coordinator.stop() == 0
    for thread in threads:
        thread.join(60)
    assert not odd
    coordinator.start()
    stored, token = set(), ""
    while token is not None:
        page = coordinator.get("/studies", page_size=1000, **({"page_token": token} if token else {}))
        stored |= {s["name"] for s in page["studies"]}
        token = page["next_page_token"]
    assert set(made) <= stored


def test_ipv6_loopback(tmp_path, daemons):
    port = free_port()
    daemon = Coordinator(tmp_path, http=f"[::1]:{port}")
    daemon.url = f"http://[::1]:{port}"
    daemons.append(daemon)
    daemon.start()
    assert daemon.get("/studies")["studies"] == []


def test_a_thousand_idle_connections_stop_nobody(coordinator):
    sockets = [socket.create_connection(("127.0.0.1", coordinator.port)) for _ in range(1000)]
    try:
        assert coordinator.request("GET", "/healthz", timeout=5).status_code == 200
    finally:
        for s in sockets:
            s.close()
