"""A document as one line for a terminal."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from pipelines.terminal import printable

_TALKING = {"purchase": "green", "refund": "magenta", "add_to_cart": "cyan", "begin_checkout": "cyan"}
_MOST_ERRORS = 3


def event_row(event: dict[str, Any]) -> Text:
    """When it happened, what, where, on which device and page, the items and their value, and the raw record."""
    added = event.get("enrichment") or {}
    money = event.get("ecommerce") or {}
    name, items = str(event.get("event_name", "?")), event.get("items") or []
    value = money.get("value", added.get("cart_value"))
    details = [
        added.get("page_path"),
        money.get("search_term") and f"“{money['search_term']}”",
        items and f"{len(items)} item{'s' if len(items) > 1 else ''}",
        value is not None and f"{value:,.2f} {money.get('currency') or ''}".rstrip(),
        added.get("is_late") and f"late by {_age(added.get('lateness_ms') or 0)}",
        added.get("warnings") and f"{len(added['warnings'])} warnings",
    ]
    return Text.assemble(
        (_time(added.get("derived_at") or event.get("event_time")), "dim"),
        "  ",
        (f"{printable(name):<17}", _TALKING.get(name, "")),
        f" {printable((event.get('geo') or {}).get('country') or '–'):<3}",
        f" {printable(added.get('device_class') or '–'):<8} ",
        printable("  ".join(str(part) for part in details if part)),
        ("  " + _place(added.get("kafka_partition"), added.get("kafka_offset")), "dim"),
    )


def dead_letter_row(letter: dict[str, Any]) -> Text:
    """When and why it failed, the fields, and the raw record."""
    errors = [f"{error.get('path') or ''} {error.get('message') or ''}".strip() for error in letter["errors"]]
    more = [f"and {len(errors) - _MOST_ERRORS} more"] if len(errors) > _MOST_ERRORS else []
    row = Text.assemble(
        (_time(letter["failed_at"]), "dim"),
        "  ",
        (f"{printable(letter['failure_type'] or '?'):<26}", "red"),
        f" {printable(letter['event_name'] or '–'):<17} ",
        printable("; ".join(errors[:_MOST_ERRORS] + more) or "–"),
        ("  " + _place(letter["source"]["partition"], letter["source"]["offset"]), "dim"),
    )
    if "value" in letter:
        row.append(f"\n          {printable(str(letter['value']))}", "yellow")
    return row


def _time(text: Any) -> str:
    return printable(str(text or ""))[11:19] or "--:--:--"


def _place(partition: Any, offset: Any) -> str:
    return f"{partition}:{offset}"


def _age(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
