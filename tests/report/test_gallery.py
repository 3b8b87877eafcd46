from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avgdt.data.manifest import Entry
from avgdt.models.pretrained import PretrainedModel, untrained
from avgdt.report.gallery import Gallery, _drawn, galleries
from avgdt.report.matching import Matches, match
from avgdt.report.similarity import similarity
from avgdt.report.tables import Table
from tests.helpers.recipes import tiny


@pytest.fixture(scope="module")
def model() -> PretrainedModel:
    return untrained(tiny(), seed=3)


def matches(entries: list[Entry], cosines: np.ndarray) -> Matches:
    names = tuple(entry.extra["label"] for entry in entries)
    empty = Table("", "", "", (), "")
    return Matches(tuple(entries), (0.75,) * len(entries), names, cosines, cosines, {}, {}, empty, ())


@pytest.fixture(scope="module")
def both(entries: list[Entry], model: PretrainedModel) -> tuple[Gallery, Gallery]:
    """Picture i is nearest to sound i + 1, then i + 2, ...; its own is the last."""
    n = len(entries)
    cosines = np.array([[1 - ((j - i - 1) % n) / n for j in range(n)] for i in range(n)])
    return galleries(matches(entries, cosines), model.views.preprocessing.log_mel, lambda done, total: None)


def test_answers_come_in_order_of_the_right_direction(entries: list[Entry], both: tuple[Gallery, Gallery]) -> None:
    place = {entry.path.name: i for i, entry in enumerate(entries)}
    for gallery, step in zip(both, (1, -1), strict=True):
        for query in gallery.queries:
            asked = place[query.tile.name]
            assert [place[answer.name] for answer in query.answers] == [
                (asked + step * k) % len(entries) for k in range(1, 6)
            ]
            assert query.place == len(entries)
            assert [answer.cosine for answer in query.answers] == [1 - k / len(entries) for k in range(5)]


def test_hits_are_the_own_one_and_those_of_its_class(entries: list[Entry], model: PretrainedModel) -> None:
    own, _ = galleries(
        matches(entries, np.eye(len(entries))), model.views.preprocessing.log_mel, lambda done, total: None
    )
    for query in own.queries:
        assert query.place == 1
        assert [answer.hit for answer in query.answers] == [
            "own" if answer.name == query.tile.name else "class" if answer.label == query.tile.label else ""
            for answer in query.answers
        ]


def test_a_file_that_vanished_has_no_film(entries: list[Entry], model: PretrainedModel) -> None:
    gone = [replace(entries[0], path=Path("gone.mkv")), *entries[1:]]
    shown, _ = galleries(matches(gone, np.eye(len(gone))), model.views.preprocessing.log_mel, lambda done, total: None)
    tiles = [tile for query in shown.queries for tile in (query.tile, *query.answers)]
    assert {tile.snippet is None for tile in tiles if tile.name == "gone.mkv"} <= {True}
    assert all(tile.snippet for tile in tiles if tile.name != "gone.mkv")


def test_queries_are_of_different_classes_as_far_as_there_are_any() -> None:
    names = ["a"] * 30 + ["b"] * 2 + ["c"]
    drawn = _drawn(names)
    assert {names[i] for i in drawn[:3]} == {"a", "b", "c"}
    assert len(set(drawn)) == 6
    assert _drawn(names) == drawn
    assert sorted(_drawn(["", "", ""])) == [0, 1, 2]


def test_matching_compares_pictures_with_sounds(entries: list[Entry], model: PretrainedModel) -> None:
    found = match(model, entries[2:], "label", lambda done, total: None)
    assert found is not None
    assert list(found.names) == sorted(found.names)
    # The slow way, for one pair: its picture and another's sound, each through its own network.
    from avgdt.data.batch import collate
    from avgdt.data.clips import ClipReader
    from avgdt.data.windows import Window

    reader = ClipReader(model.recipe.clip, ("video", "audio"), grey=False)
    window = (Window(0.5),)  # the middle 0.5 s of 1.5 s
    seen, heard = (collate([reader.read(0, found.entries[i], window)]) for i in (1, 3))
    with torch.inference_mode():
        picture = model.phi.embed("video", model.views.test_view(seen, "video"))
        sound = model.phi.embed("audio", model.views.test_view(heard, "audio"))
    assert found.centres[1] == pytest.approx(0.75)
    assert found.similarity[1, 3] == pytest.approx(float((picture * sound).sum()), abs=1e-5)


def test_classes_are_told_at_the_matrix(entries: list[Entry]) -> None:
    ordered = sorted(entries, key=lambda entry: entry.extra["label"])
    told = similarity(matches(ordered, np.eye(len(ordered)) * 0.5))
    assert [(group.name, group.begin * 8, group.end * 8) for group in told.groups] == [
        ("<c>", 0, 2),
        ("a", 2, 5),
        ("b", 5, 8),
    ]
    assert (told.matrices[0].own, told.matrices[0].other) == (0.5, 0.0)
