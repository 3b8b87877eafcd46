"""Reader of Kinetics-400 as distributed (Kay et al. 2017): lists of clips, and folders of clip files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from avgdt.data.benchmarks.layout import VIDEO_SUFFIXES, Files, Layout, check_some, lay_out
from avgdt.data.errors import DataError, ManifestError, NotText
from avgdt.data.manifest import Entry, read_manifest
from avgdt.data.scan import Counts, files_below, scan_missing
from avgdt.data.splits import split_of

KEYS = ("youtube_id", "video_id", "id")
"""Accepted names of the column with the identifier of a video, in order of precedence."""
TIMES = ("time_start", "time_end")
"""Columns of the start and end of a clip, in seconds; unofficial lists may have neither."""
_TIMED = re.compile(r"(.+)_\d{1,6}_\d{1,6}")
_CLIP = re.compile(r"(.+?)(?:[\s,;]+(\d+))?")
"""Pattern of a line of a list without column names: the file of a clip, and optionally its class number."""


def read_layout(folder: Path, lists: Sequence[Path]) -> Layout:
    """Return the clips of the Kinetics-400 lists, each with its ``split`` (train, val or test) and ``label``.

    A list is a CSV file as distributed, or a text file from other tools, with a file name and optionally a class number
    per line. If a list has no column names, its file name determines the split, and the label of a clip is the name of
    its folder or else the class number. A clip is a file anywhere below ``folder`` with the name ID_START_END, where
    the times have six digits or no leading zeros. A file with the name ID is accepted if only one clip of the video is
    listed. Raises :class:`DataError` if a list is unusable, a clip is listed or present twice, or no clip of a list
    exists.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give the folder that contains the clips of Kinetics-400")
    if not lists:
        raise DataError("list: missing; give train.csv, validate.csv or test.csv, or several of them")
    listed, seen, spellings = list[Entry](), dict[str, Path](), list[list[str]]()
    for path in lists:
        for where, names, entry in _rows(path):
            if names[0] in seen:
                before = f"{names[0]} is already listed in {seen[names[0]]}"
                raise DataError(f"{where}: {before}; use the lists as distributed, without repetition")
            seen[names[0]] = path
            listed.append(entry)
            spellings.append(names)
    files = _files_below(folder, exclude=lists)
    named = [replace(e, path=Path(name)) for e, name in zip(listed, _existing_names(spellings, files), strict=True)]
    layout = lay_out(named, files, folder, VIDEO_SUFFIXES, ", ".join(path.name for path in lists))
    for path in lists:
        of_list = [e for e, names in zip(layout.entries, spellings, strict=True) if seen[names[0]] == path]
        check_some(of_list, "clips", folder, path.name)
    return layout


def _existing_names(listed: Sequence[Sequence[str]], files: Files) -> Iterator[str]:
    """Yield for each clip the first of its possible names for which a file exists, else the first name.

    The last possible name, the identifier of the video, is used only if the lists name a single clip of the video. A
    clip listed without times also matches a file with times if this is the only such file of the video.
    """
    clips, timed = Counter(names[-1] for names in listed), dict[str, list[str]]()
    for file in files:
        if match := _TIMED.fullmatch(Path(file).stem):
            timed.setdefault(match[1], []).append(file)
    for names in listed:
        untimed = names[-1]
        possible = [f"{name}{VIDEO_SUFFIXES[1]}" for name in names if name != untimed or clips[untimed] == 1]
        if clips[untimed] == len(timed.get(untimed, ())) == 1 and len(names) == 1:
            possible += timed[untimed]
        yield next(
            (file for file in possible if files.look_up(file, VIDEO_SUFFIXES) is not None),
            f"{names[0]}{VIDEO_SUFFIXES[1]}",
        )


