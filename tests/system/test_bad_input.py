"""Wrong studies and requests: each gets the right status and a problem+json that names the place and the
mend; none stops the daemon, none leaves a trace in the store."""
import copy
import gzip
import json
import os
import random
import socket
import sqlite3
import struct

import pytest

HP = {"hp": "Float", "name": "rate", "min_value": 0.0, "max_value": 0.5}
GOOD = {
    "name": "good",
    "seed": 7,
    "dataset": {"name": "blobs", "generate": {"samples": 200, "features": 4, "classes": 3},
                "validation_split": 0.2},
    "model": {"layers": [
        {"type": "Dense", "units": {"hp": "Int", "name": "units", "min_value": 4, "max_value": 16, "step": 4},
         "activation": "relu"},
        {"type": "Dropout", "rate": HP},
        {"type": "Dense", "units": 3, "activation": "softmax"}]},
    "compile": {"optimizer": {"type": "Adam", "learning_rate": 0.01},
                "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    "fit": {"epochs": 2, "batch_size": 32},
    "tuner": {"type": "RandomSearch", "objective": "val_accuracy", "max_trials": 3},
}
GONE = object()


def changed(*changes):
    """GOOD with (pointer, value) set; GONE takes a member away, "+" at a list's end appends."""
    document = copy.deepcopy(GOOD)
    for pointer, value in changes:
        *way, last = pointer.strip("/").split("/")
        place = document
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        if value is GONE:
            del place[int(last) if isinstance(place, list) else last]
        elif isinstance(place, list):
            if last == "+":
                place.append(value)
            else:
                place[int(last)] = value
        else:
            place[last] = value
    return document


def hp(**members):
    return {"hp": "Float", "name": "x", "min_value": 0.1, "max_value": 0.5, **members}


RATE, UNITS = "/model/layers/1/rate", "/model/layers/0/units"

# name: (changes, where the fault is: every place listed must be named, as itself or below it)
STUDIES = {
    "not an object": ([], None),
    "no name": ([("/name", GONE)], ["/name"]),
    "name with a slash": ([("/name", "a/b")], ["/name"]),
    "empty name": ([("/name", "")], ["/name"]),
    "name of 1000 characters": ([("/name", "a" * 1000)], ["/name"]),
    "name a number": ([("/name", 3)], ["/name"]),
    "unknown field": ([("/tunner", {})], ["/tunner"]),
    "unknown field deep": ([("/tuner/max_trails", 3)], ["/tuner/max_trails"]),
    "unknown field in a layer": ([("/model/layers/0/unit", 3)], ["/model/layers/0/unit"]),
    "seed a string": ([("/seed", "7")], ["/seed"]),
    "seed negative": ([("/seed", -1)], ["/seed"]),
    "no tuner": ([("/tuner", GONE)], ["/tuner"]),
    "tuner a list": ([("/tuner", [])], ["/tuner"]),
    "unknown tuner": ([("/tuner/type", "RandomSearchh")], ["/tuner/type"]),
    "objective not among the metrics": ([("/tuner/objective", "val_f1")], ["/tuner/objective"]),
    "objective without direction": ([("/tuner/objective", {"name": "val_zzz"})], ["/tuner/objective"]),
    "objective with a wrong direction": ([("/tuner/objective", {"name": "val_loss", "direction": "up"})],
                                         ["/tuner/objective/direction"]),
    "expression that does not parse": ([("/tuner/objective", {"expression": "val_loss +", "direction": "min"})],
                                       ["/tuner/objective"]),
    "expression with an unknown variable": (
        [("/tuner/objective", {"expression": "val_los * 2", "direction": "min"})], ["/tuner/objective"]),
    "max_trials 0": ([("/tuner/max_trials", 0)], ["/tuner/max_trials"]),
    "max_trials 1.5": ([("/tuner/max_trials", 1.5)], ["/tuner/max_trials"]),
    "executions 0": ([("/tuner/executions_per_trial", 0)], ["/tuner/executions_per_trial"]),
    "retries -1": ([("/tuner/max_retries_per_trial", -1)], ["/tuner/max_retries_per_trial"]),
    "min above max": ([(RATE, hp(min_value=0.6))], [RATE]),
    "step 0": ([(RATE, hp(step=0))], [RATE]),
    "step negative": ([(RATE, hp(step=-0.1))], [RATE]),
    "log from 0": ([(RATE, hp(min_value=0, sampling="log"))], [RATE]),
    "log with step 1": ([(RATE, hp(sampling="log", step=1))], [RATE]),
    "unknown sampling": ([(RATE, hp(sampling="logg"))], [RATE]),
    "unknown hp": ([(RATE, hp(hp="Flaot"))], [RATE]),
    "hp without a name": ([(RATE, {"hp": "Float", "min_value": 0, "max_value": 1})], [RATE]),
    "hp without max": ([(RATE, {"hp": "Float", "name": "x", "min_value": 0})], [RATE]),
    "hp with an unknown member": ([(RATE, hp(maximum=3))], [RATE]),
    "default outside": ([(RATE, hp(default=0.9))], [RATE]),
    "bounds as strings": ([(RATE, hp(min_value="0.1"))], [RATE]),
    "Int with a fraction": ([(UNITS, {"hp": "Int", "name": "u", "min_value": 1.5, "max_value": 4})], [UNITS]),
    "Choice without values": ([(UNITS, {"hp": "Choice", "name": "u", "values": []})], [UNITS]),
    "Choice of mixed types": ([(UNITS, {"hp": "Choice", "name": "u", "values": [1, "2"]})], [UNITS]),
    "Choice with a value twice": ([(UNITS, {"hp": "Choice", "name": "u", "values": [4, 4]})], [UNITS]),
    "conflicting names": ([(RATE, hp(name="units"))], [RATE]),
    "Ref to nothing": ([(RATE, {"hp": "Ref", "name": "nowhere"})], [RATE]),
    "parent that is not there": ([(RATE, hp(parent_name="nowhere", parent_values=[1]))], [RATE]),
    "hp value outside of what the layer takes": ([(RATE, hp(max_value=1.5))], [RATE]),
    "hp of the wrong type for the argument": ([(UNITS, {"hp": "Choice", "name": "u", "values": ["a"]})], [UNITS]),
    "hp in the tuner": ([("/tuner/max_trials", {"hp": "Int", "name": "t", "min_value": 1, "max_value": 2})],
                        ["/tuner/max_trials"]),
    "no layers": ([("/model/layers", [])], ["/model/layers"]),
    "layers an object": ([("/model/layers", {})], ["/model/layers"]),
    "layer without type": ([("/model/layers/0", {"units": 3})], ["/model/layers/0"]),
    "unknown layer": ([("/model/layers/0/type", "Dens")], ["/model/layers/0/type"]),
    "units 0": ([(UNITS, 0)], [UNITS]),
    "units missing": ([(UNITS, GONE)], [UNITS.rsplit("/", 1)[0]]),
    "units a string": ([(UNITS, "32")], [UNITS]),
    "rate 1": ([(RATE, 1.0)], [RATE]),
    "unknown activation": ([("/model/layers/0/activation", "reluu")], ["/model/layers/0/activation"]),
    "unknown initializer": ([("/model/layers/0/kernel_initializer", "glorot")],
                            ["/model/layers/0/kernel_initializer"]),
    "a model of 10^12 parameters": ([(UNITS, 1000000), ("/model/layers/1", {"type": "Dense", "units": 1000000})],
                                    ["/model"]),
    "too few outputs for the classes": ([("/model/layers/2/units", 2)], ["/model/layers/2"]),
    "repeat without as": ([("/model/layers/0", {"repeat": 2, "layers": [{"type": "Flatten"}], "az": "i"})],
                          ["/model/layers/0"]),
    "repeat 10^9": ([("/model/layers/0", {"repeat": 10**9, "as": "i", "layers": [
        {"type": "Dense", "units": 2}]})], ["/model/layers/0"]),
    "switch without a case": ([("/model/layers/0", {
        "switch": {"hp": "Choice", "name": "s", "values": ["a", "b"]}, "cases": {"a": []}})], ["/model/layers/0"]),
    "unknown optimizer": ([("/compile/optimizer/type", "Adamm")], ["/compile/optimizer/type"]),
    "learning rate 0": ([("/compile/optimizer/learning_rate", -1)], ["/compile/optimizer/learning_rate"]),
    "unknown loss": ([("/compile/loss", "mse2")], ["/compile/loss"]),
    "unknown metric": ([("/compile/metrics/+", "acc2")], ["/compile/metrics"]),
    "epochs a string": ([("/fit/epochs", "many")], ["/fit/epochs"]),
    "batch_size 0": ([("/fit/batch_size", 0)], ["/fit/batch_size"]),
    "unknown callback": ([("/fit/callbacks", [{"type": "EarlyStoping"}])], ["/fit/callbacks/0/type"]),
    "patience negative": ([("/fit/callbacks", [{"type": "EarlyStopping", "patience": -1}])],
                          ["/fit/callbacks/0/patience"]),
    "missing data set": ([("/dataset/name", "nowhere"), ("/dataset/generate", GONE)], ["/dataset/name"]),
    "no data set": ([("/dataset", GONE)], ["/dataset"]),
    "validation_split 1": ([("/dataset/validation_split", 1.0)], ["/dataset/validation_split"]),
    "two ways to validate": ([("/dataset/validation_data", "test")], ["/dataset"]),
    "unknown scale": ([("/dataset/scale", "0-255")], ["/dataset/scale"]),
    "limit 0": ([("/dataset/limit", 0)], ["/dataset/limit"]),
    "generate 10^12 samples": ([("/dataset/generate/samples", 10**12)], ["/dataset/generate/samples"]),
    "model and parameters": ([("/parameters", [HP])], [""]),
    "four faults at once": ([("/name", 3), (UNITS, 0), ("/compile/loss", "mse2"), ("/tuner/max_trials", 0)],
                            ["/name", UNITS, "/compile/loss", "/tuner/max_trials"]),
}


def check_problem(answer, status, pointers=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["title"] and problem["detail"] and problem["errors"]
    named = [error.get("pointer") for error in problem["errors"]]
    for error in problem["errors"]:
        assert error["detail"], problem
    for pointer in pointers or []:
        assert any(n is not None and (n == pointer or n.startswith(pointer + "/")) for n in named), problem
    return problem


@pytest.mark.parametrize("name", STUDIES)
def test_wrong_study(shared_coordinator, name):
    changes, pointers = STUDIES[name]
    document = changed(*changes) if changes else ["a", "list"]
    for query in ("?validate_only=true", ""):
        answer = shared_coordinator.request("POST", "/studies" + query, json=document)
        check_problem(answer, 422, pointers)


def test_the_study_that_the_wrong_ones_are_made_of_is_right(shared_coordinator):
    answer = shared_coordinator.request("POST", "/studies?validate_only=true", json=GOOD)
    assert answer.status_code == 200, answer.text
    assert answer.json()["valid"] is True
    assert [h["name"] for h in answer.json()["space"]] == ["units", "rate"]


JSON = {"Content-Type": "application/json"}
TEXT = json.dumps(GOOD)

# name: (status, method, path, body, headers, places)
REQUESTS = {
    "not JSON": (400, "POST", "/studies", "{name: good}", JSON, None),
    "empty body": (400, "POST", "/studies", "", JSON, None),
    "half a document": (400, "POST", "/studies", TEXT[:-20], JSON, None),
    "text behind it": (400, "POST", "/studies", TEXT + "x", JSON, None),
    "duplicate keys": (400, "POST", "/studies", '{"name": "a", "name": "b"}', JSON, None),
    "NaN": (400, "POST", "/studies", '{"name": NaN}', JSON, None),
    "1e400": (None, "POST", "/studies", TEXT.replace("0.01", "1e400"), JSON, None),
    "01": (400, "POST", "/studies", '{"seed": 01}', JSON, None),
    "a NUL in a name": (None, "POST", "/studies", TEXT.replace('"good"', '"go\\u0000od"'), JSON, None),
    "bytes that are not UTF-8": (400, "POST", "/studies", b'{"name": "\xff\xfe"}', JSON, None),
    "a byte order mark": (400, "POST", "/studies", b"\xef\xbb\xbf{}", JSON, None),
    "a raw control byte": (400, "POST", "/studies", b'{"name": "a\x01"}', JSON, None),
    "nesting 10,000 deep": (400, "POST", "/studies", "[" * 10000 + "]" * 10000, JSON, None),
    "a million zeros": (413, "POST", "/studies", "[" + "0," * 10**6 + "0]", JSON, None),
    "20 MB": (413, "POST", "/studies", b" " * 20_000_000, JSON, None),
    "20 MB in chunks": (413, "POST", "/studies", lambda: (b" " * 65536 for _ in range(310)), JSON, None),
    "a form": (415, "POST", "/studies", TEXT, {"Content-Type": "application/x-www-form-urlencoded"}, None),
    "plain text": (415, "POST", "/studies", TEXT, {"Content-Type": "text/plain"}, None),
    "another charset": (415, "POST", "/studies", TEXT, {"Content-Type": "application/json; charset=utf-16"}, None),
    "no content type": (415, "POST", "/studies", TEXT.encode(), {"Content-Type": None}, None),
    "compressed": (415, "POST", "/studies", gzip.compress(TEXT.encode()), {**JSON, "Content-Encoding": "gzip"}, None),
    "validate_only perhaps": (400, "POST", "/studies?validate_only=perhaps", TEXT, JSON, None),
    "unknown query parameter": (400, "GET", "/studies?sate=running", None, {}, None),
    "a query parameter twice": (400, "GET", "/studies?page_size=1&page_size=2", None, {}, None),
    "unknown state": (400, "GET", "/studies?state=done", None, {}, None),
    "page_size 0": (400, "GET", "/studies?page_size=0", None, {}, None),
    "page_size 1001": (400, "GET", "/studies?page_size=1001", None, {}, None),
    "page_size ten": (400, "GET", "/studies?page_size=ten", None, {}, None),
    "page_token made up": (400, "GET", "/studies?page_token=abcd", None, {}, None),
    "page_token of another kind": (400, "GET", "/studies?page_token=eyJzIjoiIiwiayI6W3t9XX0", None, {}, None),
    "since a word": (400, "GET", "/events?since=now", None, {}, None),
    "Last-Event-ID a word": (400, "GET", "/events", None, {"Last-Event-ID": "x"}, None),
    "no such study": (404, "GET", "/studies/nowhere", None, {}, None),
    "no such study's trials": (404, "GET", "/studies/nowhere/trials", None, {}, None),
    "no such study's best": (404, "GET", "/studies/nowhere/best", None, {}, None),
    "no such study's export": (404, "GET", "/studies/nowhere/export", None, {}, None),
    "no such study's events": (404, "GET", "/studies/nowhere/events", None, {}, None),
    "no such study to pause": (404, "POST", "/studies/nowhere/pause", None, {}, None),
    "no such study to delete": (404, "DELETE", "/studies/nowhere", None, {}, None),
    "no such study to change": (404, "PATCH", "/studies/nowhere", '{"priority": 1}', JSON, None),
    "no such study to ask": (404, "POST", "/studies/nowhere/suggest", '{"client_id": "a"}', JSON, None),
    "trial minus one": (404, "GET", "/studies/nowhere/trials/-1", None, {}, None),
    "trial 10^20": (404, "GET", "/studies/nowhere/trials/" + "9" * 20, None, {}, None),
    "no such worker": (404, "POST", "/workers/nowhere/drain", None, {}, None),
    "no such data set": (404, "GET", "/datasets/nowhere", None, {}, None),
    "no such data set to delete": (404, "DELETE", "/datasets/nowhere", None, {}, None),
    "nothing there": (404, "GET", "/nothing", None, {}, None),
    "dots": (404, "GET", "/datasets/..%2F..%2Ftunerd.db", None, {}, None),
    "a NUL in the address": (400, "GET", "/studies/a%00b", None, {}, None),
    "method not there": (405, "DELETE", "/studies", None, {}, None),
    "unknown method": (405, "BREW", "/studies", None, {}, None),
    "a body where none belongs": (400, "DELETE", "/studies/nowhere", "{}", JSON, None),
    "a body to pause": (422, "POST", "/studies/nowhere/pause", '{"force": true}', JSON, ["/force"]),
    "an empty idempotency key": (400, "POST", "/studies/nowhere/pause", None, {"Idempotency-Key": ""}, None),
    "an endless idempotency key": (400, "POST", "/studies/nowhere/pause", None, {"Idempotency-Key": "k" * 300}, None),
    "another host": (403, "GET", "/studies", None, {"Host": "evil.example"}, None),
    "a host without its port": (403, "GET", "/studies", None, {"Host": "127.0.0.1"}, None),
    "another origin": (403, "POST", "/studies", TEXT, {**JSON, "Origin": "http://evil.example"}, None),
    "origin null": (403, "POST", "/studies", TEXT, {**JSON, "Origin": "null"}, None),
    "a data set with a bad name": (422, "PUT", "/datasets/a%20b/x.csv", b"a,b\n1,2\n", {}, None),
    "a data set file with a bad name": (422, "PUT", "/datasets/a/..%2Fx", b"a,b\n1,2\n", {}, None),
    "a hidden data set file": (422, "PUT", "/datasets/a/.x", b"a,b\n1,2\n", {}, None),
    "an unknown data set to register": (None, "POST", "/datasets/nowhere", '{"format": "csv"}', JSON, None),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_wrong_request(shared_coordinator, name):
    status, method, path, body, headers, pointers = REQUESTS[name]
    data = body() if callable(body) else body
    answer = shared_coordinator.request(method, path, data=data, headers=headers)
    if status is None:
        assert answer.status_code in (400, 404, 422), answer.text
        status = answer.status_code
    check_problem(answer, status, pointers)
    if status == 405:
        assert "GET" in answer.headers["Allow"]


def idx(magic, dims, data):
    return struct.pack(">I", magic) + b"".join(struct.pack(">I", d) for d in dims) + data


# name: (files, source)
DATASETS = {
    "IDX with a wrong magic": ({"train-images-idx3-ubyte": idx(0xdeadbeef, [2, 2, 2], b"12345678"),
                                "train-labels-idx1-ubyte": idx(0x0801, [2], b"\0\1")}, {"format": "idx"}),
    "IDX cut short": ({"train-images-idx3-ubyte": idx(0x0803, [2, 2, 2], b"123"),
                       "train-labels-idx1-ubyte": idx(0x0801, [2], b"\0\1")}, {"format": "idx"}),
    "IDX of 2^93 bytes": ({"train-images-idx3-ubyte": idx(0x0803, [2**31, 2**31, 2**31], b"123"),
                           "train-labels-idx1-ubyte": idx(0x0801, [2], b"\0\1")}, {"format": "idx"}),
    "IDX with fewer labels": ({"train-images-idx3-ubyte": idx(0x0803, [2, 1, 1], b"12"),
                               "train-labels-idx1-ubyte": idx(0x0801, [1], b"\0")}, {"format": "idx"}),
    "gzip that is none": ({"train-images-idx3-ubyte.gz": b"not gzip", "train-labels-idx1-ubyte.gz": b"neither"},
                          {"format": "idx"}),
    "CSV without the target": ({"a.csv": b"x,y\n1,2\n3,4\n"}, {"format": "csv", "target": "z"}),
    "CSV with a ragged row": ({"a.csv": b"x,y\n1,2\n3\n"}, {"format": "csv", "target": "y"}),
    "CSV without rows": ({"a.csv": b"x,y\n"}, {"format": "csv", "target": "y"}),
    "an empty CSV": ({"a.csv": b""}, {"format": "csv"}),
    "NPY cut short": ({"x.npy": b"\x93NUMPY\x01\x00"}, {"format": "npy"}),
    "unknown format": ({"a.csv": b"x,y\n1,2\n"}, {"format": "parquet"}),
    "unknown member": ({"a.csv": b"x,y\n1,2\n"}, {"formatt": "csv"}),
}


@pytest.mark.parametrize("name", DATASETS)
def test_wrong_data_set(shared_coordinator, name):
    files, source = DATASETS[name]
    for file, data in files.items():
        answer = shared_coordinator.request("PUT", f"/datasets/bad/{file}", data=data)
        assert answer.status_code in (200, 201), answer.text
    try:
        answer = shared_coordinator.request("POST", "/datasets/bad", json=source)
        check_problem(answer, 413 if "2^93" in name else 422)
        study = changed(("/dataset", {"name": "bad", "validation_split": 0.2}))
        check_problem(shared_coordinator.request("POST", "/studies", json=study), 422, ["/dataset/name"])
    finally:
        assert shared_coordinator.request("DELETE", "/datasets/bad").status_code == 204


HOST = b"Host: 127.0.0.1:%d\r\n"
LENGTH = b"Content-Type: application/json\r\nContent-Length: 2\r\n"

# Bytes as they are: name: (status, request; %H is a good Host line). The connection must end, since nothing
# behind such a request can be trusted.
RAW = {
    "two Host": (400, b"GET /healthz HTTP/1.1\r\n%HHost: evil.example\r\n\r\n"),
    "no Host": (400, b"GET /healthz HTTP/1.1\r\n\r\n"),
    "space before the colon": (400, b"GET /healthz HTTP/1.1\r\n%HX : y\r\n\r\n"),
    "two Content-Length": (400, b"POST /api/v1/studies HTTP/1.1\r\n%H" + LENGTH + b"Content-Length: 2\r\n\r\n{}"),
    "Content-Length and chunked": (400, b"POST /api/v1/studies HTTP/1.1\r\n%H" + LENGTH +
                                   b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "Content-Length -1": (400, b"POST /api/v1/studies HTTP/1.1\r\n%HContent-Length: -1\r\n\r\n"),
    "Content-Length 10^30": (413, b"POST /api/v1/studies HTTP/1.1\r\n%HContent-Length: 1" + b"0" * 30 + b"\r\n\r\n"),
    "Content-Length 10^12": (413, b"POST /api/v1/studies HTTP/1.1\r\n%HContent-Type: application/json\r\n"
                             b"Content-Length: 1000000000000\r\n\r\n"),
    "gzip coding": (501, b"POST /api/v1/studies HTTP/1.1\r\n%HTransfer-Encoding: gzip\r\n\r\n"),
    "a chunk size that is none": (400, b"POST /api/v1/studies HTTP/1.1\r\n%HContent-Type: application/json\r\n"
                                  b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a control byte in a value": (400, b"GET /healthz HTTP/1.1\r\n%HX: a\x01b\r\n\r\n"),
    "100 header lines": (413, b"GET /healthz HTTP/1.1\r\n%H" + b"X: y\r\n" * 100 + b"\r\n"),
    "a header of 20 KB": (431, b"GET /healthz HTTP/1.1\r\n%HX: " + b"y" * 20000 + b"\r\n\r\n"),
    "an address of 20 KB": (414, b"GET /" + b"y" * 20000 + b" HTTP/1.1\r\n%H\r\n"),
    "a broken escape": (400, b"GET /api/v1/studies/a%2 HTTP/1.1\r\n%H\r\n"),
    "a space in the address": (400, b"GET /healthz x HTTP/1.1\r\n%H\r\n"),
    "an absolute address": (400, b"GET http://127.0.0.1/healthz HTTP/1.1\r\n%H\r\n"),
    "OPTIONS *": (400, b"OPTIONS * HTTP/1.1\r\n%H\r\n"),
    "HTTP/2.0": (505, b"GET /healthz HTTP/2.0\r\n%H\r\n"),
    "HTTP/0.9": (400, b"GET /healthz\r\n\r\n"),
    "a line without a colon": (400, b"GET /healthz HTTP/1.1\r\n%HX\r\n\r\n"),
}


def exchange(port, data, timeout=20):
    with socket.create_connection(("127.0.0.1", port), timeout) as s:
        s.sendall(data)
        answer = b""
        while True:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                return answer, True
            except TimeoutError:
                return answer, False
            if not piece:
                return answer, True
            answer += piece


@pytest.mark.parametrize("name", RAW)
def test_wrong_bytes(shared_coordinator, name):
    status, request = RAW[name]
    answer, closed = exchange(shared_coordinator.port, request.replace(b"%H", HOST % shared_coordinator.port))
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert closed


def test_a_refused_body_is_not_read_as_the_next_request(shared_coordinator):
    port = shared_coordinator.port
    inner = b"GET /healthz HTTP/1.1\r\n" + HOST % port + b"\r\n"
    for method in (b"DELETE /api/v1/studies/x", b"GET /healthz", b"BREW /healthz", b"POST /nothing"):
        request = method + b" HTTP/1.1\r\n" + HOST % port + b"Content-Length: %d\r\n\r\n" % len(inner) + inner
        answer, _ = exchange(port, request, timeout=1)
        assert answer.count(b"HTTP/1.1 200") == 0 and answer.count(b"HTTP/1.1 4") == 1, answer


def test_a_large_body_with_expect_is_refused_before_it_is_sent(shared_coordinator):
    port = shared_coordinator.port
    answer, closed = exchange(port, b"POST /api/v1/studies HTTP/1.1\r\n" + HOST % port +
                              b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
                              b"Content-Length: 20000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ") and closed


def mutated(rng, request):
    """A few bytes flipped, doubled, cut or moved; whole lines repeated or dropped."""
    data = bytearray(request)
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randrange(len(data)), rng.choice((1, 1, 2, 7))
        how = rng.randrange(6)
        if how == 0:
            data[at] = rng.randrange(256)
        elif how == 1:
            data[at:at] = bytes(rng.randrange(256) for _ in range(size))
        elif how == 2:
            del data[at:at + size]
        elif how == 3:
            data[at:at] = rng.choice((b"\r\n", b"\0", b"%00", b":", b" ", b"9" * 20, b"-1", b"\xff", b"{", b'"'))
        elif how == 4:
            lines = bytes(data).split(b"\r\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            data = bytearray(b"\r\n".join(lines))
        else:
            data[at:at] = data[at:at + 40]
        if not data:
            return request
    return bytes(data)


def test_spoilt_requests_stop_nothing(shared_coordinator):
    rng = random.Random(int(os.environ.get("TUNERD_FUZZ_SEED", "1")))
    host = HOST % shared_coordinator.port
    body = TEXT.encode()
    good = [
        b"GET /api/v1/studies?state=running&page_size=3 HTTP/1.1\r\n%sAccept: */*\r\n\r\n" % host,
        b"GET /api/v1/studies/x/trials?sort=-score,number HTTP/1.1\r\n%sIf-None-Match: \"a\"\r\n\r\n" % host,
        b"GET /api/v1/events?since=7 HTTP/1.1\r\n%sLast-Event-ID: 3\r\nConnection: close\r\n\r\n" % host,
        b"GET / HTTP/1.1\r\n%sAccept-Encoding: gzip;q=0.5, br\r\n\r\n" % host,
        b"POST /api/v1/studies?validate_only=true HTTP/1.1\r\n%sContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (host, len(body), body),
        b"POST /api/v1/studies?validate_only=true HTTP/1.1\r\n%sContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (host, len(body), body),
        b"PATCH /api/v1/studies/x HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
        b'{"priority": 1}' % host,
        b"DELETE /api/v1/datasets/x HTTP/1.1\r\n%sAuthorization: Bearer x\r\n\r\n" % host,
    ]
    for _ in range(int(os.environ.get("TUNERD_FUZZ_ROUNDS", "300"))):
        with socket.create_connection(("127.0.0.1", shared_coordinator.port), 0.2) as s:
            s.sendall(mutated(rng, rng.choice(good)))  # may be half a request: then nothing comes
            s.shutdown(socket.SHUT_WR)
            try:
                first = s.recv(12)
            except (ConnectionResetError, TimeoutError):
                first = b""
            assert first == b"" or first.startswith(b"HTTP/1.1 "), first
    assert shared_coordinator.request("GET", "/healthz").status_code == 200


def test_nothing_is_left_and_nothing_has_stopped(shared_coordinator):
    """Last in this file: after all of the above."""
    assert shared_coordinator.alive()
    assert shared_coordinator.request("GET", "/healthz").status_code == 200
    assert shared_coordinator.get("/studies")["studies"] == []
    names = {d["name"] for d in shared_coordinator.get("/datasets")["datasets"]}
    assert names == {"blobs", "spirals", "linear"}
    store = sqlite3.connect(f"file:{shared_coordinator.state_dir}/tunerd.db?mode=ro", uri=True)
    for table in ("studies", "trials", "executions", "datasets", "dataset_files", "idempotency"):
        assert store.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    store.close()
    assert list((shared_coordinator.state_dir / "incoming").iterdir()) == []
