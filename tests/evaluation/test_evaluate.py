from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console

from avgdt.data.inspection import Inspector
from avgdt.data.manifest import Entry, write_manifest
from avgdt.evaluation.evaluate import evaluate
from avgdt.evaluation.protocols.probe import Knn, Linear
from avgdt.evaluation.protocols.reidentification import Reidentification
from avgdt.evaluation.protocols.retrieval import Retrieval
from avgdt.evaluation.results import read_results, result_table
from avgdt.models.pretrained import PretrainedModel
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain


@pytest.fixture
def weights(model: PretrainedModel, tmp_path: Path) -> Path:
    save_weights(tmp_path / "weights.safetensors", model.phi, to_plain(model.recipe), "pretrain")
    return tmp_path


@pytest.fixture
def data(entries: list[Entry], tmp_path: Path) -> Path:
    write_manifest(entries, tmp_path / "labels.csv")
    return tmp_path / "labels.csv"


@pytest.mark.parametrize(
    "protocol", [Linear("light", clips=1), Knn("light", "audio", clips=1), Retrieval(clips=1), Reidentification()]
)
def test_the_result_is_written_as_json_and_printed_as_a_table(
    protocol: Linear | Knn | Retrieval | Reidentification, weights: Path, data: Path, tmp_path: Path
) -> None:
    result, path = evaluate(protocol, weights, data, tmp_path / "out", device="cpu")
    assert path == tmp_path / "out" / "results" / f"{protocol.name}.json"
    assert read_results(path) == [json.loads(json.dumps(result))] == [result]
    assert result["weights"] == str(weights)
    assert result["data"] == str(data)
    assert result["machine"]["threads"] == torch.get_num_threads()
    assert result["machine"]["precision"] == "fp32"
    assert result["seconds"] >= 0
    assert "T" in result["date"]
    console = Console(width=100, record=True, file=StringIO())
    console.print(result_table(result))
    text = console.export_text()
    assert "random weights" in text
    assert text.count(" %") >= 3


def test_random_weights_depend_on_the_seed(weights: Path, data: Path, tmp_path: Path) -> None:
    def measured(seed: int) -> object:
        result, _ = evaluate(Retrieval(split="all", clips=1, seed=seed), weights, data, tmp_path, device="cpu")
        return result["pretrained"], result["random"]

    first, again, equal = measured(0), measured(0), measured(1)
    assert first == again
    # The tested weights are the random weights of seed 1, so with that seed both networks are the same.
    assert equal[0] == equal[1] == first[0]  # type: ignore[index]
    assert first[0] != first[1]  # type: ignore[index]


def test_the_next_evaluation_inspects_only_new_and_changed_files(
    weights: Path, entries: list[Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, inspected = tmp_path / "folder", list[str]()
    folder.mkdir()
    for entry in entries[:3]:
        (folder / entry.path.name).write_bytes(entry.path.read_bytes())
    inspect = Inspector.inspect

    def counting(inspector: Inspector, path: Path) -> Entry:
        inspected.append(path.name)
        return inspect(inspector, path)

    monkeypatch.setattr(Inspector, "inspect", counting)
    first, _ = evaluate(Retrieval(clips=1), weights, folder, tmp_path / "out", device="cpu")
    assert sorted(inspected) == sorted(entry.path.name for entry in entries[:3])
    inspected.clear()
    (folder / entries[3].path.name).write_bytes(entries[3].path.read_bytes())
    second, _ = evaluate(Retrieval(clips=1), weights, folder, tmp_path / "out", device="cpu")
    assert inspected == [entries[3].path.name]
    assert (first["sizes"], second["sizes"]) == ({"gallery": 3}, {"gallery": 4})


def test_a_folder_without_a_manifest_is_scanned_and_used_completely(
    weights: Path, entries: list[Entry], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for entry in entries[:3]:
        (folder / entry.path.name).write_bytes(entry.path.read_bytes())
    (folder / "notes.mp4").write_text("not a recording")
    result, _ = evaluate(Retrieval(clips=1), weights, folder, tmp_path / "out", device="cpu")
    assert result["sizes"] == {"gallery": 3}
    assert [Path(one["path"]).name for one in result["skipped"]] == ["notes.mp4"]


def test_pretrained_metrics_are_computed_with_the_weights_file(
    model: PretrainedModel, random: PretrainedModel, data: Path, tmp_path: Path
) -> None:
    results = []
    for name, run in (("a", model), ("b", random)):
        folder = tmp_path / name
        folder.mkdir()
        save_weights(folder / "weights.safetensors", run.phi, to_plain(run.recipe), "pretrain")
        options = Retrieval(split="all", clips=1, seed=9)
        results.append(evaluate(options, folder, data, folder, device="cpu")[0])
    assert results[0]["pretrained"] != results[1]["pretrained"]
    assert results[0]["random"] == results[1]["random"]
