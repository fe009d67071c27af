"""The reference data that the enrichment is given: catalogue, referrers, user agents; and their hash.

Read once per start on the driver. A changed file is a changed `ruleset`, which every row names.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pipelines.cli import ConfigurationError
from pipelines.clients import S3Settings, split_s3_uri

_BUNDLED = resources.files("pipelines") / "reference"
_CATALOG_FIELDS = ("item_id", "name", "brand", "category", "price")
# The catalogue goes with the query plan, whole, to each task's JVM; more than this wants a broadcast join.
MAX_CATALOG_ITEMS = 50_000
# The rules, of which it is a part, go as one text: Jackson, with which Spark reads that, takes 20,000,000 characters.
MAX_CATALOG_CHARACTERS = 8_000_000


@dataclass(frozen=True)
class ReferenceData:
    """Lookup data of the enrichment.

    `catalog_json`: one JSON object, item_id → {item_id, name, brand, category, price}.
    `referrers`: (medium, regular expression over the host), first match wins.
    `user_agents`: (column, regular expression over the user agent, value), first match per column wins.
    """

    catalog_json: str
    referrers: tuple[tuple[str, str], ...]
    user_agents: tuple[tuple[str, str, str], ...]

    @property
    def ruleset(self) -> str:
        """A short hash of everything that decides what the enrichment adds."""
        content = json.dumps([self.catalog_json, self.referrers, self.user_agents])
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def load_reference_data(catalog_uri: str | None = None, s3: S3Settings | None = None) -> ReferenceData:
    """The bundled data, with the catalogue from `catalog_uri` (a path or s3a:// URI of JSON Lines) if given.

    Raises ConfigurationError naming CATALOG_URI if it cannot be read or is not a catalogue.
    """
    catalog = _read_catalog(catalog_uri, s3) if catalog_uri else _bundled("catalog.jsonl")
    return ReferenceData(
        catalog_json=_catalog_json(catalog, catalog_uri or "the bundled catalogue"),
        referrers=tuple((row["medium"], row["host_pattern"]) for row in _csv("referrers.csv")),
        user_agents=tuple((row["column"], row["pattern"], row["value"]) for row in _csv("user_agents.csv")),
    )


def _bundled(name: str) -> str:
    return (_BUNDLED / name).read_text(encoding="utf-8")


def _csv(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_bundled(name))))


def _read_catalog(uri: str, s3: S3Settings | None) -> str:
    place = split_s3_uri(uri)
    try:
        if place is None:
            return Path(uri.removeprefix("file://")).read_text(encoding="utf-8")
        response = (s3 or S3Settings()).client().get_object(Bucket=place[0], Key=place[1])
        return str(response["Body"].read().decode("utf-8"))
    except Exception as error:
        raise ConfigurationError(f"CATALOG_URI={uri} cannot be read ({type(error).__name__}).") from error


def _finite(number: str) -> float | None:
    """A price beyond all floats is none; JSON has no infinity."""
    value = float(number)
    return value if math.isfinite(value) else None


def _catalog_json(text: str, source: str) -> str:
    items = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=lambda _: None, parse_float=_finite)
            items[str(row["item_id"])] = {name: row.get(name) for name in _CATALOG_FIELDS}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"CATALOG_URI: line {number} of {source} is not a JSON object with an item_id."
            ) from error
    if len(items) > MAX_CATALOG_ITEMS:
        raise ConfigurationError(f"CATALOG_URI: {source} has more than {MAX_CATALOG_ITEMS:,} items.")
    made = json.dumps(items, separators=(",", ":"), ensure_ascii=False)
    if len(made) > MAX_CATALOG_CHARACTERS:
        raise ConfigurationError(
            f"CATALOG_URI: {source} has {len(made):,} characters of names, brands and categories; at most "
            f"{MAX_CATALOG_CHARACTERS:,} go to each task."
        )
    return made
