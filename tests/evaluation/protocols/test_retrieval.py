from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import extract
from avgdt.evaluation.plans import plan
from avgdt.evaluation.protocols.retrieval import BOTH, Retrieval
from avgdt.evaluation.readers import embeddings
from avgdt.evaluation.retrieval import chance, retrieve
from avgdt.evaluation.segments import segments
from avgdt.media.manifest import Entry
from avgdt.training.runs import LoadedRun


def run(options: Retrieval, model: LoadedRun, random: LoadedRun, entries: list[Entry]) -> dict[str, Any]:
    result = options.run(model, random, entries, lambda done, total: None)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


@pytest.mark.parametrize(("label", "windows"), [("", 3), ("half", 1)])
def test_both_ways_with_both_networks(
    label: str, windows: int, model: LoadedRun, random: LoadedRun, entries: list[Entry]
) -> None:
    result = run(Retrieval(split="all", label=label, clips=3), model, random, [*entries, entries[0]])
    assert (result["sizes"], result["duplicates"], result["skipped"]) == ({"candidates": 12}, 1, [])
    plans, _ = plan(segments(entries, label or None), entries, model.recipe.clip, BOTH, 3)
    assert {len(one.windows) for one in plans} == {windows}
    found = extract((model, random), entries, plans, BOTH, embeddings, workers=0)
    for source, vectors in zip(("pretrained", "random"), found.vectors, strict=True):
        for query, key in (BOTH, BOTH[::-1]):
            figures = result[source][f"{query}_to_{key}"]
            low, high = figures.pop("r1_interval")
            assert figures == retrieve(vectors[query], vectors[key])
            assert low <= figures["r1"] <= high
    assert result["chance"] == {"video_to_audio": chance(12), "audio_to_video": chance(12)}


def test_split_is_heeded_and_data_without_splits_taken_whole(
    model: LoadedRun, random: LoadedRun, entries: list[Entry]
) -> None:
    assert run(Retrieval(clips=1), model, random, entries)["sizes"] == {"candidates": 4}
    bare = [replace(entry, extra={}) for entry in entries[:3]]
    assert run(Retrieval(clips=1), model, random, bare)["sizes"] == {"candidates": 3}
    with pytest.raises(EvaluationError, match="split 'valid'"):
        run(Retrieval(split="valid"), model, random, entries)


def test_recordings_without_both_modalities_are_listed(
    model: LoadedRun, random: LoadedRun, entries: list[Entry]
) -> None:
    deaf = replace(entries[0], has_audio=False, audio_start=None, audio_end=None)
    result = run(Retrieval(split="all", clips=1), model, random, [deaf, *entries[1:4]])
    assert result["sizes"] == {"candidates": 3}
    assert result["skipped"] == [{"path": str(deaf.path), "reason": "has no sound"}]
    with pytest.raises(EvaluationError, match="two usable recordings"):
        run(Retrieval(split="all", clips=1), model, random, [deaf, entries[1]])
    with pytest.raises(EvaluationError, match="1 of 1: has no sound"):
        run(Retrieval(split="all"), model, random, [deaf])
