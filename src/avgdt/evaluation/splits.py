"""Selection and validation of the train, val and test rows of a labelled manifest; unused rows are reported."""

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
    recording_indices,
    split_counts,
    split_name,
    split_of,
)
from avgdt.data.table import composed
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.segments import Segment, columns, each_once, segments

SPLITS = ("train", "val", "test")
"""Names of the splits for training, validation and testing."""
VAL_DIVISOR = 5
"""Inverse of the fraction of each class that is moved from train to val if there is no ``val`` split."""
SOURCES = ("source", "group")
"""Names of columns that identify the source from which a recording was cut."""
NO_LABEL = "its row has no label"
NO_SPLIT = "its row has no split"
_QUOTED = re.compile("[\"'`\u2018-\u201f](.+)[\"'`\u2018-\u201f]")


@dataclass(frozen=True)
class LabelledRows:
    """Distinct labelled segments of the splits that are used, and the rows that are not used."""

    segments: list[Segment]
    """Distinct segments: any two differ in file, time span, split or label."""
    skipped: list[Skipped]
    """Rows without a label, and rows without a split."""
    other_splits: int
    """Number of labelled rows that belong to splits that are not used."""
    unlabelled: int
    """Number of rows without a label, excluding rows of splits that are not used."""
    notes: list[str]
    """Sentences that state the numbers of skipped, unused and duplicate rows."""


def labelled_rows(
    entries: Sequence[Entry], label: str, needed: Sequence[str], optional: Sequence[str] = ()
) -> LabelledRows:
    """Return the labelled rows of the splits ``needed`` and ``optional``.

    Raises :class:`EvaluationError` if a needed split has no labelled row or if a segment has two labels, and
    ``DataError`` if a recording is in two splits.
    """
    labelled, used = segments(entries, label), (*needed, *optional)
    _check_needed(labelled, entries, label, needed, optional)
    in_use = [segment for segment in labelled if segment.split in used]
    unused = [segment.split for segment in labelled if segment.split and segment.split not in used]
    check_no_leakage([SplitSpan(entries[segment.entry], segment.split, segment.seconds) for segment in in_use])
    _check_one_label(in_use, entries)
    distinct = each_once(in_use, entries, lambda segment: (segment.seconds, segment.split, segment.label))
    unlabelled = without_label(entries, label, used)
    unsplit = [Skipped(entries[segment.entry].path, NO_SPLIT) for segment in labelled if not segment.split]
    notes = [
        *unlabelled_note(len(unlabelled), label),
        *_note(len(unsplit), "row has no split and is skipped", "rows have no split and are skipped"),
        *_note(
            len(unused),
            f"row belongs to another split ({split_counts(unused)}) and is not used",
            f"rows belong to other splits ({split_counts(unused)}) and are not used",
        ),
        *_note(
            len(in_use) - len(distinct),
            "row duplicates another row (same file, segment, split and label) and is not used",
            "rows duplicate another row (same file, segment, split and label) and are not used",
        ),
    ]
    return LabelledRows(distinct, [*unlabelled, *unsplit], len(unused), len(unlabelled), notes)


@dataclass(frozen=True)
class LabelledSplits:
    """Indices of segments by split, and the names of the classes."""

    rows: Mapping[str, list[int]]
    """Indices of the segments of each needed split, by the name of the split."""
    classes: list[str]
    """Class names of the ``train`` split, sorted (by value if all are numbers); targets are indices into this list."""

    def targets(self, segments: Sequence[Segment], split: str) -> list[int]:
        """Return the class indices of the segments of ``split``."""
        indices = {name: index for index, name in enumerate(self.classes)}
        return [indices[segments[row].label] for row in self.rows[split]]


