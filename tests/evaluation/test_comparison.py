from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import mean_features
from avgdt.evaluation.plans import Skipped, plan
from avgdt.evaluation.segments import segments
from avgdt.models.pretrained import PretrainedModel
from tests.evaluation.inspected import inspected


def test_failures_join_what_was_skipped_before(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], gone: Entry
) -> None:
    rows = [entries[0], replace(entries[1], error="broken"), gone]
    plans, skipped = plan(segments(rows), rows, model.recipe.clip, ("audio",), 2)
    found = inspected(model, random).features(rows, plans, skipped, ("audio",), mean_features)
    assert [segment.entry for segment in found.segments] == [0]
    assert found.pretrained["audio"].shape == found.random["audio"].shape == (1, 32)
    account = found.account()
    assert account["skipped"][0] == {"path": str(entries[1].path), "reason": "broken"}
    assert [one["path"] for one in account["skipped"][1:]] == ["gone.mkv"]
    assert account["padded"] == 0


def test_nothing_left_names_the_commonest_reason(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], gone: Entry
) -> None:
    skipped = [Skipped(Path("a"), "has no sound"), Skipped(Path("b"), "has no sound"), Skipped(Path("c"), "broken")]
    with pytest.raises(EvaluationError, match="2 of 3: has no sound"):
        inspected(model, random).features(entries, [], skipped, ("audio",), mean_features)
    plans, _ = plan(segments([gone]), [gone], model.recipe.clip, ("audio",), 2)
    with pytest.raises(EvaluationError, match=r"1 of 1: .*gone\.mkv"):
        inspected(model, random).features([gone], plans, [], ("audio",), mean_features)


def test_recordings_shorter_than_a_clip_are_counted(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    longer = replace(model.recipe, clip=replace(model.recipe.clip, audio_seconds=2.0))
    long = replace(model, recipe=longer)
    for one, padded in ((model, 0), (long, 3)):
        plans, _ = plan(segments(entries[:3]), entries, one.recipe.clip, ("audio",), 1)
        found = inspected(one, random).features(entries, plans, [], ("audio",), mean_features)
        assert found.padded == padded


def test_a_modality_that_the_networks_lack(model: PretrainedModel) -> None:
    from avgdt.models.phi import Phi

    deaf = replace(model, phi=Phi(model.recipe.model, ("video",)))
    inspected(deaf, deaf).check_modalities(("video",))
    with pytest.raises(EvaluationError, match="take video, not audio"):
        inspected(deaf, deaf).check_modalities(("video", "audio"))
