from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avgdt.data.manifest import Entry
from avgdt.evaluation import cache
from avgdt.evaluation.cache import FeatureCache, FoldCache, array_digest
from avgdt.evaluation.features import Extraction, extract, mean_features, timed_features
from avgdt.evaluation.metrics import FoldScore, score
from avgdt.evaluation.plans import Plan, plan
from avgdt.evaluation.segments import segments
from avgdt.files import WriteError, source_digest
from avgdt.models.pretrained import PretrainedModel, untrained

Extractions = list[list[PretrainedModel]]


@pytest.fixture
def extractions(monkeypatch: pytest.MonkeyPatch) -> Extractions:
    """Return a list to which every extraction adds its models; cached features are not extracted."""
    calls: Extractions = []

    def watched(models: Any, *args: Any, **options: Any) -> Extraction:
        calls.append(list(models))
        return extract(models, *args, **options)

    monkeypatch.setattr(cache, "extract", watched)
    return calls


@pytest.fixture
def plans(entries: list[Entry], model: PretrainedModel) -> list[Plan]:
    return plan(segments(entries[:3]), entries, model.recipe.clip, ("audio",), 2)[0]


def extract_cached(folder: Path, models: Any, entries: Any, plans: Any, read: Any = mean_features) -> Extraction:
    return FeatureCache(folder).extract(models, entries, plans, ("audio",), read, workers=0, average=False)


def test_features_of_a_network_are_extracted_once(
    extractions: Extractions,
    model: PretrainedModel,
    random: PretrainedModel,
    entries: list[Entry],
    plans: list[Plan],
    tmp_path: Path,
) -> None:
    fresh = extract((model, random), entries, plans, ("audio",), mean_features, workers=0, average=False)
    first = extract_cached(tmp_path, (model,), entries, plans)
    both = extract_cached(tmp_path, (random, model), entries, plans)
    assert extractions == [[model], [random]]
    assert (first.read, both.read, both.failures) == ([0, 1, 2], [0, 1, 2], {})
    for found, expected in ((first.vectors[0], 0), (both.vectors[1], 0), (both.vectors[0], 1)):
        np.testing.assert_array_equal(found["audio"], fresh.vectors[expected]["audio"])
    # A network with equal weights that was loaded separately has the same cache file.
    extract_cached(tmp_path, (untrained(model.recipe, seed=1),), entries, plans)
    assert len(extractions) == 2


def test_a_new_version_of_the_code_extracts_features_again(
    extractions: Extractions,
    model: PretrainedModel,
    entries: list[Entry],
    plans: list[Plan],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extract_cached(tmp_path / "cache", (model,), entries, plans)
    monkeypatch.setattr(cache, "source_digest", lambda folder: "another")
    extract_cached(tmp_path / "cache", (model,), entries, plans)
    assert len(extractions) == 2
    (tmp_path / "inner").mkdir()
    digests = list[str]()
    for name, text in (("a.py", "1"), ("a.py", "2"), ("inner/b.py", ""), ("notes.txt", "3")):
        (tmp_path / name).write_text(text)
        digests.append(source_digest.__wrapped__(tmp_path))
    assert len(set(digests)) == 3
    assert digests[2] == digests[3]


def test_everything_that_affects_the_features_affects_the_file_name(
    extractions: Extractions, model: PretrainedModel, entries: list[Entry], plans: list[Plan], tmp_path: Path
) -> None:
    extract_cached(tmp_path, (model,), entries, plans)
    changed = untrained(model.recipe, seed=1)
    with torch.no_grad():
        changed.phi.encoders["audio"].layer4[0].bn2.running_mean[3] += 0.01  # type: ignore[union-attr, index, operator]
    recipe = replace(model.recipe, clip=replace(model.recipe.clip, audio_seconds=0.4))
    longer = PretrainedModel(recipe, model.phi, model.views, model.precision)
    touched = replace(entries[1], path=tmp_path / "copy.mkv")
    touched.path.write_bytes(entries[1].path.read_bytes())
    others = [entries[0], touched, *entries[2:]]
    extract_cached(tmp_path, (changed,), entries, plans)
    extract_cached(tmp_path, (longer,), entries, plans)
    extract_cached(tmp_path, (model,), others, plans)
    os.utime(touched.path, (1, 1))
    extract_cached(tmp_path, (model,), others, plans)
    extract_cached(tmp_path, (model,), entries, plans[:2])
    extract_cached(tmp_path, (model,), entries, [plans[0], replace(plans[1], windows=plans[1].windows[::-1]), plans[2]])
    extract_cached(tmp_path, (model,), entries, plans, timed_features)
    assert len(extractions) == len(list(tmp_path.glob("*.safetensors"))) == 8
    # Weights of the video network do not affect features of audio.
    with torch.no_grad():
        changed.phi.encoders["video"].stem[0].weight.add_(1)  # type: ignore[union-attr, index, operator]
    extract_cached(tmp_path, (changed,), entries, plans)
    assert len(extractions) == 8


def test_failed_recordings_and_truncated_files_are_extracted_again(
    extractions: Extractions,
    model: PretrainedModel,
    random: PretrainedModel,
    entries: list[Entry],
    plans: list[Plan],
    tmp_path: Path,
) -> None:
    extract_cached(tmp_path, (model,), entries, plans)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    extract_cached(tmp_path, (model,), entries, plans)
    assert extractions == [[model], [model]]
    gone = [replace(entries[0], path=tmp_path / "gone.mkv"), *entries[1:]]
    for _ in range(2):
        extraction = extract_cached(tmp_path, (model, random), gone, plans)
        assert extraction.read == [1, 2]
        assert list(extraction.failures) == [0]
    assert extractions[2:] == [[model, random]] * 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_raises_an_error(
    model: PretrainedModel, entries: list[Entry], plans: list[Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"could not be written .*; free some disk space and try again"):
        extract_cached(tmp_path, (model,), entries, plans)
    assert list(tmp_path.iterdir()) == []


def test_a_fold_score_is_computed_once_per_context_and_version_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = list[object]()
    details = {"chosen": {"k": 3}, "val_accuracy": 1 / 3, "converged": True, "tried": [{"epochs": 10}]}

    def scored(context: object) -> FoldScore:
        def test() -> FoldScore:
            contexts.append(context)
            return FoldScore(score(np.array([0, 1, 1]), np.array([0, 1, 0]), 2), details)

        return FoldCache(tmp_path).score(context, test)

    for context in ([1, {"seed": 0}], [1, {"seed": 0}], [1, {"seed": 1}]):
        one = scored(context)
        assert one.score.confusion.tolist() == [[1, 1], [0, 1]]
        assert one.details == details
    assert contexts == [[1, {"seed": 0}], [1, {"seed": 1}]]
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-30])
    assert scored([1, {"seed": 0}]).details == details
    assert len(contexts) == 3
    monkeypatch.setattr(cache, "source_digest", lambda folder: "another")
    scored([1, {"seed": 0}])
    assert len(contexts) == 4


def test_the_digest_of_an_array_depends_on_its_type_shape_and_values() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    changed = array.copy()
    changed[1, 2] = np.nextafter(changed[1, 2], 9)
    others = [changed, array.reshape(3, 2), array.view(np.int32), array[:, ::-1]]
    assert len({array_digest(one) for one in (array, *others)}) == 5
    assert array_digest(np.asfortranarray(array)) == array_digest(array)
