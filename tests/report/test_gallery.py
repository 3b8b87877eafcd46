from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from avgdt.data.manifest import Entry
from avgdt.report.gallery import Gallery, entry_of, galleries
from avgdt.report.retrieval import retrieval
from tests.helpers.examples import examples_of
from tests.helpers.recipes import tiny


def drawn(examples: dict[str, Any]) -> tuple[Gallery, Gallery]:
    return galleries(examples, tiny(), lambda done, total: None)


@pytest.fixture(scope="module")
def shifted_examples(entries: Sequence[Entry]) -> tuple[Gallery, Gallery]:
    """Return examples in which video i is nearest to audio i + 1, then i + 2, ... and farthest from its own audio."""
    n = len(entries)
    return drawn(examples_of(entries, np.array([[1 - ((j - i - 1) % n) / n for j in range(n)] for i in range(n)])))


def test_retrieved_recordings_are_sorted_by_similarity_in_each_direction(
    entries: list[Entry], shifted_examples: tuple[Gallery, Gallery]
) -> None:
    indices = {entry.path.name: i for i, entry in enumerate(entries)}
    for gallery, step in zip(shifted_examples, (1, -1), strict=True):
        for query in gallery.queries:
            index = indices[query.tile.name]
            assert [indices[one.name] for one in query.nearest] == [
                (index + step * k) % len(entries) for k in range(1, 6)
            ]
            assert query.rank == len(entries)
            assert [one.cosine for one in query.nearest] == [1 - k / len(entries) for k in range(5)]


def test_matches_are_the_query_recording_and_those_of_its_class(entries: list[Entry]) -> None:
    by_video, _ = drawn(examples_of(entries, np.eye(len(entries))))
    for query in by_video.queries:
        assert query.rank == 1
        assert [one.match for one in query.nearest] == [
            "recording" if one.name == query.tile.name else "class" if one.label == query.tile.label else ""
            for one in query.nearest
        ]


def test_a_recording_that_was_deleted_has_no_snippet(entries: list[Entry]) -> None:
    examples = examples_of(entries, np.eye(len(entries)))
    examples["recordings"][0]["row"]["path"] = "gone.mkv"
    by_video, _ = drawn(examples)
    tiles = [tile for query in by_video.queries for tile in (query.tile, *query.nearest)]
    assert {tile.snippet is None for tile in tiles if tile.name == "gone.mkv"} <= {True}
    assert all(tile.snippet for tile in tiles if tile.name != "gone.mkv")


def test_rows_of_examples_are_entries_of_the_manifest(entries: list[Entry]) -> None:
    examples = examples_of(entries, np.eye(len(entries)))
    assert [entry_of(one["row"]) for one in examples["recordings"]] == entries


def test_the_similarity_matrix_is_labelled_with_class_names(entries: list[Entry]) -> None:
    ordered = sorted(entries, key=lambda entry: entry.extra["label"])
    similarity = retrieval(examples_of(ordered, np.eye(len(ordered)) * 0.5))
    assert [(one.name, one.begin * 8, one.end * 8) for one in similarity.classes] == [
        ("<c>", 0, 2),
        ("a", 2, 5),
        ("b", 5, 8),
    ]
    assert (similarity.matrices[0].positive, similarity.matrices[0].negative) == (0.5, 0.0)