def labelled_splits(
    segments: Sequence[Segment], names: Sequence[str] = SPLITS, skipped: Sequence[Skipped] = ()
) -> LabelledSplits:
    """Group usable segments by split, for the splits ``names``, which must include ``train``.

    Raises :class:`EvaluationError` if a split is empty, if a class is missing from ``train``, if ``train`` has only one
    class, or if class names differ only in case, whitespace, quotes or Unicode normalisation. The message for an empty
    split states the most frequent reason in ``skipped``.
    """
    rows = {split: [i for i, s in enumerate(segments) if s.split == split] for split in names}
    for split in names:
        if not rows[split]:
            reasons = Counter(file.reason for file in skipped).most_common(1)
            raise EvaluationError(
                f"split: none of the rows with split '{split}' can be used; usable rows: "
                f"{split_counts([s.split for s in segments if s.split]) or 'none'}"
                f"{''.join(f'; most often: {reason}' for reason, _ in reasons)}; `avgdt scan` lists the error of "
                "each file"
            )
    _check_alike({segments[row].label for split in names for row in rows[split]})
    classes = sort_names({segments[row].label for row in rows["train"]})
    for split in names:
        missing = sort_names({segments[row].label for row in rows[split]} - set(classes))
        if missing:
            raise EvaluationError(
                f"split: class '{missing[0]}' is in {split} but not in train; add it to train or remove it"
            )
    if len(classes) < 2:
        raise EvaluationError(f"label: train has only the class '{classes[0]}'; at least two classes are needed")
    return LabelledSplits(rows, classes)


