"""Manifests: CSV files that list the recordings of a data set, with one :class:`Entry` per row."""

from __future__ import annotations

import csv
import math
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

from avgdt.data.errors import ManifestError
from avgdt.data.table import composed, read_table, stripped
from avgdt.media.downmix import Downmix, channel_of
from avgdt.media.recording import Info

SILENT = "its audio is silent throughout"
"""Message about a silent recording, used as the reason why it is unusable and as the note in its entry."""


@dataclass(frozen=True)
class Entry:
    """A row of a manifest: a recording or a segment of one. Unknown values are ``None``."""

    path: Path
    """Path of the media file, absolute or relative to the working directory."""
    duration: float | None = None
    """Duration of the recording, in seconds."""
    frame_rate: float | None = None
    """Average frame rate, in Hz."""
    width: int | None = None
    """Width of the upright frames, in pixels."""
    height: int | None = None
    """Height of the upright frames, in pixels."""
    sample_rate: int | None = None
    """Sample rate of the audio in the file, in Hz."""
    has_video: bool | None = None
    """Whether the file has video that can be decoded."""
    has_audio: bool | None = None
    """Whether the file has audio that can be decoded."""
    video_start: float | None = None
    """Start time of the first frame, in seconds on the presentation timeline."""
    video_end: float | None = None
    """End time of the last frame (its time stamp plus its duration), in seconds on the presentation timeline."""
    audio_start: float | None = None
    """Time of the first audio sample, in seconds on the presentation timeline."""
    audio_end: float | None = None
    """Time at which the audio ends, in seconds on the presentation timeline."""
    downmix: Downmix | None = None
    """Downmix of the audio to mono: "mean" of the channels, or a single channel ("first", "channel 2" ...)."""
    silent: bool | None = None
    """Whether the audio is digital silence throughout."""
    size: int | None = None
    """Size of the file when it was inspected, in bytes."""
    modified: int | None = None
    """Modification time of the file when it was inspected, in nanoseconds since 1970."""
    content: str = ""
    """Digest of the content of the file when it was inspected; see :class:`avgdt.data.fingerprint.Fingerprint`."""
    error: str = ""
    """Reason why the file cannot be used; empty for a usable file."""
    extra: dict[str, str] = field(default_factory=dict)
    """Cells of all other columns by column name, such as ``split`` and ``label``."""

    @classmethod
    def of(cls, info: Info, extra: dict[str, str] | None = None) -> Entry:
        """Return the entry of a recording with the properties ``info``."""
        known = {f.name: getattr(info, f.name) for f in fields(cls) if hasattr(info, f.name)}
        return cls(**known, extra=dict(extra or {}))

    @property
    def scanned(self) -> bool:
        """Whether the entry has the result of an inspection: an error, or the duration and the times of its streams."""
        present = [modality for modality in ("video", "audio") if getattr(self, f"has_{modality}")]
        times = [getattr(self, f"{modality}_{end}") for modality in present for end in ("start", "end")]
        return bool(self.error) or None not in (self.duration, self.has_video, self.has_audio, *times)


_NUMBERS = ("duration", "frame_rate", "video_start", "video_end", "audio_start", "audio_end")
_COUNTS = ("width", "height", "sample_rate", "size", "modified")
_FLAGS = ("has_video", "has_audio", "silent")
_ROLES = ("split", "label", "start", "end")
_BOUND = r"(?:(?P<start>start|begin|onset)|end|stop|offset)[ _]?(?:time)?[ _]?"
_SECONDS = re.compile(rf"{_BOUND}[\[(]?(?:s|secs?|seconds?)?[\])]?", re.IGNORECASE)
"""Pattern of the synonyms of the segment columns ``start`` and ``end``, in seconds."""
_OTHER_UNIT = re.compile(
    rf"{_BOUND}[\[(]?(?:stamp|ms|msecs?|milliseconds?|min|minutes?|frames?|samples?)[\])]?", re.IGNORECASE
)
"""Pattern of segment columns in units other than seconds, such as ``start_frame``."""
_DECIMAL_COMMA = re.compile(r"(-?\d*),(\d+)")
COLUMNS = (
    *("path", "duration", "frame_rate", "width", "height", "sample_rate", *_FLAGS[:2], *_NUMBERS[2:]),
    *("size", "modified", "content", "silent", "downmix", "error"),
)


def read_manifest(path: Path, file_columns: Sequence[str] = ("path", "file")) -> list[Entry]:
    """Return the entries of a manifest, a CSV file with at least one of ``file_columns``.

    Paths are absolute, or relative to the folder of the manifest. White space around cells is stripped, and backslashes
    in paths are folder separators, unless the name of an existing file contains them. Text other than file names is
    normalised to Unicode NFC. For the accepted variants of CSV, see :func:`avgdt.data.table.read_table`. Raises
    :class:`ManifestError` if the manifest cannot be read.
    """
    table = read_table(path, file_columns)
    names = _names(path, table.names, file_columns)
    return [_entry(path, line, names, row, table.separator != ",") for line, row in table.rows]


