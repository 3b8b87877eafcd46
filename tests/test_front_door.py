"""Tests of the public names of ``import avgdt``, the examples, and embeddings of a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import avgdt
from avgdt.errors import AvgdtError
from avgdt.evaluation import cache, embedding
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Extraction, extract
from avgdt.models.pretrained import PretrainedModel, untrained
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain
from tests.helpers.folders import write_folder
from tests.helpers.media_files import evenly, noise, write_media
from tests.helpers.recipes import tiny

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def model() -> PretrainedModel:
    return untrained(tiny(), seed=3)


@pytest.fixture(scope="module")
def run(model: PretrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    save_weights(folder / "weights.safetensors", model.phi, to_plain(model.recipe), "pretrain")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_folder(tmp_path_factory.mktemp("films"), 4)
    write_media(folder / "04.mkv", evenly(44, 8), noise(5.5, 8000, seed=9), size=(24, 32), sample_rate=8000)
    (folder / "notes.txt").write_text("no recording")
    return folder


def test_every_public_name_exists_and_is_documented() -> None:
    for name in avgdt.__all__:
        assert getattr(avgdt, name).__doc__, name
        assert name in dir(avgdt)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        avgdt.nothing  # noqa: B018


def test_importing_avgdt_imports_no_heavy_package() -> None:
    code = (
        "import sys, avgdt; avgdt.recipe('paper'); avgdt.Composition;print({'torch', 'av', 'numpy'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_pretrain_and_evaluate_equal_the_commands(folder: Path, tmp_path: Path) -> None:
    weights = avgdt.pretrain(tiny(), folder, tmp_path / "run")
    assert weights == tmp_path / "run" / "weights.safetensors"
    result = avgdt.evaluate("retrieval", tmp_path / "run", folder, split="all", clips=1)
    assert result["protocol"] == "retrieval"
    assert (tmp_path / "run" / "results" / "retrieval.json").exists()
    with pytest.raises(AvgdtError, match="protocol 'retrival' is unknown; did you mean 'retrieval'"):
        avgdt.evaluate("retrival", tmp_path / "run", folder)


@pytest.mark.parametrize("every", [None, 0.25])
@pytest.mark.parametrize("modality", ["video", "audio"])
def test_embedding_a_folder_gives_the_vectors_of_its_files(
    model: PretrainedModel, run: Path, folder: Path, tmp_path: Path, every: float | None, modality: str
) -> None:
    table = avgdt.embed(folder, run, tmp_path / "v.npz", modality, every, workers=1)  # type: ignore[arg-type]
    assert [Path(file).name for file in table.files] == [f"{i:02d}.mkv" for i in range(5)]
    for number, file in enumerate(table.files):
        one = model.embed(file, modality, every)  # type: ignore[arg-type]
        np.testing.assert_allclose(table.vectors[table.rows == number], one.vectors, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(table.times[table.rows == number], one.times)
    with np.load(tmp_path / "v.npz") as kept:  # loads without pickle
        np.testing.assert_array_equal(kept["vectors"], table.vectors)
        np.testing.assert_array_equal(kept["rows"], table.rows)
        assert kept["files"].tolist() == table.files
        assert kept["seconds"] == 0.5
    assert [skipped.path.name for skipped in table.skipped] == ["notes.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.npz", "v.npz.skipped.csv"]


def test_an_interrupted_call_resumes(run: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "WINDOWS_PER_PART", 3)
    expected = avgdt.embed(folder, run, tmp_path / "whole.npz", "audio", 0.5, workers=0)

    def stop(done: int, total: int) -> None:
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        avgdt.embed(folder, run, tmp_path / "v.npz", "audio", 0.5, workers=0, progress=stop)
    assert not (tmp_path / "v.npz").exists()
    times_before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / ".v.npz.parts").iterdir()}
    assert times_before
    extracted: list[int] = []

    def counted(*arguments: Any, **options: Any) -> Extraction:
        extracted.append(1)
        return extract(*arguments, **options)

    monkeypatch.setattr(cache, "extract", counted)
    again = avgdt.embed(folder, run, tmp_path / "v.npz", "audio", 0.5, workers=0)
    np.testing.assert_array_equal(again.vectors, expected.vectors)
    assert 0 < len(extracted) < len(expected.vectors) / 3
    assert not (tmp_path / ".v.npz.parts").exists()


def test_the_parquet_file_holds_the_same_values(run: Path, folder: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = avgdt.embed(folder, run, tmp_path / "v.parquet", "audio", workers=0)
    read = parquet.read_table(tmp_path / "v.parquet").to_pydict()
    assert read["file"] == table.files
    np.testing.assert_array_equal(np.array(read["vector"], dtype=np.float32), table.vectors)


def test_invalid_arguments_raise_errors(run: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"v\.txt: unknown format; the name must end in \.npz or \.parquet"):
        avgdt.embed(folder, run, tmp_path / "v.txt")
    with pytest.raises(EvaluationError, match="every: must be above 0"):
        avgdt.embed(folder, run, every=0.0)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no recording")
    with pytest.raises(EvaluationError, match="none of 1 recordings can be embedded; first error: "):
        avgdt.embed(tmp_path / "empty", run)


def test_the_retrieval_example_finds_audio(run: Path, folder: Path) -> None:
    command = [sys.executable, EXAMPLES / "find_sound_by_video.py", run, folder / "00.mkv", folder]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == 5
    similarities = [float(line.split()[0]) for line in lines]
    assert similarities == sorted(similarities, reverse=True)
    assert len({line.split()[1] for line in lines}) == 5


def test_the_training_loop_example_trains(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "films", 24)
    command = [sys.executable, EXAMPLES / "own_loop.py", folder, "2"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"step {step}" for step in range(1, 3)]
    assert all(float(line.split("loss ")[1].split(",")[0]) > 0 for line in lines)
    assert len((EXAMPLES / "own_loop.py").read_text().splitlines()) <= 40
