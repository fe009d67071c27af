"""What a finished run looks like: ``python -m generator.report events.jsonl``.

Reads:  the events that a run with ``--sink file`` wrote, or that somebody saved from the raw topic, one per line; the
        run's manifest, if it is named.
Writes: the figures on stdout; a picture, if it is named.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from generator.profiles import PROFILES
from generator.report_figures import Figures, read_figures
from pipelines.cli import CONTEXT_SETTINGS, ConfigurationError, debug_option, run
from pipelines.terminal import plain_table

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("generator.report", context_settings=CONTEXT_SETTINGS)
@click.argument("events", type=_FILE)
@click.option("--manifest", type=_FILE, help="The run's manifest: counts the faults.")
@click.option("--picture", type=_FILE, help="Write the plots here (.png, .svg, .pdf).")
@click.option("--profile", type=click.Choice([*PROFILES]), default="steady", help="Whose figures to compare with.")
@debug_option
def command(events: Path, manifest: Path | None, picture: Path | None, profile: str, debug: bool) -> None:
    """Show what is in a run's events: traffic over time, funnel, visits, products, faults."""
    figures = read_figures(events, manifest)
    if not figures.events:
        raise ConfigurationError(f"{events} has no readable event.")
    if picture:
        from generator.report_plots import draw  # takes a second to import

        draw(figures, PROFILES[profile], picture)
        click.echo(f"The plots are in {picture}.", err=True)
    _print(figures, profile)


def _print(figures: Figures, profile: str) -> None:
    console, wanted = Console(), PROFILES[profile].figures
    table = plain_table()
    for name in ("figure", "found", f"profile {profile}"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for name, found, target in (
        ("add to cart per view", figures.carts_per_view, wanted.carts_per_view),
        ("purchases per add to cart", figures.purchases_per_cart, wanted.purchases_per_cart),
        ("views, carts and purchases per visitor", figures.events_per_visitor, wanted.events_per_visitor),
    ):
        table.add_row(name, f"{found:.4f}", f"{target:.4f}")
    table.add_row("gap in a visit, median seconds", f"{figures.gap_median_seconds:.1f}", "11.0")
    table.add_row("events", f"{figures.events:,}", "")
    table.add_row("visitors, visits", f"{figures.visitors:,}, {figures.visits:,}", "")
    table.add_row("lines that are no event", f"{figures.unreadable:,}", "")
    console.print(table)
    for title, counts in (("Events", figures.by_name), ("Faults", figures.faults)):
        if counts:
            console.print(f"\n[bold]{title}[/bold]")
            for name, count in counts.items():
                console.print(f"  {name:<20} {count:>12,}")


def main(argv: list[str] | None = None) -> int:
    """Run the report and return its exit code."""
    return run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
