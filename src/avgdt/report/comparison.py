"""Runs set beside the paper's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avgdt.errors import suggestion
from avgdt.report.cells import DASH, Cell, Source, cell
from avgdt.report.errors import ReportError
from avgdt.report.published import TABLES, PaperTable
from avgdt.report.run_groups import Group, read_groups

OURS = "measured here"
SOURCES: tuple[tuple[Source, str], ...] = (("pretrained", ""), ("random", ", random weights"))


@dataclass(frozen=True)
class Compared:
    """A table as text, to be laid out."""

    title: str
    head: tuple[str, ...]
    """Method, the figures, source."""
    published: tuple[tuple[str, ...], ...]
    ours: tuple[tuple[str, ...], ...]
    """Each run followed by its random weights."""
    notes: tuple[str, ...]


def compare_runs(paths: Sequence[Path], name: str = "") -> tuple[Compared, ...]:
    """The table of that number or name, else those of which a run has a figure, with a row for each group of seeds.

    Raises :class:`ReportError` for an unknown table, a folder that is no run or has no results, and where no run has
    any figure of the tables.
    """
    groups = read_groups(paths)
    asked = [table for table in TABLES if (name in (table.number, table.name) if name else not table.on_request)]
    if not asked:
        known = [word for table in TABLES for word in (table.number, table.name)]
        raise ReportError(f"table: {name!r} is unknown; {suggestion(name, known)}")
    told = [compared for table in asked if (compared := _compare(table, groups))]
    if not told:
        protocols = dict.fromkeys(column.protocol for table in asked for column in table.columns)
        raise ReportError(
            f"{', '.join(map(str, paths))}: no result that belongs into the table; `avgdt evaluate` one of "
            f"{', '.join(protocols)} first"
        )
    return tuple(told)


def _compare(table: PaperTable, groups: Sequence[Group]) -> Compared | None:
    """None where no run has a figure of it."""
    names = [column.name for column in table.columns]
    ours, spreads, remarked = list[tuple[str, ...]](), dict[str, list[str]](), dict[str, list[str]]()
    for group in groups:
        for source, which in SOURCES:
            name, cells = f"{group.name}{which}", [cell(column, group, source) for column in table.columns]
            ours.append((name, *(one.text for one in cells), OURS))
            if spread := _spread(names, cells):
                spreads.setdefault(spread, []).append(name)
            for remark in dict.fromkeys(remark for one in cells for remark in one.remarks):
                remarked.setdefault(remark, []).append(name)
    if all(text == DASH for row in ours for text in row[1:-1]):
        return None
    published = tuple((row.method, *(row.figures.get(name, DASH) for name in names), row.source) for row in table.rows)
    notes = [f"± is the standard deviation over {spread}: {'; '.join(rows)}" for spread, rows in spreads.items()]
    notes += [f"{remark}: {'; '.join(rows)}" for remark, rows in remarked.items()]
    return Compared(
        f"Table {table.number}. {table.title}, %", ("method", *names, "source"), published, tuple(ours), tuple(notes)
    )


def _spread(names: Sequence[str], cells: Sequence[Cell]) -> str:
    """What the spreads of a row are over; empty where it has none."""
    over: dict[str, list[str]] = {}
    for name, one in zip(names, cells, strict=True):
        if one.over:
            over.setdefault(one.over, []).append(name)
    return ", over ".join(which if len(over) == 1 else f"{which} ({', '.join(told)})" for which, told in over.items())
