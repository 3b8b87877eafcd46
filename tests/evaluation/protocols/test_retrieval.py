from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import embeddings, extract
from avgdt.evaluation.plans import plan
from avgdt.evaluation.protocols.retrieval import BOTH, Retrieval
from avgdt.evaluation.retrieval import chance, retrieval_metrics
from avgdt.evaluation.segments import segments
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel
from tests.evaluation.inspected import inspected


def run(options: Retrieval, model: PretrainedModel, random: PretrainedModel, entries: list[Entry]) -> dict[str, Any]:
    result = options.measure(inspected(model, random, entries))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


@pytest.mark.parametrize(("label", "windows"), [("", 3), ("half", 1)])
def test_retrieval_is_measured_in_both_directions_with_both_networks(
    label: str, windows: int, model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    result = run(Retrieval(split="all", label=label, clips=3), model, random, [*entries, entries[0]])
    assert (result["sizes"], result["duplicates"], result["skipped"]) == ({"gallery": 12}, 1, [])
    plans, _ = plan(segments(entries, label or None), entries, model.recipe.clip, BOTH, 3)
    assert {len(one.windows) for one in plans} == {windows}
    extraction = extract((model, random), entries, plans, BOTH, embeddings, workers=0)
    for source, vectors in zip(("pretrained", "random"), extraction.vectors, strict=True):
        for query, key in (BOTH, BOTH[::-1]):
            metrics = result[source][f"{query}_to_{key}"]
            low, high = metrics.pop("r1_interval")
            assert metrics == retrieval_metrics(vectors[query], vectors[key])
            assert low <= metrics["r1"] <= high
    assert result["chance"] == {"video_to_audio": chance(12), "audio_to_video": chance(12)}


def test_rows_without_a_label_are_skipped(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    rows = [replace(e, extra={**e.extra, "half": ""}) if i in (0, 4) else e for i, e in enumerate(entries)]
    for split, without in (("all", [0, 4]), ("test", [4])):
        result = run(Retrieval(split=split, label="half", clips=1), model, random, rows)
        unlabelled = [{"path": str(entries[i].path), "reason": "its row has no label"} for i in without]
        assert result["skipped"] == unlabelled
        assert result["notes"][0].startswith(f"{len(without)} row")
    assert run(Retrieval(split="all", clips=1), model, random, rows)["skipped"] == []


def test_the_gallery_is_the_test_split_or_all_data_without_splits(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    assert run(Retrieval(clips=1), model, random, entries)["sizes"] == {"gallery": 4}
    bare = [replace(entry, extra={}) for entry in entries[:3]]
    assert run(Retrieval(clips=1), model, random, bare)["sizes"] == {"gallery": 3}
    with pytest.raises(EvaluationError, match="split 'extra'"):
        run(Retrieval(split="extra"), model, random, entries)


def test_recordings_without_both_modalities_are_skipped(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    deaf = replace(entries[0], has_audio=False, audio_start=None, audio_end=None)
    result = run(Retrieval(split="all", clips=1), model, random, [deaf, *entries[1:4]])
    assert result["sizes"] == {"gallery": 3}
    assert result["skipped"] == [{"path": str(deaf.path), "reason": "has no audio"}]
    with pytest.raises(EvaluationError, match="only one recording is usable"):
        run(Retrieval(split="all", clips=1), model, random, [deaf, entries[1]])
    with pytest.raises(EvaluationError, match="1 of 1: has no audio"):
        run(Retrieval(split="all"), model, random, [deaf])


def random_vectors(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """Return unit vectors that differ from clip to clip, in place of the similar embeddings of untrained networks."""
    return torch.nn.functional.normalize(torch.sin(1e4 * view.flatten(1)[:, :8]), dim=1)


def test_aligned_retrieval_averages_the_similarities_of_simultaneous_clips(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avgdt.evaluation.protocols.retrieval.embeddings", random_vectors)
    result = run(Retrieval(split="all", clips=3, aligned=True), model, random, entries)
    plans, _ = plan(segments(entries), entries, model.recipe.clip, BOTH, 3)
    (vectors,) = extract((model,), entries, plans, BOTH, random_vectors, workers=0, average=False).vectors
    similarity = np.empty((12, 12))
    for i, j in np.ndindex(12, 12):
        similarity[i, j] = np.mean([vectors["video"][i, clip] @ vectors["audio"][j, clip] for clip in range(3)])
    for way, table in (("video_to_audio", similarity), ("audio_to_video", similarity.T)):
        places = np.array([1 + sum(row[j] >= row[i] for j in range(12) if j != i) for i, row in enumerate(table)])
        expected = {**{f"r{k}": np.mean(places <= k) for k in (1, 5, 10)}, "median_rank": np.median(places)}
        assert expected.items() <= result["pretrained"][way].items()
    averaged = run(Retrieval(split="all", clips=3), model, random, entries)
    assert averaged["pretrained"] != result["pretrained"]


def test_segments_of_unequal_length_cannot_be_aligned(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    longer = replace(entries[0], extra={**entries[0].extra, "half_end": "1.4"})
    with pytest.raises(EvaluationError, match=r"have 1 to 3 clips.*--clips 1"):
        run(Retrieval(split="all", label="half", aligned=True), model, random, [longer, *entries[1:]])
