"""The slow tier: what exactly is unusual about a JSON object that failed the cheap proof of `shape`.

Every field is looked at with the JSON type that the producer gave it: Spark's variant keeps it, where `from_json`
would turn ``5`` into ``"5"``. Out come the event with only the values that fit, and one finding for each that does
not: one with a failure type rejects the record, one without is a warning whose value is rescued.

It runs interpreted (`json_values.let`): only unusual records pay, and the generated code of the common path stays
small.
"""

from __future__ import annotations

import json

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines import schemas
from pipelines.transforms import vocabulary
from pipelines.transforms.field_checks import check_leaf, declarations, finding, no_findings, problem, typed
from pipelines.transforms.json_values import (
    json_type,
    let,
    members,
    outside_strings,
    without_numbered_keys,
)

_OBJECTS = {f.name: f.dataType for f in schemas.EVENT if isinstance(f.dataType, T.StructType)}
_SCALARS = [f for f in schemas.EVENT if f.name not in {*_OBJECTS, "items"}]
_LEAVES = [("", f) for f in _SCALARS] + [(name, f) for name, fields in _OBJECTS.items() for f in fields]
# Numbers of which a variant's double, or its decimal of 38 digits, may have lost something.
_INEXACT_NUMBER = r"[0-9.]{39}|[0-9.]{16}[eE]|[0-9.]+[eE]-[0-9]{3}"
_PLAIN_KEY = r"\A[A-Za-z_][A-Za-z0-9_-]*\z"
_PRIVATE_KEYS = tuple({path.split(".")[-1].replace("_", "") for path in vocabulary.PRIVATE} | {"ip"})


def diagnose(value: Column, is_numbered: Column, text: Column, mark: str) -> Column:
    """struct<event, findings> of `text`, which is one JSON object: `value` as a variant.

    Where it repeats keys, `value` has numbered keys instead (`json_values.with_numbered_keys`, with that `mark`), and
    the last one of a name counts.
    """
    parsed = F.struct(
        members(value, is_numbered, mark).alias("top"),
        is_numbered.alias("is_numbered"),
        (text.rlike(_INEXACT_NUMBER) & outside_strings(text).rlike(_INEXACT_NUMBER)).alias("has_inexact_number"),
    )
    return let(let(let(parsed, lambda p: _unpack(p, mark)), _check), lambda d: _as_sent(d, is_numbered, mark))


def _unpack(parsed: Column, mark: str) -> Column:
    """struct<objects: name → members ("" is the event), items: its elements, …>."""
    top, is_numbered, inexact = parsed["top"], parsed["is_numbered"], parsed["has_inexact_number"]
    names = F.array(*map(F.lit, _OBJECTS))
    objects = F.transform(names, lambda name: members(F.try_element_at(top, name), is_numbered, mark))
    elements = F.transform(
        F.try_variant_get(F.try_element_at(top, F.lit("items")), "$", "array<variant>"),
        lambda v: F.struct(
            v.alias("given"), members(v, is_numbered, mark).alias("members"), inexact.alias("has_inexact_number")
        ),
    )
    return F.struct(
        F.map_from_arrays(F.concat(F.array(F.lit("")), names), F.concat(F.array(top), objects)).alias("objects"),
        elements.alias("items"),
        inexact.alias("has_inexact_number"),
    )


def _as_sent(diagnosis: Column, is_numbered: Column, mark: str) -> Column:
    """The diagnosis with the values of its findings as they were sent."""
    plain = F.transform(diagnosis["findings"], lambda f: f.withField("value", without_numbered_keys(f["value"], mark)))
    findings = F.when(is_numbered, plain).otherwise(diagnosis["findings"])
    return F.struct(diagnosis["event"].alias("event"), findings.alias("findings"))


def _check(unpacked: Column) -> Column:
    def check(field: Column) -> Column:
        value = F.try_element_at(F.try_element_at(unpacked["objects"], field["container"]), field["name"])
        prefix = F.when(field["container"] == "", "").otherwise(F.concat(field["container"], F.lit(".")))
        return check_leaf(field, value, F.concat(prefix, field["name"]), unpacked["has_inexact_number"])

    results = F.struct(
        F.transform(declarations(_LEAVES), check).alias("leaves"),
        F.transform(unpacked["items"], _check_item).alias("items"),
        F.map_keys(F.map_filter(unpacked["objects"], lambda _, found: found.isNotNull())).alias("present"),
        F.concat(_wrong_containers(unpacked), _unknown_fields(unpacked)).alias("findings"),
    )
    return let(results, _assemble)


