from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.evaluation.features import embeddings, extract
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.protocols.reidentification import Reidentification
from avgdt.evaluation.retrieval import ranks
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from tests.evaluation.inspected import inspected


def run(
    options: Reidentification, model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> dict[str, Any]:
    result = options.measure(inspected(model, random, entries))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


def test_first_and_last_clips_are_compared_within_and_across_modalities(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    result = run(Reidentification(split="all"), model, random, entries)
    assert set(result["pretrained"]) == {f"{q}_to_{k}" for q in ("video", "audio") for k in ("video", "audio")}
    assert set(result["chance"]) == set(result["random"]) == set(result["pretrained"])
    assert result["chance"]["video_to_audio"]["accuracy"] == 1 / 12
    plans = [Plan(Segment(i, ""), (Window(0.0), Window(1.0))) for i in range(12)]  # recordings of 1.5 s, clips of 0.5 s
    extraction = extract((model, random), entries, plans, ("video", "audio"), embeddings, workers=0, average=False)
    for source, vectors in zip(("pretrained", "random"), extraction.vectors, strict=True):
        for query in ("video", "audio"):
            for key in ("video", "audio"):
                forth = ranks(vectors[query][:, 0], vectors[key][:, 1])
                back = ranks(vectors[query][:, 1], vectors[key][:, 0])
                expected = ((forth == 1).mean() + (back == 1).mean()) / 2
                assert result[source][f"{query}_to_{key}"]["accuracy"] == pytest.approx(expected)


def test_recordings_too_short_for_two_clips_are_skipped(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    short = replace(entries[0], video_end=0.7, audio_end=0.7)
    result = run(Reidentification(split="all"), model, random, [short, *entries[1:4]])
    assert result["sizes"] == {"gallery": 3}
    assert [one["path"] for one in result["skipped"]] == [str(short.path)]
    assert "too short for two non-overlapping clips of 0.5 s" in result["skipped"][0]["reason"]


def test_audio_networks_accept_recordings_without_video(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    blind = [replace(entry, has_video=False, video_start=None, video_end=None) for entry in entries]
    result = run(Reidentification(modality="audio"), model, random, blind)
    assert set(result["pretrained"]) == {"audio_to_audio"}
    assert result["sizes"] == {"gallery": 4}
