from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import extract, timed_features
from avgdt.evaluation.plans import plan
from avgdt.evaluation.probes import Labelled, logistic_regression, nearest_neighbours
from avgdt.evaluation.protocols.probe import Knn, Linear
from avgdt.evaluation.segments import segments
from avgdt.models.pretrained import PretrainedModel
from tests.evaluation.inspected import inspected

PROTOCOLS = [Linear, Knn]


def changed(entry: Entry, **cells: str) -> Entry:
    return replace(entry, extra={**entry.extra, **cells})


def run(options: Any, model: PretrainedModel, random: PretrainedModel, entries: list[Entry]) -> dict[str, Any]:
    result: dict[str, Any] = options.measure(inspected(model, random, entries))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("modality", ["video", "audio"])
def test_probes_of_video_and_audio_classify_distinguishable_classes(
    protocol: type[Any], modality: str, model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    result = run(protocol(label="light", modality=modality, clips=2), model, random, entries)
    assert result["sizes"] == {"train": 6, "val": 2, "test": 4}
    assert result["classes"] == ["bright", "dark"]
    assert result["chance"] == {"accuracy": 0.5, "mean_class_accuracy": 0.5}
    assert result["majority"] == 0.5
    assert result["dimensions"] == 32
    for source in ("pretrained", "random"):
        assert result[source]["accuracy"] == 1.0
        assert result[source]["confusion"] == [[2, 0], [0, 2]]
        assert result[source]["class_accuracy"] == {"bright": 1.0, "dark": 1.0}
        (parameter,) = result[source]["chosen"]
        chosen = {one[parameter]: one["val_accuracy"] for one in result[source]["tried"]}
        assert chosen[result[source]["chosen"][parameter]] == result[source]["val_accuracy"] == 1.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_network_is_reported_in_one_line(
    protocol: type[Any], model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    lines = list[str]()
    comparison = replace(inspected(model, random, entries), on_result=lines.append)
    protocol(label="light", clips=1).measure(comparison)
    row = protocol.title.lower()
    assert [line.partition(":")[0] for line in lines] == [
        f"{row}, test, {source} weights" for source in ("pretrained", "random")
    ]
    assert "accuracy 100.0 %" in lines[0]


@pytest.mark.parametrize(("protocol", "probe"), [(Linear, logistic_regression), (Knn, nearest_neighbours)])
def test_each_network_gets_its_own_features_and_the_right_labels(
    protocol: type[Any], probe: Any, model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    # Classes that are hard to distinguish give intermediate accuracies, which swapped features or labels would change.
    rows = [changed(entry, half="ab"[i * 7 % 5 % 2]) for i, entry in enumerate(entries)]
    result = run(protocol(label="half", modality="audio", pool="time"), model, random, rows)
    labelled = segments(rows, "half")
    plans, _ = plan(labelled, rows, model.recipe.clip, ("audio",), 4)
    assert {len(one.windows) for one in plans} == {1}
    extraction = extract((model, random), rows, plans, ("audio",), timed_features, workers=0)
    for source, vectors in zip(("pretrained", "random"), extraction.vectors, strict=True):
        splits = []
        for split in ("train", "val", "test"):
            chosen = [i for i, s in enumerate(labelled) if s.split == split]
            targets = np.array(["ab".index(labelled[i].label) for i in chosen])
            splits.append(Labelled(vectors["audio"][chosen], targets))
        expected = probe(*splits, 2)
        assert result[source]["confusion"] == expected.score.confusion.tolist()
        assert list(result[source]["chosen"].values()) == [expected.chosen]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_test_labels_do_not_affect_the_chosen_parameter(
    protocol: type[Any], model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    other = {"dark": "bright", "bright": "dark"}
    poisoned = [
        changed(entry, light=other[entry.extra["light"]]) if entry.extra["split"] == "test" else entry
        for entry in entries
    ]
    options = protocol(label="light", modality="audio", clips=1)
    clean, dirty = (run(options, model, random, rows) for rows in (entries, poisoned))
    for source in ("pretrained", "random"):
        assert dirty[source]["chosen"] == clean[source]["chosen"]
        assert dirty[source]["tried"] == clean[source]["tried"]
        assert dirty[source]["accuracy"] == 1 - clean[source]["accuracy"]


def test_skipped_rows_are_reported_with_a_reason(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], gone: Entry
) -> None:
    deaf = replace(entries[1], has_audio=False, audio_start=None, audio_end=None)
    rows = [gone, deaf, *entries[2:], changed(entries[0], split="extra"), changed(entries[0], light="")]
    result = run(Linear(label="light", modality="audio", clips=1), model, random, rows)
    assert result["sizes"] == {"train": 4, "val": 2, "test": 4}
    assert (result["other_splits"], result["unlabelled"]) == (1, 1)
    assert [(one["path"], one["reason"]) for one in result["skipped"]] == [
        (str(entries[0].path), "its row has no label"),
        (str(deaf.path), "has no audio"),
        ("gone.mkv", result["skipped"][2]["reason"]),
    ]
    assert result["notes"] == [
        "1 row has no label in the column 'light' and is skipped",
        "1 row belongs to another split (extra (1)) and is not used",
    ]


def test_invalid_options_and_rows_raise_errors_before_decoding(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    from avgdt.data.clips import ClipReader

    monkeypatch.setattr(ClipReader, "read", lambda *args: pytest.fail("decoded"))
    new_class = [*entries[:4], changed(entries[4], light="dim"), *entries[5:]]
    mistakes: list[tuple[Linear, list[Entry], str]] = [
        (Linear(label="ligth"), entries, "did you mean 'light'"),
        (Knn(label="light"), new_class, "class 'dim' is in test but not in train"),
        (Knn(label="light", clips=0), entries, "clips: 0"),
        (
            Knn(label="light", modality="audio"),
            [replace(e, has_audio=False) if e.extra["split"] == "test" else e for e in entries],
            "split: none of the rows with split 'test' can be used; .*; most often: has no audio; `avgdt scan`",
        ),
    ]
    for options, rows, message in mistakes:
        with pytest.raises(EvaluationError, match=message):
            options.measure(inspected(model, random, rows))


def test_a_split_without_decodable_recordings_raises_an_error(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], gone: Entry
) -> None:
    rows = [
        replace(gone, path=Path(entry.path.name), extra=entry.extra) if entry.extra["split"] == "val" else entry
        for entry in entries
    ]
    with pytest.raises(EvaluationError, match="none of the rows with split 'val' can be used; usable rows: train"):
        run(Linear(label="light", modality="audio", clips=1), model, random, rows)


@pytest.mark.parametrize(("protocol", "parameter"), [(Linear, "C"), (Knn, "k")])
@pytest.mark.parametrize("names", [("train", "test"), ("Training", "TESTING")])
def test_val_is_drawn_from_train_if_the_data_has_no_val_split(
    model: PretrainedModel,
    random: PretrainedModel,
    entries: list[Entry],
    protocol: type[Linear],
    parameter: str,
    names: tuple[str, str],
) -> None:
    rows = [changed(e, split=names[e.extra["split"] == "test"]) for e in entries]
    result = run(protocol(label="light", modality="audio", clips=1), model, random, rows)
    assert result["sizes"] == {"train": 6, "val": 2, "test": 4}
    assert result["val_from_train"]
    assert result["notes"][0].startswith(f"no 'val' split: {parameter} is selected on 2 recordings of 'train'")
    again = run(protocol(label="light", modality="audio", clips=1), model, random, rows)
    assert again == result
    given = run(protocol(label="light", modality="audio", clips=1), model, random, entries)
    assert (given["val_from_train"], given["notes"]) == (False, [])


def test_other_names_of_the_val_split_are_accepted(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    rows = [changed(e, split=e.extra["split"].replace("val", "Validation")) for e in entries]
    options = Linear(label="light", modality="audio", clips=1)
    assert run(options, model, random, rows) == run(options, model, random, entries)


@pytest.mark.parametrize("other", ["Dark", "da rk", "dark\u200a", "DARK", "'dark'", "\u201cDark\u201d"])
def test_classes_that_differ_only_in_case_blanks_or_quotes_are_refused(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry], other: str
) -> None:
    rows = [changed(entries[0], light=other), *entries[1:]]
    with pytest.raises(
        EvaluationError, match=r"label: the classes .* differ only in case, whitespace or quotes; use one spelling"
    ):
        run(Linear(label="light"), model, random, rows)


def test_val_cannot_be_drawn_from_one_recording_per_class(
    model: PretrainedModel, random: PretrainedModel, entries: list[Entry]
) -> None:
    rows = [entries[0], entries[6], *(entry for entry in entries if entry.extra["split"] == "test")]
    assert [entry.extra["light"] for entry in rows[:2]] == ["dark", "bright"]
    with pytest.raises(
        EvaluationError, match="there is no 'val' split to select k on, and 'train' has only one usable recording"
    ):
        run(Knn(label="light"), model, random, rows)


def test_duplicate_rows_are_used_once(model: PretrainedModel, random: PretrainedModel, entries: list[Entry]) -> None:
    options = Knn(label="light", modality="audio", clips=1)
    once = run(options, model, random, entries)
    again = run(options, model, random, [*entries, *entries[:4], entries[4], entries[4]])
    assert again["notes"] == ["6 rows duplicate another row (same file, segment, split and label) and are not used"]
    assert {**again, "notes": []} == once
