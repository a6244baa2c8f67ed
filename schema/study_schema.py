#!/usr/bin/env python3
"""Writes study.schema.json (JSON Schema 2020-12 of a study document) from the catalogue's tables.

    build/release/tests/tools/spec_check --tables | schema/study_schema.py > schema/study.schema.json

What the catalogue knows of names, arguments, bounds and defaults comes from the tables; the shape of a
study, its repeats, switches and hyperparameters stands here. What crosses from one place of the document
to another (names declared twice, objectives among the metrics, shapes) is for the parser alone.
"""
import json
import sys

SCALAR = ["string", "number", "boolean"]
WHOLE = {"type": "integer", "minimum": -2**53, "maximum": 2**53}
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
PLAIN = "^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$"


def ref(name):
    return {"$ref": "#/$defs/" + name}


def any_of(*schemas):
    flat = []
    for schema in schemas:
        flat += schema["anyOf"] if list(schema) == ["anyOf"] else [schema]
    return flat[0] if len(flat) == 1 else {"anyOf": flat}


def or_null(schema):
    return any_of(schema, {"type": "null"})


def closed(properties, required=()):
    return {"type": "object", "properties": properties, "required": list(required),
            "additionalProperties": False}


def list_of(items, least, most):
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


# Hyperparameters ------------------------------------------------------------------------------------

def declaration(kind, properties, required):
    common = {"hp": {"const": kind}, "name": ref("hp_name"), "parent_name": {"type": "string"},
              "parent_values": any_of({"type": SCALAR}, list_of({"type": SCALAR}, 1, 10000))}
    schema = closed({**common, **properties}, ["hp", "name", *required])
    schema["dependentRequired"] = {"parent_name": ["parent_values"], "parent_values": ["parent_name"]}
    return schema


def range_declaration(kind, number):
    schema = declaration(kind, {
        "min_value": number, "max_value": number,
        "step": or_null({**number, "minimum": 0, "exclusiveMinimum": 0}),
        "sampling": {"enum": ["linear", "log", "reverse_log", None], "default": "linear"},
        "default": or_null(number)}, ["min_value", "max_value"])
    schema["properties"]["step"]["anyOf"][0].pop("minimum")
    schema["if"] = {"properties": {"sampling": {"enum": ["log", "reverse_log"]}}, "required": ["sampling"]}
    schema["then"] = {"properties": {"min_value": {"exclusiveMinimum": 0},
                                     "step": any_of({"type": "null"}, {"exclusiveMinimum": 1})}}
    return schema


def hyperparameters():
    values = list_of({"type": SCALAR}, 1, 10000)
    values["uniqueItems"] = True
    values["anyOf"] = [{"items": {"type": kind}} for kind in SCALAR]
    choice = declaration("Choice", {"values": values, "ordered": {"type": ["boolean", "null"]},
                                    "default": {"type": [*SCALAR, "null"]}}, ["values"])
    choice["if"] = {"properties": {"values": {"items": {"type": "string"}}}}
    choice["then"] = {"properties": {"ordered": {"not": {"const": True}}}}
    return {
        "hp_name": {"type": "string", "minLength": 1, "maxLength": 128,
                    "pattern": "^[^\\u0000-\\u001f\\u007f]*$",
                    "description": "{i} stands for the index of the repeat around it"},
        "Int": range_declaration("Int", WHOLE),
        "Float": range_declaration("Float", {"type": "number"}),
        "Choice": choice,
        "Boolean": declaration("Boolean", {"default": {"type": ["boolean", "null"]}}, []),
        "Fixed": declaration("Fixed", {"value": {"type": SCALAR}}, ["value"]),
        "Ref": closed({"hp": {"const": "Ref"}, "name": ref("hp_name")}, ["hp", "name"]),
    }


def within(name, properties):
    return {**ref(name), "properties": properties}


def varied(schema, ranges=(), bounds=None, boolean=False):
    """schema, or a hyperparameter whose every value it takes."""
    bounds = bounds or {}
    found = [schema]
    found += [within(name, {"min_value": bounds, "max_value": bounds}) if bounds else ref(name)
              for name in ranges]
    found += [within("Choice", {"values": {"items": schema}}), within("Fixed", {"value": schema})]
    found += [ref("Boolean")] if boolean else []
    return any_of(*found, ref("Ref"))


