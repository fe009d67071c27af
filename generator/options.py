"""The command line's options, in the groups that ``--help`` shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from generator.config import read_config, scenarios
from generator.faults import DRIFT_VARIANTS, FAULTS
from generator.profiles import PROFILES
from pipelines.cli import debug_option, kafka_options, setting

Command = TypeVar("Command", bound=Callable[..., Any])

_RATE = click.FloatRange(0, 1)
_FAULT_HELP = {
    "malformed": "Values that are not one JSON object: truncated, invalid UTF-8, empty, …",
    "missing_field": "A required field is absent, null or blank.",
    "wrong_type": "A field that a rule reads has the wrong JSON type.",
    "bad_timestamp": "event_time is unreadable, zoneless, a number, after 2100 or in 1970.",
    "duplicate": "The exact bytes of an earlier good record again; at most 0.9.",
    "id_conflict": "The event_id of an earlier good record with another content.",
    "late": "event_time lies more than --late-after-seconds before the send.",
    "out_of_order": "An event comes 20 to 200 records later than it should.",
    "clock_skew": "The device's clock is wrong by up to 12 hours; sent_at shows it.",
    "oversize": "One byte more than --max-event-bytes.",
    "hot_key": "The event is sent as one and the same shopper's, so under one key.",
}

_GROUPS: dict[str, tuple[str, ...]] = {
    "Where to": ("sink", "output", "raw_topic", "bootstrap_servers", "kafka_config", "tag"),
    "How much": ("rate", "count", "duration", "workers"),
    "Simulation": ("profile", "seed", "start_time", "end_time", "speedup", "catalog"),
    "Faults (share of all records, 0 to 1; together at most 1)": (
        "faults",
        *(f"{fault}_rate" for fault in FAULTS),
        "drift",
        "late_after_seconds",
        "max_event_age_days",
        "max_event_bytes",
    ),
    "Account": ("manifest", "append", "resume", "summary", "dry_run"),
}


class GroupedCommand(click.Command):
    """A command whose help lists its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the option groups; what is in none comes last."""
        rows = {param.name: row for param in self.get_params(ctx) if (row := param.get_help_record(ctx)) is not None}
        for title, names in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([rows.pop(name) for name in names])
        with formatter.section("Other"):
            formatter.write_dl(list(rows.values()))


def generator_options(command: Command) -> Command:
    """All options of the generator."""
    fault_rates = [
        setting(
            f"--{fault.replace('_', '-')}-rate",
            f"GENERATOR_{fault.upper()}_RATE",
            None,
            _FAULT_HELP[fault],
            type=_RATE,
        )
        for fault in FAULTS
    ]
    groups = (_TARGET, _AMOUNT, _SIMULATION, [_SCENARIO], fault_rates, _LIMITS, _ACCOUNT, [_CONFIG, debug_option])
    for decorate in reversed([option for group in groups for option in group]):
        command = decorate(command)
    return command


_TARGET = [
    setting(
        "--sink",
        "GENERATOR_SINK",
        "console",
        "console: one JSON event per line on stdout; null: build the events and drop them.",
        type=click.Choice(["console", "kafka", "file", "null"]),
    ),
    setting(
        "--output",
        "GENERATOR_OUTPUT",
        None,
        "File for --sink file: one record per line.",
        type=click.Path(dir_okay=False),
    ),
    setting("--raw-topic", "RAW_TOPIC", "ecommerce_events_raw", "Topic for --sink kafka; it must exist."),
    kafka_options,
    setting("--tag", "GENERATOR_TAG", None, "A name for the run: header generator.tag of its Kafka records."),
]
_AMOUNT = [
    setting(
        "--rate",
        "GENERATOR_RATE",
        None,
        "Records per second, 0 for as fast as possible. "
        "[default: 100 for console and kafka; 0 for file and null, and with --start-time]",
        type=click.FloatRange(min=0),
    ),
    setting(
        "--count",
        "GENERATOR_COUNT",
        None,
        "Stop after this many records, faulty ones and duplicates included.",
        type=click.IntRange(min=1),
    ),
    setting(
        "--duration",
        "GENERATOR_DURATION",
        None,
        "Stop after this many seconds.",
        type=click.FloatRange(min=0, min_open=True),
    ),
    setting(
        "--workers",
        "GENERATOR_WORKERS",
        1,
        "Processes that share the work; the events are the same. Each shopper belongs to one of them.",
        type=click.IntRange(1, 64),
    ),
]
_SIMULATION = [
    setting(
        "--profile",
        "GENERATOR_PROFILE",
        "steady",
        "steady, diurnal (hours and weekdays), black-friday (four times the traffic on its days, campaigns, sales); "
        "engaged: steady, with more orders.",
        type=click.Choice([*PROFILES]),
    ),
    setting(
        "--seed",
        "GENERATOR_SEED",
        None,
        "Same seed, same events (but for times, without --start-time). [default: drawn, and reported]",
        type=int,
    ),
    setting(
        "--start-time",
        "GENERATOR_START_TIME",
        None,
        "Simulate the past from here on: RFC 3339, or an age such as 50m, 2h, 7d. Ends at --end-time or now; "
        "the events carry no sent_at.",
    ),
    setting(
        "--end-time",
        "GENERATOR_END_TIME",
        None,
        "End of the past window, or now. With --count: that many events, spread over the window.",
    ),
    setting(
        "--speedup",
        "GENERATOR_SPEEDUP",
        None,
        "Seconds of simulated time per second at --rate (0 counts as 100/s). [default: 1]",
        type=click.FloatRange(min=0, min_open=True),
    ),
    setting("--catalog", "CATALOG_URI", None, "Products, JSON Lines; a local file. [default: the bundled one]"),
]
_SCENARIO = setting(
    "--faults",
    "GENERATOR_FAULTS",
    None,
    f"TOML file with rates and drifts, or one that comes along: {', '.join(sorted(scenarios()))}. "
    "A rate's flag beats it.",
)
_LIMITS = [
    setting(
        "--drift",
        "GENERATOR_DRIFT",
        (),
        "From that record on events are as a new release of the tracker writes them; "
        f"KIND: {', '.join(DRIFT_VARIANTS)}.",
        multiple=True,
        metavar="KIND@RECORD[:SHARE]",
    ),
    setting(
        "--late-after-seconds",
        "LATE_AFTER_SECONDS",
        3600,
        "Age in seconds from which the pipeline calls events late.",
        type=click.IntRange(min=0),
    ),
    setting(
        "--max-event-age-days",
        "MAX_EVENT_AGE_DAYS",
        3650,
        "Age in days from which the pipeline rejects events; 0: never.",
        type=click.IntRange(min=0),
    ),
    setting(
        "--max-event-bytes",
        "MAX_EVENT_BYTES",
        921_600,
        "Size in bytes up to which the pipeline takes events.",
        type=click.IntRange(min=1_000),
    ),
]
_ACCOUNT = [
    setting(
        "--manifest",
        "GENERATOR_MANIFEST",
        None,
        "Note every acknowledged record here, JSON Lines. A file that exists is refused: it proves a run.",
        type=click.Path(dir_okay=False),
    ),
    setting("--append", "GENERATOR_APPEND", False, "Add to an existing --manifest and --output.", is_flag=True),
    setting(
        "--resume",
        "GENERATOR_RESUME",
        None,
        "Go on with the run of this manifest, which was cut short: what it lists is not sent again. "
        "The settings are those of that run.",
        type=click.Path(dir_okay=False),
    ),
    click.option(
        "--summary/--no-summary",
        default=True,
        help="JSON summary at the end: on stdout, for console on stderr.",
    ),
    click.option("--dry-run", is_flag=True, help="Check everything, show what would be sent, and send nothing."),
]
_CONFIG = click.option(
    "--config",
    type=click.Path(dir_okay=False),
    is_eager=True,
    expose_value=False,
    callback=read_config,
    envvar="GENERATOR_CONFIG",
    show_envvar=True,
    help="TOML file with values for these flags, under their names; flags and environment beat it.",
)
