"""study.schema.json and the parser take and refuse the same documents."""
import copy
import json
import os
import pathlib
import random
import subprocess
import sys

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = pathlib.Path(os.environ.get("TUNERD_BIN_DIR", ROOT / "build" / "asan")) / "tests" / "tools" / "spec_check"
SCHEMA = ROOT / "schema" / "study.schema.json"
DOCUMENTS = ROOT / "tests" / "documents"


def parsed(documents):
    """What the parser answers to each document."""
    text = "".join(json.dumps(document) + "\n" for document in documents)
    done = subprocess.run([TOOL], input=text, capture_output=True, text=True, timeout=300, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(documents)
    return answers


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def good():
    paths = [*sorted((DOCUMENTS / "good").glob("*.json")), *sorted((ROOT / "schema" / "examples").glob("*.json"))]
    return {path.stem: json.loads(path.read_text()) for path in paths}


@pytest.fixture(scope="module")
def bad():
    return {path.stem: json.loads(path.read_text()) for path in sorted((DOCUMENTS / "bad").glob("*.json"))}


def test_the_schema_is_made_from_the_catalogue():
    tables = subprocess.run([TOOL, "--tables"], capture_output=True, timeout=60, check=True).stdout
    made = subprocess.run([sys.executable, ROOT / "schema" / "study_schema.py"], input=tables,
                          capture_output=True, timeout=60, check=True).stdout
    assert made.decode() == SCHEMA.read_text(), "run: make schema"


def test_good_documents_are_taken_by_both(validator, good):
    for name, answer in zip(good, parsed(good.values())):
        assert answer["ok"], f"{name}: {answer['faults']}"
        error = jsonschema.exceptions.best_match(validator.iter_errors(good[name]))
        assert error is None, f"{name}: {list(error.absolute_path)}: {error.message}"


def test_bad_documents_are_refused_by_both(validator, bad):
    silent = 0
    for (name, case), answer in zip(bad.items(), parsed([case["document"] for case in bad.values()])):
        assert any(fault["pointer"] == case["pointer"] and case["says"] in fault["detail"]
                   for fault in answer["faults"]), f"{name}: {answer}"
        cannot_say = case.get("schema") == "cannot say"
        assert validator.is_valid(case["document"]) == cannot_say, f"{name}: the schema says otherwise"
        silent += cannot_say
    assert silent <= 50 < 150 <= len(bad) - silent


def places(tree, path=()):
    """Every place of a document below its root."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        yield path + (key,)
        yield from places(child, path + (key,))


def spoiled(rng, document, donors):
    document = copy.deepcopy(document)
    path = rng.choice(list(places(document)))
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    act = rng.randrange(3)
    if act == 0:
        del parent[path[-1]]
    elif act == 1:
        parent[path[-1]] = rng.choice([None, True, 0, 1, -1, 0.5, 65, 1e300, "", "x", "relu", "Dense", "log",
                                       [], {}, [1], {"hp": "Boolean", "name": "q"},
                                       {"hp": "Int", "name": "q", "min_value": 1, "max_value": 3},
                                       {"hp": "Choice", "name": "q", "values": ["relu", "tanh"]}])
    else:
        donor = rng.choice(donors)
        piece = donor
        for key in rng.choice(list(places(donor))):
            piece = piece[key]
        parent[path[-1]] = copy.deepcopy(piece)
    return document


def test_the_schema_is_never_stricter_than_the_parser(validator, good):
    rng = random.Random(7)
    donors = list(good.values())
    documents = [spoiled(rng, rng.choice(donors), donors) for _ in range(1500)]
    answers = parsed(documents)
    agreed = 0
    for document, answer in zip(documents, answers):
        valid = validator.is_valid(document)
        assert valid or not answer["ok"], (
            json.dumps(document), jsonschema.exceptions.best_match(validator.iter_errors(document)).message)
        agreed += valid == answer["ok"]
    # The rest is what a schema cannot say: names, objectives and shapes across the document.
    assert agreed > 0.85 * len(documents)
