"""The rows of a manifest that a protocol with labels uses, and why it does not use the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from avgdt.data.manifest import Entry
from avgdt.data.splits import SameRecording, check_no_leakage, recording_numbers, split_counts, split_of
from avgdt.data.table import composed
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Skipped
from avgdt.evaluation.segments import Segment, columns, each_once, segments
from avgdt.evaluation.splits import stretches

NO_LABEL = "its row has no label"
NO_SPLIT = "its row has no split"


@dataclass(frozen=True)
class LabelledRows:
    """Segments that are used, each once, and an account of all other rows."""

    segments: list[Segment]
    """Different in file, seconds, split or label."""
    skipped: list[Skipped]
    """Rows without label, and rows without split."""
    other_splits: int
    """Labelled rows of splits that are not used."""
    unlabelled: int
    """Rows without label, but those of splits that are not used."""
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
    check_needed(labelled, entries, label, needed, optional)
    chosen = [segment for segment in labelled if segment.split in used]
    others = [segment.split for segment in labelled if segment.split and segment.split not in used]
    check_no_leakage(stretches(chosen, entries))
    check_one_label(chosen, entries)
    once = each_once(chosen, entries, lambda segment: (segment.seconds, segment.split, segment.label))
    unlabelled = without_label(entries, label, used)
    unsplit = [Skipped(str(entries[segment.entry].path), NO_SPLIT) for segment in labelled if not segment.split]
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


def without_label(entries: Sequence[Entry], label: str, used: Collection[str] = ()) -> list[Skipped]:
    """The rows without label, but those of a split that is not among ``used``, where some are named."""
    return [
        Skipped(str(entry.path), NO_LABEL)
        for entry in entries
        if not entry.extra.get(composed(label)) and (not used or split_of(entry) in (*used, ""))
    ]


def unlabelled_note(count: int, label: str) -> list[str]:
    """A note of how many rows have no label, where there are any."""
    column = f"in the column '{label}': skipped"
    return _note(count, f"row has no label {column}", f"rows have no label {column}")


def check_needed(
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
        found = split_counts([split_of(entry) for entry in entries if split_of(entry)]) or "no split in any row"
        raise EvaluationError(
            f"split: no row has split '{split}'; the column 'split' has: {found}; {wanted}; name the splits so in that "
            "column"
        )


def check_one_label(chosen: Sequence[Segment], entries: Sequence[Entry]) -> None:
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


def _note(count: int, one: str, several: str) -> list[str]:
    return [f"{count} {one if count == 1 else several}"] * bool(count)
