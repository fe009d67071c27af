"""The page's charts as Vega-Lite, by Altair. Colours are names (`style`): the page gives them values, light or dark."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import altair as alt

from analytics.report.figures import Figures, Row, Timeline

Spec = dict[str, Any]

# A bar's name and number stand above it: so it has the whole width, on a phone too.
_ROW_HEIGHT = 44
_BAR_HEIGHT = 10
_COLUMNS_HEIGHT = 220
_LINES_HEIGHT = 180
_TWO_DAYS = 2 * 1440
_FIT = alt.AutoSizeParams(type="fit-x", contains="padding")


def charts(figures: Figures) -> dict[str, Spec]:
    """Chart by the id of its place on the page; one without data is left out."""
    drawn = {
        "revenue": columns(figures.revenue, "revenue", figures.money[0]["currency"], "orders")
        if figures.revenue
        else None,
        "timeline": columns(figures.sessions, "sessions", "sessions") if figures.sessions else None,
        "funnel": bars(figures.funnel, "step", "sessions", "sessions"),
        "products": bars(figures.products, "product", "revenue", "revenue"),
        "sources": bars(figures.sources, "source", "sessions", "sessions"),
        "devices": bars(figures.devices, "device", "sessions", "sessions"),
        "reasons": bars(figures.reasons, "reason", "dead_letters", "dead"),
        "throughput": throughput(figures.pace),
        "waits": waits(figures.pace),
    }
    return {name: chart.to_dict() for name, chart in drawn.items() if chart is not None}


def columns(timeline: Timeline, style: str, amount: str, things: str | None = None) -> alt.Chart:
    """An amount over time, a column per bucket; the texts name it, and the things that it comes from."""
    tooltip = [alt.Tooltip("when:N", title="UTC"), alt.Tooltip("amount:Q", title=amount, format=",.2~f")]
    if things:
        tooltip.append(alt.Tooltip("things:Q", title=things, format=","))
    clock = "%H:%M" if timeline.minutes * len(timeline.columns) < _TWO_DAYS else "%d %b"
    return (
        _chart(timeline.columns, _COLUMNS_HEIGHT)
        .mark_rect(style=style, cornerRadius=1.5)
        .encode(x=_utc("starts_at", clock), x2="ends_at", y=_amount("amount"), y2=alt.datum(0), tooltip=tooltip)
    )


def bars(rows: list[Row], name: str, number: str, style: str) -> alt.LayerChart | None:
    """A bar per row, in the order of the rows, with the texts that labels.py gave them."""
    if not rows:
        return None
    order = [row[name] for row in rows]
    shown = [
        {"name": row[name], "number": float(row[number]), "label": row["label"], "note": row["note"]} for row in rows
    ]
    base = alt.Chart(alt.Data(values=shown)).encode(y=alt.Y("name:N", sort=order, axis=None))
    bar = base.mark_bar(style=style, height=_BAR_HEIGHT, yOffset=8, cornerRadiusEnd=3).encode(
        x=alt.X("number:Q", axis=None, scale=alt.Scale(zero=True, nice=False)),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("label:N", title="  "),
            alt.Tooltip("note:N", title="   "),
        ],
    )
    title = base.mark_text(style="name", align="left", baseline="bottom", yOffset=-1).encode(
        x=alt.value(0), text="name:N"
    )
    value = base.mark_text(style="number", align="right", baseline="bottom", yOffset=-1).encode(
        x=alt.value("width"), text="label:N"
    )
    return alt.layer(bar, title, value).properties(width="container", height=_ROW_HEIGHT * len(rows), autosize=_FIT)


def throughput(batches: list[Row]) -> alt.Chart | None:
    """Records per second of each batch."""
    if not batches:
        return None
    return (
        _chart(batches, _LINES_HEIGHT)
        .mark_line(style="pace", point={"style": "pace", "size": 40}, interpolate="monotone")
        .encode(
            x=_utc("processed_at", _clock(batches), padding=24),
            y=_amount("records_per_second"),
            tooltip=[
                alt.Tooltip("when:N", title="UTC"),
                alt.Tooltip("batch_id:Q", title="batch"),
                alt.Tooltip("records_in:Q", title="records", format=","),
                alt.Tooltip("duration_seconds:Q", title="seconds", format=".1f"),
                alt.Tooltip("records_per_second:Q", title="records/s", format=",.0f"),
            ],
        )
    )


def waits(batches: list[Row]) -> alt.Chart | None:
    """How long the events of each batch had waited in Kafka: on average, and the one that waited longest."""
    kinds = {"average": "average_wait_seconds", "longest": "longest_wait_seconds"}
    rows = [
        {"processed_at": batch["processed_at"], "when": batch["when"], "wait": kind, "seconds": batch[column]}
        for batch in batches
        for kind, column in kinds.items()
        if batch[column] is not None
    ]
    if not rows:
        return None
    return (
        _chart(rows, _LINES_HEIGHT)
        .mark_line(point={"size": 40}, interpolate="monotone")
        .encode(
            x=_utc("processed_at", _clock(batches), padding=24),
            y=_amount("seconds"),
            color=alt.Color(
                "wait:N", sort=list(kinds), legend=alt.Legend(title=None, orient="top", symbolType="circle")
            ),
            tooltip=[
                alt.Tooltip("when:N", title="UTC"),
                alt.Tooltip("wait:N", title="wait"),
                alt.Tooltip("seconds:Q", title="seconds", format=",.0f"),
            ],
        )
    )


def _chart(rows: list[Row], height: int) -> alt.Chart:
    # Vega-Lite does not see by itself that the end of a column is a time.
    data = alt.Data(values=rows, format=alt.JsonDataFormat(type="json", parse={"ends_at": "date"}))
    return alt.Chart(data, width="container", height=height, autosize=_FIT)


def _utc(field: str, clock: str, padding: int = 0) -> alt.X:
    axis = alt.Axis(
        format=clock, labelOverlap=True, labelFlush=True, tickCount={"expr": "max(3, width / 90)"}, grid=False
    )
    return alt.X(f"{field}:T", title=None, scale=alt.Scale(type="utc", padding=padding), axis=axis)


def _clock(batches: list[Row]) -> str:
    """How times between the first batch and the last are written: no finer than tells them apart."""
    first, last = (datetime.fromisoformat(batch["processed_at"].rstrip("Z")) for batch in (batches[0], batches[-1]))
    minutes = (last - first).total_seconds() / 60
    return "%H:%M:%S" if minutes < 5 else "%H:%M" if minutes < _TWO_DAYS else "%d %b"


def _amount(field: str) -> alt.Y:
    axis = alt.Axis(tickCount=4, format=",~f", domain=False, ticks=False)
    return alt.Y(f"{field}:Q", title=None, axis=axis, scale=alt.Scale(zero=True))
