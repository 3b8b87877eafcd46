"""The list of a data set's recordings: a CSV file that a scan writes, or a person."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from avgdt.errors import AvgdtError
from avgdt.media.entry import Entry

__all__ = ["COLUMNS", "Entry", "ManifestError", "read_manifest", "write_manifest"]


class ManifestError(AvgdtError):
    """A manifest that cannot be read; the message names the file, the line and the column."""


_NUMBERS = ("duration", "frame_rate", "video_start", "video_end", "audio_start", "audio_end")
_COUNTS = ("width", "height", "sample_rate", "size", "modified")
_FLAGS = ("has_video", "has_audio")
COLUMNS = (
    *("path", "duration", "frame_rate", "width", "height", "sample_rate", *_FLAGS, *_NUMBERS[2:]),
    *("size", "modified", "content", "error"),
)


def read_manifest(path: Path, file_columns: Sequence[str] = ("path", "file")) -> list[Entry]:
    """The entries of a CSV file that has at least a column ``path`` (or ``file``, or what else ``file_columns`` names).

    Paths are relative to the CSV's folder, or absolute. Raises ``ManifestError``.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            rows = csv.reader(stream, strict=True)
            header = next(rows, None)
            if not header:
                raise ManifestError(
                    f"{path}: empty; its first line must name the columns, at least `{file_columns[0]}`"
                )
            names = _names(path, header, file_columns)
            return [_entry(path, rows.line_num, names, row) for row in rows if row]
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})") from error
    except csv.Error as error:
        raise ManifestError(f"{path}, line {rows.line_num}: not CSV ({error})") from error


def write_manifest(entries: Iterable[Entry], path: Path) -> None:
    """Write entries, with paths relative to the CSV's folder for files inside it and absolute ones for the others.

    Raises ``ManifestError`` where the file cannot be written.
    """
    listed = list(entries)
    extras = list(dict.fromkeys(name for entry in listed for name in entry.extra))
    folder = path.absolute().parent
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            rows = csv.writer(stream)
            rows.writerow([*COLUMNS, *extras])
            for entry in listed:
                known = [_relative(entry.path, folder), *(_text(getattr(entry, name)) for name in COLUMNS[1:])]
                rows.writerow([*known, *(entry.extra.get(name, "") for name in extras)])
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise ManifestError(f"{path}: cannot be written ({error.strerror}); name another file") from error


def _names(path: Path, header: list[str], file_columns: Sequence[str]) -> list[str]:
    names = [name.strip() for name in header]
    column = next((name for name in file_columns if name in names), None)
    if column is None:
        wanted = " or ".join(f"`{name}`" for name in file_columns)
        raise ManifestError(f"{path}, line 1: no column {wanted} among {', '.join(names)}")
    names[names.index(column)] = "path"
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ManifestError(f"{path}, line 1: the column `{twice}` appears twice; rename one")
    return names


def _entry(path: Path, line: int, names: list[str], row: list[str]) -> Entry:
    if len(row) != len(names):
        raise ManifestError(f"{path}, line {line}: {len(row)} values for {len(names)} columns")
    cells = dict(zip(names, row, strict=True))
    if not cells["path"]:
        raise ManifestError(f"{path}, line {line}, column `path`: empty")
    known: dict[str, float | int | bool | None] = {}
    for name in (*_NUMBERS, *_COUNTS, *_FLAGS):
        text = cells.pop(name, "").strip()
        try:
            known[name] = _value(name, text) if text else None
        except ValueError as error:
            raise ManifestError(f"{path}, line {line}, column `{name}`: `{text}` is not {error}") from None
    file, content, reason = cells.pop("path"), cells.pop("content", ""), cells.pop("error", "")
    return Entry(path=path.parent / file, **known, content=content, error=reason, extra=cells)  # type: ignore[arg-type]


def _value(name: str, text: str) -> float | int | bool:
    if name in _FLAGS:
        flags = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() not in flags:
            raise ValueError("true or false")
        return flags[text.lower()]
    kind = "a whole number" if name in _COUNTS else "a number"
    try:
        value = int(text) if name in _COUNTS else float(text)
    except ValueError:
        raise ValueError(kind) from None
    if not math.isfinite(value):
        raise ValueError(kind)
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _relative(file: Path, folder: Path) -> str:
    absolute = file.absolute()
    return str(absolute.relative_to(folder)) if absolute.is_relative_to(folder) else str(absolute)