def val_from_train(plans: Sequence[Plan], entries: Sequence[Entry]) -> list[Plan]:
    """Return the plans with about a fifth of each class moved from ``train`` to ``val``.

    The segments are drawn at random with a fixed seed. Segments of the same source are moved together, regardless of
    their classes. The source is the value of the ``source`` or ``group`` column, if there is one, else the file; copies
    of a file have the same source. If a class has a single source, its segments are moved independently. At least one
    example of each class remains in ``train``.
    """
    labels = {row: plan.segment.label for row, plan in enumerate(plans) if plan.segment.split == "train"}
    sources = _sources(plans, entries)
    several = {label for label in set(labels.values()) if len({sources[r] for r in labels if labels[r] == label}) > 1}
    groups = dict[str, list[int]]()
    for row, label in labels.items():
        groups.setdefault(sources[row] if label in several else f"row {row}", []).append(row)
    remaining = Counter(labels.values())
    quota = Counter({label: max(count // VAL_DIVISOR, min(1, count - 1)) for label, count in remaining.items()})
    val = set[int]()
    names = sorted(groups)
    for number in np.random.default_rng(0).permutation(len(names)):
        rows = groups[names[number]]
        counts = Counter(labels[row] for row in rows)
        if any(quota[label] > 0 for label in counts) and all(remaining[label] > counts[label] for label in counts):
            val.update(rows)
            remaining, quota = remaining - counts, Counter({label: quota[label] - counts[label] for label in quota})
    return [
        replace(plan, segment=replace(plan.segment, split="val")) if row in val else plan
        for row, plan in enumerate(plans)
    ]


def one_split(segments: Sequence[Segment], split: str) -> list[Segment]:
    """Return the segments of ``split``, or all segments if ``split`` is ``all`` or if no segment has a split.

    Raises :class:`EvaluationError` if some segments have a split, but none belongs to ``split``.
    """
    names, split = sorted({s.split for s in segments if s.split}), split_name(split)
    if split == "all" or not names:
        return list(segments)
    selected = [s for s in segments if s.split == split]
    if not selected:
        raise EvaluationError(
            f"split: no rows with split '{split}'; the data has: {split_counts([s.split for s in segments if s.split])}"
            "; set --split to one of these, or to all"
        )
    return selected


def without_label(entries: Sequence[Entry], label: str, used: Collection[str] = ()) -> list[Skipped]:
    """Return the rows without a label; if ``used`` is given, rows that belong to other splits are omitted."""
    return [
        Skipped(entry.path, NO_LABEL)
        for entry in entries
        if not entry.extra.get(composed(label)) and (not used or split_of(entry) in (*used, ""))
    ]


def unlabelled_note(count: int, label: str) -> list[str]:
    """Return a list with one note that states the number of rows without a label; empty if there are none."""
    column = f"in the column '{label}'"
    return _note(count, f"row has no label {column} and is skipped", f"rows have no label {column} and are skipped")


def sort_names(names: set[str]) -> list[str]:
    """Sort class names, by value if all of them are numbers."""
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names)


def _note(count: int, one: str, several: str) -> list[str]:
    return [f"{count} {one if count == 1 else several}"] * bool(count)


def _check_needed(
    labelled: Sequence[Segment], entries: Sequence[Entry], label: str, needed: Sequence[str], optional: Sequence[str]
) -> None:
    """Raise :class:`EvaluationError` if a needed split has no labelled row."""
    needs = f"needed: {' and '.join(needed)}" + "".join(f" ({name} is optional)" for name in optional)
    if "split" not in columns(entries):
        raise EvaluationError(
            f"split: the data has no column 'split'; {needs}; add one that names the split of each row"
        )
    for split in needed:
        if any(segment.split == split for segment in labelled):
            continue
        rows = sum(split_of(entry) == split for entry in entries)
        if rows:
            raise EvaluationError(
                f"split: none of the {rows} rows with split '{split}' has a label in the column '{label}'; {needs}; "
                "add labels, or specify another column with --label"
            )
        present = split_counts([split_of(entry) for entry in entries if split_of(entry)]) or "no split in any row"
        raise EvaluationError(
            f"split: no row has split '{split}'; the column 'split' has: {present}; {needs}; use these names in "
            "that column"
        )


def _check_one_label(segments: Sequence[Segment], entries: Sequence[Entry]) -> None:
    """Raise :class:`EvaluationError` if the same segment of a recording has different labels in two rows."""
    alike = defaultdict[object, list[Segment]](list)
    numbers = recording_indices([entries[segment.entry] for segment in segments])
    for number, segment in zip(numbers, segments, strict=True):
        alike[number, segment.seconds].append(segment)
    same = SameRecording()
    for first, *others in alike.values():
        for other in others:
            entry, copied = entries[first.entry], entries[other.entry]
            if first.label != other.label and same(entry, copied):
                copy = "" if entry.path == copied.path else f" (the same content as {copied.path})"
                where = "" if first.seconds is None else " from {:g} to {:g} s".format(*first.seconds)
                raise EvaluationError(
                    f"label: {entry.path}{copy} has the labels '{first.label}' and '{other.label}'{where}; keep one of "
                    "the rows"
                )


def _check_alike(labels: set[str]) -> None:
    """Raise :class:`EvaluationError` if classes differ only in case, whitespace, quotes or Unicode normalisation."""
    seen = dict[str, str]()
    for label in sorted(labels):
        bare = _QUOTED.fullmatch(label)
        key = "".join(unicodedata.normalize("NFKC", bare[1] if bare else label).casefold().split())
        if (other := seen.setdefault(key, label)) != label:
            raise EvaluationError(
                f"label: the classes {other!a} and {label!a} differ only in case, whitespace or quotes; use one "
                "spelling, or give different classes different names"
            )


def _sources(plans: Sequence[Plan], entries: Sequence[Entry]) -> list[str]:
    """Return the source of each plan's recording: the value of its ``source`` or ``group`` column, else its file."""
    recordings = [entries[plan.segment.entry] for plan in plans]
    columns = [next((name for name in entry.extra if name.lower() in SOURCES), "") for entry in recordings]
    files = recording_indices(recordings)
    return [
        f"source {source}" if (source := entry.extra.get(column, "")) else f"file {number:09d}"
        for entry, column, number in zip(recordings, columns, files, strict=True)
    ]