def scan_layout(
    folder: Path,
    lists: Sequence[Path],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
    exclude: Sequence[Path] = (),
    previous: Iterable[Entry] = (),
    partial: Path | None = None,
    on_counts: Callable[[Counts], None] = lambda counts: None,
) -> list[Entry]:
    """Inspect the clips of the Kinetics-400 lists; return their entries, followed by an error entry per unlisted file.

    ``exclude`` names files that are not reported as unlisted. For the other arguments, see
    :func:`avgdt.data.scan.scan_missing`.
    """
    layout = read_layout(folder, lists)
    excluded = {path.absolute() for path in exclude}
    by = ", ".join(path.name for path in lists)
    extra = [Entry(path, error=f"not listed in {by}") for path in layout.unlisted if path.absolute() not in excluded]
    seen = [entry for entry in previous if entry.size is not None]
    return [
        *scan_missing(layout.entries, workers, progress, previous=seen, partial=partial, on_counts=on_counts),
        *extra,
    ]


def _rows(path: Path) -> Iterator[tuple[str, list[str], Entry]]:
    """Yield for each line of a list its position, the possible names of the clip (usual name first) and the entry."""
    try:
        rows = read_manifest(path, KEYS)
    except NotText:
        raise
    except ManifestError as error:
        yield from _plain_rows(path, error)
        return
    for line, row in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        names, extra = _clip(row, where)
        yield where, names, replace(row, extra=extra)


def _plain_rows(path: Path, error: ManifestError) -> Iterator[tuple[str, list[str], Entry]]:
    """Yield the results of :func:`_rows` for a list without column names; raise ``error`` if it is not such a list.

    Raises :class:`DataError` if the name of the list contains no split.
    """
    lines = path.read_text(encoding="utf-8-sig", errors="surrogateescape").splitlines() if path.is_file() else []
    clips = [(n, _CLIP.fullmatch(line.strip().strip('"'))) for n, line in enumerate(lines, start=1) if line.strip()]
    files = [(n, PurePosixPath(clip[1].strip('"').replace("\\", "/")), clip[2] or "") for n, clip in clips if clip]
    if not files or not all(file.suffix.lower() in VIDEO_SUFFIXES or number for _, file, number in files):
        raise error
    split = next((name for name in ("train", "val", "test") if name in path.stem.lower()), None)
    if split is None:
        raise DataError(f"{path}: unknown split, as the list has no `split` column; name the file train, val or test")
    for n, file, number in files:
        stem = file.name.removesuffix(file.suffix) if file.suffix.lower() in VIDEO_SUFFIXES else file.name
        label = file.parent.name if file.parent.name not in ("", "train", "val", "test") else number
        timed = _TIMED.fullmatch(stem)
        yield (
            f"{path}, line {n}",
            [stem, timed[1]] if timed else [stem],
            Entry(Path(stem), extra={"split": split, "label": label}),
        )


def _clip(row: Entry, where: str) -> tuple[list[str], dict[str, str]]:
    """Return the possible names of the clip in a row (the usual name first), and its ``split`` and ``label``."""
    needed = ("split", *(TIMES if set(TIMES) & set(row.extra) else ()))
    for name in needed:
        if not row.extra.get(name, ""):
            raise DataError(f"{where}, column `{name}`: missing or empty; use the list as distributed")
    video, extra = row.path.name, {"split": split_of(row), "label": row.extra.get("label", "")}
    if len(needed) == 1:
        return [video], extra
    cells = [row.extra[name] for name in TIMES]
    try:
        start, end = (int(float(cell)) for cell in cells)
    except (ValueError, OverflowError):
        raise DataError(
            f"{where}: time_start '{cells[0]}' and time_end '{cells[1]}' must be numbers of seconds"
        ) from None
    return [f"{video}_{start:06d}_{end:06d}", f"{video}_{start}_{end}", video], extra


def _files_below(folder: Path, exclude: Sequence[Path]) -> Files:
    """Return all files below ``folder`` by name, except ``exclude``, following symbolic links."""
    by_name, excluded = dict[str, Path](), {path.absolute() for path in exclude}
    files, unreadable = files_below(folder)
    if unreadable:
        raise DataError(f"{unreadable[0].path}: {unreadable[0].error}; change its permissions")
    for path in files:
        if path.absolute() in excluded:
            continue
        name = path.name
        if name in by_name and re.fullmatch(r".+_\d{6}_\d{6}", path.stem):
            raise DataError(f"{path}: the same clip as {by_name[name]}; move one of them away")
        by_name[name if name not in by_name else str(path)] = path
    return Files(by_name, capitals=True)
