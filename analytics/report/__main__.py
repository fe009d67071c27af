"""``python -m analytics.report DATABASE OUTPUT``: what `python -m analytics report` runs in dbt's environment."""

from __future__ import annotations

from pathlib import Path

import click

from analytics.report.figures import read_figures
from analytics.report.page import render
from pipelines.cli import ConfigurationError, run


@click.command()
@click.argument("database", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
def main(database: Path, output: Path) -> None:
    """Draw the models in DATABASE on the page OUTPUT."""
    if not database.exists():
        raise ConfigurationError(f"There is no {database}: run `make analytics`.")
    text = render(read_figures(database))
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = output.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(output)
    click.echo(f"The report is {output.resolve()} ({len(text.encode()) / 1e6:.1f} MB, opens without a network).")


if __name__ == "__main__":
    raise SystemExit(run(main))
