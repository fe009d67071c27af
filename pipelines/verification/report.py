"""The account for people: the balance per partition, a check mark per claim, what is wrong, what to know."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.terminal import plain_table
from pipelines.verification.account import Account, PartitionFigures
from pipelines.verification.claims import MAX_EXAMPLES, Finding

_MAX_PARTITIONS = 24
_FIGURES = ("given", "accepted", "dead", "duplicate", "lag")


def show(account: Account, console: Console) -> None:
    """Print everything."""
    _print("Records given by Kafka = accepted + dead + duplicate", _balance(account), console)
    _print("Claims", _claims(account), console)
    if account.recall:
        _print("What the manifest says was injected, and was found", _recall(account), console)
    for remark in account.remarks:
        console.print(Text(f"· {remark}"))
    for finding in account.findings:
        if not finding.holds:
            _explain(finding, console)
    console.print(_verdict(account))


def _print(title: str, table: Table, console: Console) -> None:
    console.print(Text(title, style="bold"))
    console.print(table)
    console.print()


def _balance(account: Account) -> Table:
    table = plain_table()
    for name in ("partition", "offsets", *_FIGURES):
        table.add_column(name, justify="left" if name in ("partition", "offsets") else "right")
    shown = account.partitions if len(account.partitions) <= _MAX_PARTITIONS else []
    for each in shown:
        table.add_row(str(each.partition), _range(each), *(f"{getattr(each, name):,}" for name in _FIGURES))
    table.add_section()
    table.add_row("all", "", *(f"{account.total(name):,}" for name in _FIGURES), style="bold")
    return table


def _range(each: PartitionFigures) -> str:
    if each.first is None or each.end is None or each.first >= each.end:
        return "none"
    return f"{each.first:,} to {each.end - 1:,}"


def _claims(account: Account) -> Table:
    table = plain_table()
    table.add_column("")
    table.add_column("claim")
    table.add_column("checked", justify="right")
    table.add_column("wrong", justify="right")
    for finding in account.findings:
        mark = Text("✓", style="bold green") if finding.holds else Text("✗", style="bold red")
        table.add_row(mark, Text(finding.claim.title), f"{finding.checked:,}", f"{finding.wrong:,}")
    return table


def _recall(account: Account) -> Table:
    table = plain_table()
    table.add_column("fault")
    for name in ("injected", "found", "recall"):
        table.add_column(name, justify="right")
    for row in account.recall:
        share = row["found"] / row["injected"]
        table.add_row(
            row["fault"] or "none (good records)",
            f"{row['injected']:,}",
            f"{row['found']:,}",
            Text(f"{_percent(share)}", style="green" if share == 1 else "bold red"),
        )
    return table


def _percent(share: float) -> str:
    """Never rounded up to 100 %."""
    return "100 %" if share == 1 else f"{min(share * 100, 99.99):.2f} %"


def _explain(finding: Finding, console: Console) -> None:
    console.print(Text(f"✗ Not true: {finding.claim.title} ({finding.wrong:,} wrong)", style="bold red"))
    for example in finding.examples:
        console.print(Text(f"    {example}"))
    if finding.wrong > MAX_EXAMPLES:
        console.print(Text(f"    … and {finding.wrong - MAX_EXAMPLES:,} more"))


def _verdict(account: Account) -> Text:
    if not account.proven:
        wrong = sum(not finding.holds for finding in account.findings)
        return Text(f"NOT PROVEN: {wrong} of {len(account.findings)} claims do not hold.", style="bold red")
    balance = " + ".join(f"{account.total(name):,} {name}" for name in ("accepted", "dead", "duplicate"))
    return Text(f"PROVEN: {account.total('given'):,} records given = {balance}.", style="bold green")
