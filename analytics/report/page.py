"""The page: texts, tables, and the charts' script, all in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import vl_convert

from analytics.report import labels
from analytics.report.charts import charts
from analytics.report.figures import Figures

_FOLDER = Path(__file__).parent
# vegaEmbed draws, without eval: so the page can forbid itself everything else.
_SNIPPET = "window.vegaEmbed = vegaEmbed;"


def render(figures: Figures) -> str:
    """The whole page as HTML."""
    labelled = labels.with_labels(figures)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"money": labels.money, "percent": labels.percent, "span": labels.span}
    template = environment.get_template("page.html.j2")
    text: str = template.render(
        figures=labelled,
        style=_FOLDER.joinpath("page.css").read_text(encoding="utf-8"),
        script=_FOLDER.joinpath("page.js").read_text(encoding="utf-8"),
        library=_script(vl_convert.javascript_bundle(_SNIPPET)),
        specs=_json(charts(labelled)),
    )
    return text


def _json(value: Mapping[str, Any]) -> str:
    """JSON that ends no script element, whatever a product is called."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _script(text: str) -> str:
    """Code that ends no script element: in its strings and patterns `</` is written `<\\/`."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")
