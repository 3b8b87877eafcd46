"""The train, val and test rows of a labelled manifest, checked, with an account of all rows that are not used."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from avgdt.data.manifest import Entry
from avgdt.data.selection import Skipped
from avgdt.data.splits import (
    SameRecording,
    SplitSpan,
    check_no_leakage,
    recording_numbers,
    split_counts,
    split_name,
    split_of,
)
from avgdt.data.table import composed
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.segments import Segment, columns, each_once, segments

SPLITS = ("train", "val", "test")
"""Fitted on, validated on, tested on."""
VAL_SHARE = 5
"""One in as many recordings of each class of train validates where there is no val, at least one where it has two."""
SOURCES = ("source", "group")
"""Columns that name what several recordings were cut from."""
NO_LABEL = "its row has no label"
NO_SPLIT = "its row has no split"
_QUOTED = re.compile("[\"'`\u2018-\u201f](.+)[\"'`\u2018-\u201f]")


@dataclass(frozen=True)
class LabelledRows:
    """The segments that are used, each once, and an account of all other rows."""

    segments: list[Segment]
    """Different in file, seconds, split or label."""
    skipped: list[Skipped]
    """Rows without label, and rows without split."""
    other_splits: int
    """Labelled rows of splits that are not used."""
    unlabelled: int
    """Rows without label, except those of splits that are not used."""
    notes: list[str]
    """The numbers of all these, in words."""


def labelled_rows(
    entries: Sequence[Entry], label: str, needed: Sequence[str], optional: Sequence[str] = ()
) -> LabelledRows:
    """The labelled rows of the splits ``needed`` and ``optional``.

    Raises :class:`EvaluationError` for a needed split without a labelled row, and for a segment with two labels;
    ``DataError`` for a recording in two splits.
    """
    labelled, used = segments(entries, label), (*needed, *optional)
    _check_needed(labelled, entries, label, needed, optional)
    chosen = [segment for segment in labelled if segment.split in used]
    others = [segment.split for segment in labelled if segment.split and segment.split not in used]
    check_no_leakage([SplitSpan(entries[segment.entry], segment.split, segment.seconds) for segment in chosen])
    _check_one_label(chosen, entries)
    once = each_once(chosen, entries, lambda segment: (segment.seconds, segment.split, segment.label))
    unlabelled = without_label(entries, label, used)
    unsplit = [Skipped(entries[segment.entry].path, NO_SPLIT) for segment in labelled if not segment.split]
    notes = [
        *unlabelled_note(len(unlabelled), label),
        *_note(len(unsplit), "row has no split: skipped", "rows have no split: skipped"),
        *_note(
            len(others),
            f"row is of another split ({split_counts(others)}): not used",
            f"rows are of other splits ({split_counts(others)}): not used",
        ),
        *_note(
            len(chosen) - len(once),
            "row repeats another of the same file, segment, split and label: used once",
            "rows repeat another of the same file, segment, split and label: used once",
        ),
    ]
    return LabelledRows(once, [*unlabelled, *unsplit], len(others), len(unlabelled), notes)


@dataclass(frozen=True)
class LabelledSplits:
    """Which of a list of segments are of which split, and their classes."""

    rows: Mapping[str, list[int]]
    """Split -> indices of its segments, for each split that is needed."""
    classes: list[str]
    """The class names of the train split, sorted (by number where all are numbers); their indices are the targets."""

    def targets(self, segments: Sequence[Segment], split: str) -> list[int]:
        """The class indices of the split's segments."""
        indices = {name: index for index, name in enumerate(self.classes)}
        return [indices[segments[row].label] for row in self.rows[split]]


def labelled_splits(
    segments: Sequence[Segment], names: Sequence[str] = SPLITS, skipped: Sequence[Skipped] = ()
) -> LabelledSplits:
    """Sort usable segments into the splits ``names``, of which train is one; ``skipped`` are for messages.

    Raises :class:`EvaluationError` for an empty split, a class missing from train, and classes that only look
    different.
    """
    rows = {split: [i for i, s in enumerate(segments) if s.split == split] for split in names}
    for split in names:
        if not rows[split]:
            reasons = Counter(one.reason for one in skipped).most_common(1)
            raise EvaluationError(
                f"split: none of the rows with split '{split}' can be used; usable rows: "
                f"{split_counts([s.split for s in segments if s.split]) or 'none'}"
                f"{''.join(f'; most often: {reason}' for reason, _ in reasons)}; `avgdt scan` tells what is wrong with "
                "each file"
            )
    _check_alike({segments[row].label for split in names for row in rows[split]})
    classes = sort_names({segments[row].label for row in rows["train"]})
    for split in names:
        strange = sort_names({segments[row].label for row in rows[split]} - set(classes))
        if strange:
            raise EvaluationError(
                f"split: class '{strange[0]}' is in {split} but not in train; add it there or take it out"
            )
    if len(classes) < 2:
        raise EvaluationError(f"label: train holds the one class '{classes[0]}'; two or more are needed")
    return LabelledSplits(rows, classes)


