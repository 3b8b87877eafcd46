from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats
from avgdt.data.batch import collate
from avgdt.data.clips import ClipReader
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.evaluation import examples
from avgdt.evaluation.examples import QUERIES, select_queries, update_examples
from avgdt.evaluation.results import read_folder, write_result
from avgdt.models.pretrained import load
from avgdt.recipes.recipe import Recipe
from avgdt.report.gallery import entry_of
from tests.helpers.recipes import tiny
from tests.helpers.run_folders import write_recordings, write_run


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    return write_recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture
def run(tmp_path: Path, entries: list[Entry]) -> Path:
    return write_run(tmp_path, tiny(), entries)


def updated(run: Path, data: Path | None = None, recipe: Recipe | None = None) -> dict[str, Any]:
    path = update_examples(run, recipe or tiny(), data)
    assert path == run / "results" / "examples.json"
    return dict(json.loads(path.read_text()))


def written(run: Path, data: Path | None = None) -> bool:
    """Return whether an update rewrites the file of examples."""
    path = run / "results" / "examples.json"
    before = path.stat().st_ino
    update_examples(run, tiny(), data)
    return path.stat().st_ino != before


def test_cosines_are_those_of_video_and_audio_embeddings(run: Path) -> None:
    retrieval = updated(run)["retrieval"]
    classes = [one["class"] for one in retrieval["recordings"]]
    assert len(classes) == 6
    assert classes == sorted(classes)
    # Reference for one pair: the video of one recording and the audio of another, each embedded on its own.
    model = load(run, "cpu")
    reader = ClipReader(model.recipe.clip, ("video", "audio"), grey=False)
    window = (Window(0.5),)  # the middle 0.5 s of 1.5 s
    first, second = (collate([reader.read(0, entry_of(retrieval["recordings"][i]["row"]), window)]) for i in (1, 3))
    with torch.inference_mode():
        video = model.phi.embed("video", model.views.test_view(first, "video"))
        audio = model.phi.embed("audio", model.views.test_view(second, "audio"))
    assert retrieval["recordings"][1]["time"] == pytest.approx(0.75)
    assert retrieval["similarity"]["pretrained"][1][3] == pytest.approx(float((video * audio).sum()), abs=1e-5)


def test_the_file_contains_sizes_metrics_and_queries(run: Path, entries: list[Entry]) -> None:
    content = updated(run)
    assert content["train"] == {"recordings": 2, "seconds": pytest.approx(3.0)}
    assert content["held_out"] == {"recordings": 0}
    assert content["missing"] == {"recordings": 0, "first": ""}
    assert content["label"] == "label"
    assert [entry_of(row).path for row in content["viewed"]] == [entry.path for entry in entries[:2]]
    assert [network["modality"] for network in content["networks"]] == ["video", "audio"]
    retrieval = content["retrieval"]
    assert retrieval["split"] == "test"
    for way in ("video_to_audio", "audio_to_video"):
        # The weights of the run are the random ones of its seed.
        assert retrieval["pretrained"][way] == retrieval["random"][way]
        assert retrieval["pretrained"][way].keys() == retrieval["chance"][way].keys()
    for by in ("video", "audio"):
        assert len(retrieval["queries"][by]) == QUERIES
        for query in retrieval["queries"][by]:
            row = retrieval["similarity"]["pretrained"][query["query"]]
            cosines = row if by == "video" else [row[query["query"]] for row in retrieval["similarity"]["pretrained"]]
            ranked = [cosines[i] for i in query["nearest"]]
            assert ranked == sorted(ranked, reverse=True)
            assert max(cosines) == ranked[0]
            if query["rank"] <= 5:
                assert query["nearest"][query["rank"] - 1] == query["query"]


def test_examples_are_not_read_as_a_result_of_a_protocol(run: Path) -> None:
    update_examples(run, tiny())
    assert read_folder(run) == []


def test_the_file_is_written_again_only_if_it_is_out_of_date(run: Path, entries: list[Entry]) -> None:
    update_examples(run, tiny())
    assert not written(run)
    weights = run / "weights.safetensors"
    later = (run / "results" / "examples.json").stat().st_mtime_ns + 10**9
    os.utime(weights, ns=(later, later))
    assert written(run)
    os.utime(weights, ns=(0, 0))
    assert not written(run)
    assert written(run, run / "manifest.csv")  # another data set
    assert not written(run, run / "manifest.csv")
    (run / "results" / "examples.json").write_text("{")
    assert written(run)


def test_classes_are_those_of_the_label_of_the_latest_probe(run: Path, entries: list[Entry]) -> None:
    write_run(run, tiny(), [replace(entry, extra={**entry.extra, "kind": "x"}) for entry in entries])
    assert updated(run)["label"] == "label"
    result = {"protocol": "linear", "options": {"label": "kind"}, "pretrained": {}, "random": {}, "chance": {}}
    write_result(result, run)
    content = updated(run)
    assert content["label"] == "kind"
    assert {one["class"] for one in content["retrieval"]["recordings"]} == {"x"}


def test_existing_examples_are_kept_if_recordings_are_missing(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    entries = write_recordings(tmp_path / "recordings")
    (tmp_path / "run").mkdir()
    run = write_run(tmp_path / "run", tiny(), entries)
    (tmp_path / "recordings").rename(tmp_path / "elsewhere")
    content = updated(run)
    assert content["missing"]["recordings"] == 8
    assert "Retrieval needs at least two recordings whose files exist" in content["reason"]
    (tmp_path / "elsewhere").rename(tmp_path / "recordings")
    assert "retrieval" in updated(run)
    (tmp_path / "recordings").rename(tmp_path / "elsewhere")
    assert not written(run)


def test_missing_retrieval_examples_have_a_reason(
    tmp_path: Path, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "extract", None)  # no clip must be embedded
    alone = tiny(composition=Composition(Modality(levels=("audio",)), Repeats(2), partners="equal"))
    for name, recipe, weights, reason in (
        ("one", alone, True, "trained on audio only"),
        ("unfinished", tiny(), False, "no weights.safetensors yet"),
    ):
        (tmp_path / name).mkdir()
        content = updated(write_run(tmp_path / name, recipe, entries, weights), recipe=recipe)
        assert reason in content["reason"]
        assert "retrieval" not in content
        assert content["networks"]
    (tmp_path / "one" / "manifest.csv").unlink()
    assert "no manifest.csv" in updated(tmp_path / "one", recipe=alone)["reason"]


def test_queries_are_of_as_many_different_classes_as_possible() -> None:
    classes = ["a"] * 30 + ["b"] * 2 + ["c"]
    queries = select_queries(classes)
    assert {classes[i] for i in queries[:3]} == {"a", "b", "c"}
    assert len(set(queries)) == 6
    assert select_queries(classes) == queries
    assert sorted(select_queries(["", "", ""])) == [0, 1, 2]