def _check_item(item: Column, index: Column) -> Column:
    """One element of items as struct<leaves, findings>; `leaves` is null unless it is an object."""
    path = F.concat(F.lit("items["), index.cast("string"), F.lit("]"))
    prefix = F.concat(path, F.lit("."))

    def check(field: Column) -> Column:
        value = F.try_element_at(item["members"], field["name"])
        return check_leaf(field, value, F.concat(prefix, field["name"]), item["has_inexact_number"])

    leaves = F.transform(declarations([("items[]", f) for f in schemas.ITEM]), check)
    no_object = finding(item["given"], path, problem("type", "object", "must be a JSON object", F.lit("TYPE_MISMATCH")))
    is_object = item["members"].isNotNull()
    return F.struct(
        F.when(is_object, leaves).alias("leaves"),
        F.when(is_object, _unknown_keys(item["members"], F.array(*map(F.lit, schemas.ITEM.names)), prefix))
        .otherwise(F.array(no_object))
        .alias("findings"),
    )


def _assemble(results: Column) -> Column:
    """struct<event, findings> from the results of all checks."""
    leaves = {(place, f.name): typed(F.get(results["leaves"], i), f) for i, (place, f) in enumerate(_LEAVES)}

    def item(checked: Column) -> Column:
        values = [typed(F.get(checked["leaves"], i), field) for i, field in enumerate(schemas.ITEM)]
        return F.when(checked["leaves"].isNotNull(), F.struct(*values))

    columns = {f.name: leaves["", f.name] for f in _SCALARS}
    for name, fields in _OBJECTS.items():
        value = F.struct(*[leaves[name, f.name] for f in fields])
        columns[name] = F.when(F.array_contains(results["present"], name), value)
    columns["items"] = F.transform(results["items"], item)
    in_items = F.flatten(F.transform(results["items"], lambda i: F.concat(_found(i["leaves"]), i["findings"])))
    findings = F.concat(_found(results["leaves"]), F.coalesce(in_items, no_findings()), results["findings"])
    return F.struct(
        F.struct(*[columns[name].alias(name) for name in schemas.EVENT.names]).cast(schemas.EVENT).alias("event"),
        findings.alias("findings"),
    )


def _found(leaves: Column) -> Column:
    found = F.filter(F.transform(leaves, lambda leaf: leaf["found"]), lambda f: f.isNotNull())
    return F.coalesce(found, no_findings())


def _wrong_containers(unpacked: Column) -> Column:
    """Findings for declared objects, and the items array, that are something else."""

    def check(field: Column) -> Column:
        value = F.try_element_at(F.try_element_at(unpacked["objects"], F.lit("")), field["name"])
        message = F.concat(F.lit("must be a JSON "), field["kind"])
        failure_type = F.when(field["critical"], "TYPE_MISMATCH")
        fits = json_type(value).isin("null", field["kind"])
        return F.when(~fits, finding(value, field["name"], problem("type", field["kind"], message, failure_type)))

    containers = [("", f) for f in schemas.EVENT if f not in _SCALARS]
    return F.filter(F.transform(declarations(containers), check), lambda f: f.isNotNull())


def _unknown_fields(unpacked: Column) -> Column:
    declared = [{"name": "", "prefix": "", "keys": schemas.EVENT.names}]
    declared += [{"name": name, "prefix": f"{name}.", "keys": fields.names} for name, fields in _OBJECTS.items()]
    objects = F.from_json(F.lit(json.dumps(declared)), "array<struct<name string, prefix string, keys array<string>>>")
    return F.flatten(
        F.transform(
            objects, lambda o: _unknown_keys(F.try_element_at(unpacked["objects"], o["name"]), o["keys"], o["prefix"])
        )
    )


def _unknown_keys(entries: Column, declared: Column, prefix: Column) -> Column:
    """One warning per key that the contract does not declare. Values that look private are not rescued."""

    def found(entry: Column) -> Column:
        key = entry["key"]
        quoted = F.concat(F.lit('["'), F.replace(key, F.lit('"'), F.lit('\\"')), F.lit('"]'))
        path = F.concat(prefix, F.when(key.rlike(_PLAIN_KEY), key).otherwise(quoted))
        private = F.regexp_replace(F.lower(key), "[^a-z]", "").isin(*_PRIVATE_KEYS)
        value = F.when(~private, entry["value"])
        return finding(value, path, problem("unknown_field", "a declared field", "is not declared"))

    unknown = F.filter(F.map_entries(entries), lambda e: ~F.array_contains(declared, e["key"]))
    return F.coalesce(F.transform(unknown, found), no_findings())
