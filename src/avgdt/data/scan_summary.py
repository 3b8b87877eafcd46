"""Summary of a scan: numbers of usable files by stream, and of unusable files by error."""

from __future__ import annotations

from collections.abc import Iterable

from avgdt.data.manifest import Entry


def summary(entries: Iterable[Entry]) -> list[tuple[str, str]]:
    """Summarise a scan as rows of a table: usable files by their streams, unusable files by error, and the total.

    The rows of usable files come first, then the rows of errors, each in order of decreasing number of
    files. Files whose audio is silent throughout, if any, are counted in an additional row before the total.
    """
    listed = list(entries)
    groups: dict[tuple[bool, str], list[Entry]] = {}
    for entry in listed:
        groups.setdefault((bool(entry.error), _kind(entry)), []).append(entry)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    rows = [(kind, _example(group) if failed else _amount(group)) for (failed, kind), group in ordered]
    silent = [entry for entry in listed if entry.silent]
    silent_row = [("silent throughout", _example(silent))] if silent else []
    return [*rows, *silent_row, ("all", _amount(listed))]


def _kind(entry: Entry) -> str:
    if entry.error:
        return entry.error.partition(":")[0]
    if not entry.scanned:
        return "not scanned"
    streams = [name for name, has in (("video", entry.has_video), ("audio", entry.has_audio)) if has]
    kind = " and ".join(streams) or "nothing"
    return kind if len(streams) != 1 else f"{kind} only"


def _amount(group: list[Entry]) -> str:
    seconds = sum(entry.duration or 0.0 for entry in group)
    long = f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
    return f"{_files(group)}, {long}"


def _example(group: list[Entry]) -> str:
    detail = group[0].error.partition(": ")[2]
    return f"{_files(group)}, such as {group[0].path.name}" + (f": {detail}" if detail else "")


def _files(group: list[Entry]) -> str:
    return f"{len(group)} file{'' if len(group) == 1 else 's'}"
