from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import mean_features
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.linear_layer import linear_layer_fold
from avgdt.evaluation.metrics import FoldScore, fold_metrics
from avgdt.evaluation.plans import Skipped, plan
from avgdt.evaluation.segments import segments
from avgdt.models.pretrained import PretrainedModel
from tests.evaluation.inspected import inspected


def test_decoding_failures_are_added_to_the_skipped_recordings(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], gone: Entry
) -> None:
    rows = [entries[0], replace(entries[1], error="broken"), gone]
    plans, skipped = plan(segments(rows), rows, model.recipe.clip, ("audio",), 2)
    extraction = inspected(model, random).features(rows, plans, skipped, ("audio",), mean_features)
    assert [segment.entry for segment in extraction.segments] == [0]
    assert extraction.pretrained["audio"].shape == extraction.random["audio"].shape == (1, 32)
    account = extraction.account()
    assert account["skipped"][0] == {"path": str(entries[1].path), "reason": "broken"}
    assert [one["path"] for one in account["skipped"][1:]] == ["gone.mkv"]
    assert account["padded"] == 0


def test_the_error_without_usable_recordings_gives_the_most_frequent_reason(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], gone: Entry
) -> None:
    skipped = [Skipped(Path("a"), "has no audio"), Skipped(Path("b"), "has no audio"), Skipped(Path("c"), "broken")]
    with pytest.raises(EvaluationError, match="2 of 3: has no audio"):
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
        extraction = inspected(one, random).features(entries, plans, [], ("audio",), mean_features)
        assert extraction.padded == padded


def test_a_modality_without_a_network_raises_an_error(model: PretrainedModel) -> None:
    from avgdt.models.phi import Phi

    deaf = replace(model, phi=Phi(model.recipe.model, ("video",)))
    inspected(deaf, deaf).check_modalities(("video",))
    with pytest.raises(EvaluationError, match="for video, not for audio"):
        inspected(deaf, deaf).check_modalities(("video", "audio"))


def test_finished_folds_are_not_computed_again_after_an_interruption(
    model: PretrainedModel, random: PretrainedModel, features: np.ndarray, folds: Folds, tmp_path: Path
) -> None:
    lines, computed, stop = list[str](), list[str](), True

    def test(fold: Fold) -> FoldScore:
        if stop and fold.name == "3":
            raise KeyboardInterrupt
        computed.append(fold.name)
        return linear_layer_fold(features, folds, fold, 20, seed=0)

    comparison = replace(inspected(model, random), out=tmp_path, on_result=lines.append)
    with pytest.raises(KeyboardInterrupt):
        comparison.fold_metrics("pretrained", "linear_layer", folds, test, context=[20, 0])
    assert (computed, len(lines)) == (["1", "2"], 2)
    stop = False
    resumed = comparison.fold_metrics("pretrained", "linear_layer", folds, test, context=[20, 0])
    assert computed == ["1", "2", "3", "4"]
    assert resumed == fold_metrics(folds, lambda fold: linear_layer_fold(features, folds, fold, 20, seed=0))
    assert lines[:2] == lines[2:4]
    accuracy = 100 * resumed["folds"][3]["accuracy"]
    assert lines[-1] == f"linear layer, fold 4, pretrained weights: accuracy {accuracy:.1f} %, epochs 20"
    # Scores are computed again if their settings, their rows or their targets change.
    others = replace(folds, targets=np.roll(folds.targets, 1))
    fewer = replace(folds, folds=[replace(fold, train=fold.train[1:]) for fold in folds.folds])
    for settings, changed in (([20, 1], folds), ([20, 0], others), ([20, 0], fewer)):
        computed.clear()
        comparison.fold_metrics("pretrained", "linear_layer", changed, test, context=settings)
        assert computed == ["1", "2", "3", "4"]


def test_folds_without_a_context_are_reported_and_not_stored(
    model: PretrainedModel, random: PretrainedModel, features: np.ndarray, folds: Folds, tmp_path: Path
) -> None:
    lines = list[str]()
    comparison = replace(inspected(model, random), out=tmp_path, on_result=lines.append)
    comparison.fold_metrics("random", "row", folds, lambda fold: linear_layer_fold(features, folds, fold, 1, seed=0))
    assert len(lines) == 4
    assert not list(tmp_path.iterdir())