def val_from_train(plans: Sequence[Plan], entries: Sequence[Entry]) -> list[Plan]:
    """The plans, about a fifth of the split train moved to val: drawn, the same at every call, some of each class.

    Segments of one file or of its copies, and files of one ``source`` or ``group`` where there is such a column, stay
    together whatever their classes, except where a class consists of one source. Train keeps some of each class.
    """
    labels = {row: one.segment.label for row, one in enumerate(plans) if one.segment.split == "train"}
    sources = _sources(plans, entries)
    several = {label for label in set(labels.values()) if len({sources[r] for r in labels if labels[r] == label}) > 1}
    groups = dict[str, list[int]]()
    for row, label in labels.items():
        groups.setdefault(sources[row] if label in several else f"row {row}", []).append(row)
    remaining = Counter(labels.values())
    wanted = Counter({label: max(count // VAL_SHARE, min(1, count - 1)) for label, count in remaining.items()})
    val = set[int]()
    names = sorted(groups)
    for number in np.random.default_rng(0).permutation(len(names)):
        rows = groups[names[number]]
        counts = Counter(labels[row] for row in rows)
        if any(wanted[label] > 0 for label in counts) and all(remaining[label] > counts[label] for label in counts):
            val.update(rows)
            remaining, wanted = remaining - counts, Counter({label: wanted[label] - counts[label] for label in wanted})
    return [
        replace(one, segment=replace(one.segment, split="val")) if row in val else one for row, one in enumerate(plans)
    ]


def one_split(segments: Sequence[Segment], split: str) -> list[Segment]:
    """The segments of ``split``; all of them for ``all`` or where none has a split.

    Raises :class:`EvaluationError` when there are splits but not this one.
    """
    names, split = sorted({s.split for s in segments if s.split}), split_name(split)
    if split == "all" or not names:
        return list(segments)
    chosen = [s for s in segments if s.split == split]
    if not chosen:
        raise EvaluationError(
            f"split: no rows with split '{split}'; the data has: {split_counts([s.split for s in segments if s.split])}"
            "; name one of these, or all, with --split"
        )
    return chosen


def without_label(entries: Sequence[Entry], label: str, used: Collection[str] = ()) -> list[Skipped]:
    """The rows without label, except those of a split that is not among ``used``, where some are named."""
    return [
        Skipped(entry.path, NO_LABEL)
        for entry in entries
        if not entry.extra.get(composed(label)) and (not used or split_of(entry) in (*used, ""))
    ]


def unlabelled_note(count: int, label: str) -> list[str]:
    """A note of how many rows have no label, where there are any."""
    column = f"in the column '{label}': skipped"
    return _note(count, f"row has no label {column}", f"rows have no label {column}")


def sort_names(names: set[str]) -> list[str]:
    """Class names in order: as numbers where all are numbers."""
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names)


def _note(count: int, one: str, several: str) -> list[str]:
    return [f"{count} {one if count == 1 else several}"] * bool(count)


def _check_needed(
    labelled: Sequence[Segment], entries: Sequence[Entry], label: str, needed: Sequence[str], optional: Sequence[str]
) -> None:
    """Raise :class:`EvaluationError` where a needed split has no labelled row."""
    wanted = f"needed: {' and '.join(needed)}" + "".join(f" ({name} is optional)" for name in optional)
    if "split" not in columns(entries):
        raise EvaluationError(
            f"split: the data has no column 'split'; {wanted}; add one that names the split of each row"
        )
    for split in needed:
        if any(segment.split == split for segment in labelled):
            continue
        rows = sum(split_of(entry) == split for entry in entries)
        if rows:
            raise EvaluationError(
                f"split: none of the {rows} rows with split '{split}' has a label in the column '{label}'; {wanted}; "
                "fill them in, or name another column with --label"
            )
        present = split_counts([split_of(entry) for entry in entries if split_of(entry)]) or "no split in any row"
        raise EvaluationError(
            f"split: no row has split '{split}'; the column 'split' has: {present}; {wanted}; name the splits so in "
            "that column"
        )


def _check_one_label(chosen: Sequence[Segment], entries: Sequence[Entry]) -> None:
    """Raise :class:`EvaluationError` where two rows give the same segment of one recording different labels."""
    alike = defaultdict[object, list[Segment]](list)
    numbers = recording_numbers([entries[segment.entry] for segment in chosen])
    for number, segment in zip(numbers, chosen, strict=True):
        alike[number, segment.seconds].append(segment)
    same = SameRecording()
    for first, *others in alike.values():
        for other in others:
            one, two = entries[first.entry], entries[other.entry]
            if first.label != other.label and same(one, two):
                copy = "" if one.path == two.path else f" (the same content as {two.path})"
                where = "" if first.seconds is None else " from {:g} to {:g} s".format(*first.seconds)
                raise EvaluationError(
                    f"label: {one.path}{copy} has the labels '{first.label}' and '{other.label}'{where}; keep one of "
                    "the rows"
                )


def _check_alike(labels: set[str]) -> None:
    """Raise :class:`EvaluationError` for two classes that differ in case, blanks, quotes or Unicode form alone."""
    seen = dict[str, str]()
    for label in sorted(labels):
        bare = _QUOTED.fullmatch(label)
        key = "".join(unicodedata.normalize("NFKC", bare[1] if bare else label).casefold().split())
        if (other := seen.setdefault(key, label)) != label:
            raise EvaluationError(
                f"label: the classes {other!a} and {label!a} differ in case, blanks or quotes alone; write both alike, "
                "or give them different names where they are two"
            )


def _sources(plans: Sequence[Plan], entries: Sequence[Entry]) -> list[str]:
    """What each plan's recording was cut from: the cell of the column ``source`` or ``group``, else the file."""
    recordings = [entries[one.segment.entry] for one in plans]
    columns = [next((name for name in entry.extra if name.lower() in SOURCES), "") for entry in recordings]
    files = recording_numbers(recordings)
    return [
        f"source {source}" if (source := entry.extra.get(column, "")) else f"file {number:09d}"
        for entry, column, number in zip(recordings, columns, files, strict=True)
    ]