# Arguments and entries ------------------------------------------------------------------------------

class Catalogue:
    def __init__(self, tables):
        self.tables = tables
        self.arguments = {}  # $defs of arguments, each content once

    def shared(self, arg, schema, what="argument"):
        """A reference to the schema among the $defs, where arguments of equal content meet."""
        if what == "value" and len(json.dumps(schema)) < 60:
            return schema
        base = {"name_of": arg.get("kind"), "boolean": "flag"}.get(arg["type"], arg["name"])
        number = 1
        while True:
            name = f"{what}.{base}" + (f".{number}" if number > 1 else "")
            if self.arguments.setdefault(name, schema) == schema:
                return ref(name)
            number += 1

    def names(self, kind, bare=False):
        """All names of a kind; bare: those that need no argument."""
        return [name for entry in self.tables[kind] for name in [entry["name"], *entry["aliases"]]
                if not (bare and any(arg["required"] for arg in entry["args"]))]

    def of_type(self, arg):
        """The schema of a concrete value, the ranges that may stand for it, its bounds."""
        bounds = {key: arg[key] for key in BOUNDS if key in arg}
        kind, count = arg["type"], arg["count"]
        if kind in ("integer", "number"):
            return ({"type": kind, **bounds}, ["Int"] if kind == "integer" else ["Int", "Float"], bounds)
        if kind == "boolean":
            return {"type": "boolean"}, [], None
        if kind == "name":
            return {"enum": arg["names"]}, [], None
        if kind in ("string", "strings"):
            text = {"type": "string", "minLength": 1, "maxLength": arg.get("maximum", 128)}
            if arg["plain"]:
                text["pattern"] = PLAIN
            return (text if kind == "string" else any_of(text, list_of(text, 0, 64))), [], None
        if kind == "integers":
            one = {"type": "integer", **bounds}
            many = list_of(varied(one, ["Int"], bounds), count or 1, count or 64)
            return one, ["Int"], bounds, many
        if kind == "numbers":
            return list_of(varied({"type": "number", **bounds}, ["Int", "Float"], bounds), 1, 64), None, None
        if kind == "name_of":
            return {"enum": self.names(arg["kind"])}, [], None
        if kind == "entry":
            return {"enum": self.names(arg["kind"], bare=True)}, [], None, ref(arg["kind"])
        if kind == "entries":
            item = varied({"enum": self.names(arg["kind"], bare=True)})
            return list_of(any_of(item, ref(arg["kind"])), 0, count), None, None
        if kind == "schedule":
            number = {"type": "number", **bounds}
            return (any_of(number, {"enum": self.names("schedule", bare=True)}), ["Int", "Float"], bounds,
                    ref("schedule"))
        if kind == "object":
            return ref(arg["of"]), None, None
        if kind == "weights":
            weight = varied({"type": "number", "minimum": 0}, ["Int", "Float"], {"minimum": 0})
            return {"type": "object", "patternProperties": {"^(0|[1-9][0-9]{0,6})$": weight},
                    "additionalProperties": False}, None, None
        raise ValueError(kind)

    def argument(self, arg):
        schema, ranges, bounds, *beside = self.of_type(arg)
        if not arg["fixed"] and ranges is not None:
            schema = varied(self.shared(arg, schema, "value"), ranges, bounds, boolean=arg["type"] == "boolean")
        schema = any_of(schema, *beside)
        if arg["nullable"]:
            schema = or_null(schema)
        schema = self.shared(arg, schema)
        default = json.loads(arg["default"])
        return schema if arg["required"] or default is None else {**schema, "default": default}

    def entry(self, entry, typed, special=None):
        properties = {"type": {"enum": [entry["name"], *entry["aliases"]]}} if typed else {}
        for arg in entry["args"]:
            properties[arg["name"]] = (special or {}).get(arg["name"]) or self.argument(arg)
        required = ["type"] if typed else []
        return closed(properties, required + [arg["name"] for arg in entry["args"] if arg["required"]])

    def kind(self, kind):
        """Any entry of a kind; with a hyperparameter as its type the parser checks the arguments."""
        chosen = {"type": "object", "required": ["type"],
                  "properties": {"type": any_of(within("Choice", {"values": {"items": {"enum": self.names(kind)}}}),
                                                within("Fixed", {"value": {"enum": self.names(kind)}}),
                                                ref("Ref"))}}
        return any_of(*(self.entry(entry, True) for entry in self.tables[kind]), chosen)


