"""Tests of weights files: an exact round trip, and errors for unsuitable files."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import save_file

from avgdt import __version__
from avgdt.models.errors import WeightsError
from avgdt.models.memory_format import set_memory_format
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.models.weights import load_weights, restore, save_weights
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder

Placement = Literal["none", "hidden", "output"]
RECIPE = {"title": "Größe", "model": {"blocks": [1, 1, 1, 1], "rate": 0.1}}


def small(width: int = 2, blocks: tuple[int, int, int, int] = (1, 1, 1, 1), batch_norm: Placement = "none") -> Phi:
    return Phi(Model(VideoEncoder(blocks, width), AudioEncoder((1, 1, 1, 1), 2), Head(4, 4, batch_norm)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_weights(path, small(), RECIPE, "pretrain")
    return path


def test_weights_are_read_back_bit_for_bit(tmp_path: Path) -> None:
    phi = small(batch_norm="output")
    set_memory_format(phi, "yes", Precision(torch.device("cpu"), torch.float32))
    phi(
        [torch.randn(4, 3, 4, 32, 32), torch.randn(4, 1, 40, 50)], ["video", "audio"]
    )  # changes the batch norm statistics
    path = tmp_path / "weights.safetensors"
    save_weights(path, phi, RECIPE, "pretrain")
    tensors, metadata = load_weights(path)
    assert (metadata.kind, metadata.recipe, metadata.version) == ("pretrain", RECIPE, __version__)
    other = small(batch_norm="output")
    restore(other, tensors, path)
    expected = phi.state_dict()
    assert other.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in other.state_dict().items())
    assert expected["encoders.video.stem.1.num_batches_tracked"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_failed_write_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WeightsError, match=r"could not be written .*no space"):
        save_weights(file, small(), RECIPE, "pretrain")
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (
            lambda: small(width=4),
            r"encoders\.video\.stem\.0\.weight is \(1, 3, 1, 7, 7\) in the file, \(2, 3, 1, 7, 7\)",
        ),
        (lambda: small(blocks=(1, 2, 1, 1)), r"encoders\.video\.layer2\.1\.conv1\.0\.0\.weight is missing"),
        (lambda: small(batch_norm="output"), r"heads\.video\.3\.running_mean is missing"),
        (lambda: small().encoders["audio"], r"conv1\.weight is missing"),
        (lambda: Phi(Model(VideoEncoder((1,) * 4, 2), head=Head(4, 4)), ("video",)), r"have no encoders\.audio\."),
    ],
)
def test_another_architecture_raises_an_error_with_the_first_difference(file: Path, network: object, said: str) -> None:
    module = network()  # type: ignore[operator]
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(WeightsError, match=said) as raised:
        restore(module, load_weights(file)[0], file)
    assert str(file) in str(raised.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_files_that_are_not_weights_raise_errors(tmp_path: Path, file: Path) -> None:
    (tmp_path / "short").write_bytes(file.read_bytes()[:-10])
    (tmp_path / "text").write_text("weights")
    (tmp_path / "empty").touch()
    save_file({"x": torch.zeros(2)}, tmp_path / "foreign")
    save_file({"x": torch.zeros(2)}, tmp_path / "odd", {"kind": "pretrain", "recipe": "{", "avgdt": "1"})
    for name in ("short", "text", "empty", "foreign", "odd", "missing"):
        with pytest.raises(WeightsError, match=name):
            load_weights(tmp_path / name)


def test_loading_weights_executes_no_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    path = tmp_path / "evil"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(WeightsError):
        load_weights(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    network = torch.nn.Linear(3, 2)
    good = tmp_path / "good.safetensors"
    save_weights(good, network, {}, "pretrain")
    before = good.read_bytes()
    with torch.no_grad():
        network.weight[1, 2] = value
    with pytest.raises(WeightsError, match="weight is not finite"):
        save_weights(good, network, {}, "pretrain")
    assert good.read_bytes() == before
    metadata = {"kind": "pretrain", "recipe": "{}", "avgdt": "0"}
    save_file({name: tensor.half() for name, tensor in network.state_dict().items()}, tmp_path / "bad", metadata)
    with pytest.raises(WeightsError, match="bad: weight is not finite"):
        load_weights(tmp_path / "bad")