def write_manifest(entries: Iterable[Entry], path: Path) -> None:
    """Write a manifest atomically; raise :class:`ManifestError` if it cannot be written.

    Paths inside the folder of the manifest are written relative to that folder, all other paths as absolute paths.
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


def _names(path: Path, header: Sequence[str], file_columns: Sequence[str]) -> list[str]:
    roles = (*file_columns, *_ROLES)
    # The names of these columns are case-insensitive.
    names = [low if (low := name.lower()) in roles and low not in header else name for name in header]
    if not {"start", "end"} <= set(names):
        names = _segment_names(path, names)
    names[names.index(next(name for name in file_columns if name in names))] = "path"
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ManifestError(f"{path}, line 1: the column `{repeated}` appears twice; rename one")
    return names


def _segment_names(path: Path, names: list[str]) -> list[str]:
    """Return the column names, with synonyms of the segment columns replaced by ``start`` and ``end``.

    Raises :class:`ManifestError` if segments are given only in units other than seconds.
    """
    bounds = {name: "start" if match["start"] else "end" for name in names if (match := _SECONDS.fullmatch(name))}
    # A column `offset` or `stop` alone may have another meaning.
    if set(bounds.values()) == {"start", "end"} or any(name.lower().startswith(("start", "end")) for name in bounds):
        return [bounds.get(name, name) for name in names]
    not_seconds = {bool(match["start"]): name for name in names if (match := _OTHER_UNIT.fullmatch(name))}
    if len(not_seconds) == 2:
        raise ManifestError(
            f"{path}, line 1: the columns `{not_seconds[True]}` and `{not_seconds[False]}` look like segments, but "
            "segments are read from `start` and `end`, in seconds; add these columns, or rename the two if they mean "
            "something else"
        )
    return names


def _entry(path: Path, line: int, names: list[str], row: list[str], decimal_comma: bool) -> Entry:
    raw = dict(zip(names, row, strict=True))
    file = raw.pop("path")
    if not stripped(file):
        raise ManifestError(f"{path}, line {line}, column `path`: empty; name a file or delete the line")
    cells = {name: stripped(cell) for name, cell in raw.items()}
    if decimal_comma:  # common in files whose separator is not the comma
        for name in cells:
            if name in _NUMBERS or name in ("start", "end") or name.lower().endswith(("_start", "_end")):
                cells[name] = _DECIMAL_COMMA.sub(r"\1.\2", cells[name])
    known: dict[str, float | int | bool | str | None] = {}
    for name in (*_NUMBERS, *_COUNTS, *_FLAGS, "downmix"):
        text = cells.pop(name, "")
        try:
            known[name] = _value(name, text) if text else None
        except ValueError as error:
            raise ManifestError(f"{path}, line {line}, column `{name}`: `{text}` is not {error}") from None
    content, reason = cells.pop("content", ""), cells.pop("error", "")
    extra = {name: composed(cell) for name, cell in cells.items()}
    return Entry(path=_file(path.parent, file), **known, content=content, error=reason, extra=extra)  # type: ignore[arg-type]


def _file(folder: Path, cell: str) -> Path:
    """Return the path of the file that a cell names.

    If no file has the literal text as its name, white space around the text is stripped and backslashes become slashes.
    A file whose name differs only in Unicode normalisation is accepted.
    """
    plain = stripped(cell)
    posix = plain.replace("\\", "/")
    if cell == posix and cell.isascii():
        return folder / cell
    existing = (_existing(folder, name) for name in dict.fromkeys((cell, plain, posix, *_from_windows(posix))))
    return next((file for file in existing if file is not None), folder / posix)


def _from_windows(text: str) -> list[str]:
    """Return the text decoded as Windows-1252, as the only element of a list.

    The list is empty if the text is valid UTF-8 or cannot be decoded.
    """
    with suppress(UnicodeError):
        text.encode()
        return []
    with suppress(UnicodeError):
        return [text.encode("utf-8", "surrogateescape").decode("cp1252")]
    return []


def _existing(folder: Path, name: str) -> Path | None:
    """Return the existing file ``name`` below ``folder``, in any Unicode normalisation of its parts; else ``None``."""
    if os.path.lexists(folder / name):
        return folder / name
    if name.isascii():
        return None
    file = folder
    for part in Path(name).parts:
        spellings = (part, composed(part), unicodedata.normalize("NFD", part))
        existing = next((spelling for spelling in spellings if os.path.lexists(file / spelling)), None)
        if existing is None:
            return None
        file /= existing
    return file


def _value(name: str, text: str) -> float | int | bool | str:
    if name == "downmix":
        channel_of(text)
        return text
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