# The study ------------------------------------------------------------------------------------------

def layers(least):
    return list_of(ref("layer_or_more"), least, 512)


def structure(catalogue):
    count = {"type": "integer", "minimum": 0, "maximum": 64}
    bounds = {"minimum": 0, "maximum": 64}
    return {
        "layer_or_more": {
            "if": {"type": "object", "required": ["repeat"]}, "then": ref("repeat"),
            "else": {"if": {"type": "object", "required": ["switch"]}, "then": ref("switch"),
                     "else": ref("layer")}},
        "repeat": closed({"repeat": varied(count, ["Int"], bounds),
                          "as": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,31}$", "default": "i"},
                          "layers": layers(1)}, ["repeat", "layers"]),
        "switch": closed({
            "switch": any_of({"type": SCALAR}, ref("Choice"), ref("Boolean"), ref("Fixed"), ref("Int"),
                             {**ref("Float"), "required": ["step"], "properties": {"step": {"type": "number"}}},
                             ref("Ref")),
            "cases": {"type": "object", "minProperties": 1, "additionalProperties": layers(0)}},
            ["switch", "cases"]),
        "model": closed({"layers": layers(1)}, ["layers"]),
        "objective": any_of(
            ref("metric_objective"),
            closed({"expression": {"type": "string", "maxLength": 1000},
                    "direction": {"enum": ["min", "max"]}}, ["expression", "direction"]),
            list_of(ref("metric_objective"), 1, 16)),
        "metric_objective": any_of(
            {"type": "string", "minLength": 1, "maxLength": 160},
            closed({"name": {"type": "string", "minLength": 1, "maxLength": 160},
                    "direction": {"enum": ["min", "max"]}}, ["name"])),
        "tuner": any_of(*(tuner(catalogue, entry) for entry in catalogue.tables["tuner"])),
    }


def tuner(catalogue, entry):
    schema = catalogue.entry(entry, True, {"objective": ref("objective")})
    if entry["name"] == "Auto":
        schema["required"].remove("type")
        schema["properties"]["type"]["default"] = "Auto"
    return schema


def study(catalogue):
    sections = {entry["name"]: entry for entry in catalogue.tables["section"]}
    parameter = any_of(*(ref(name) for name in ("Int", "Float", "Choice", "Boolean", "Fixed")))
    special = {name: or_null(ref(name)) for name in ("dataset", "model", "compile", "fit")}
    special["parameters"] = or_null({"type": "array", "items": parameter, "minItems": 1})
    special["tuner"] = ref("tuner")
    schema = catalogue.entry(sections["study"], False, special)
    absent = {"type": "null"}
    schema["oneOf"] = [
        {"description": "trains a model", "required": ["dataset", "model", "compile"],
         "properties": {"dataset": {"type": "object"}, "model": {"type": "object"},
                        "compile": {"type": "object"}, "parameters": absent}},
        {"description": "asks and tells", "required": ["parameters"],
         "properties": {"parameters": {"type": "array"}, "dataset": absent, "model": absent,
                        "compile": absent, "fit": absent}},
    ]
    definitions = {**hyperparameters(), **structure(catalogue)}
    for name in ("dataset", "split", "generate", "compile", "fit"):
        definitions[name] = catalogue.entry(sections[name], False)
    for kind in ("layer", "regularizer", "optimizer", "loss", "metric", "callback", "schedule"):
        definitions[kind] = catalogue.kind(kind)
    definitions.update(catalogue.arguments)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "tunerd study",
            "description": "Made by study_schema.py from the catalogue; do not edit.",
            **schema, "$defs": definitions}


def lines(value, indent=0, width=100):
    """JSON text with short values on one line."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) + indent <= width or not isinstance(value, (dict, list)) or not value:
        return text
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {lines(item, indent + 2, width)}" for key, item in value.items()]
    else:
        items = [lines(item, indent + 2, width) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(pad + item for item in items) + "\n" + " " * indent + closing


def main():
    print(lines(study(Catalogue(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
