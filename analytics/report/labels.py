"""Numbers as people read them: figures become the texts of the page."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from analytics.report.figures import Figures, Row

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF "}
STEPS = {
    "view_item": "Viewed a product",
    "add_to_cart": "Added to the cart",
    "begin_checkout": "Began the checkout",
    "purchase": "Bought",
}


def with_labels(figures: Figures) -> Figures:
    """The same with two texts more in each row that is a bar: its `label` (the number) and a `note`."""
    currency = figures.money[0]["currency"] if figures.money else ""
    return replace(
        figures,
        funnel=[_step(row, before) for row, before in zip(figures.funnel, [None, *figures.funnel], strict=False)],
        sources=[_visits(row) for row in figures.sources],
        devices=[_visits(row) for row in figures.devices],
        products=[_product(row, currency) for row in figures.products],
        reasons=[_reason(row, figures.totals["dead_letters"]) for row in figures.reasons],
    )


def _step(row: Row, before: Row | None) -> Row:
    step = STEPS.get(row["step"], row["step"])
    if before is None:
        return {**row, "step": step, "label": f"{row['sessions']:,}", "note": "sessions"}
    share = percent(row["sessions"], before["sessions"])
    return {**row, "step": step, "label": f"{row['sessions']:,} · {share}", "note": f"{share} of the step before"}


def _visits(row: Row) -> Row:
    share = percent(row["buying_sessions"], row["sessions"])
    label = f"{row['sessions']:,} · {share} bought"
    return {**row, "label": label, "note": f"{row['buying_sessions']:,} of them bought"}


def _product(row: Row, currency: str) -> Row:
    note = f"{row['units_sold']:,} sold, viewed {row['item_views']:,} times"
    return {**row, "label": money(row["revenue"], currency), "note": note}


def _reason(row: Row, dead_letters: int) -> Row:
    share = percent(row["dead_letters"], dead_letters)
    return {**row, "label": f"{row['dead_letters']:,} · {share}", "note": f"{share} of the dead letters"}


def money(amount: Decimal | float, currency: str) -> str:
    """An amount with its currency: €28,273.83."""
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{amount:,.2f}" if symbol else f"{amount:,.2f} {currency}"


def percent(part: float, whole: float) -> str:
    """A share, with a decimal where it is small."""
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.1f} %" if share < 10 else f"{share:.0f} %"


def span(minutes: int) -> str:
    """The width of a column, as a word."""
    names = {1: "minute", 5: "5 minutes", 15: "15 minutes", 60: "hour", 360: "6 hours", 1440: "day", 10_080: "week"}
    return names.get(minutes, f"{minutes // 1440} days")
