"""Tests of device kinds: the built-in table, and the measured machine."""

from __future__ import annotations

import pytest
import torch

from avgdt.models.precision import Precision, resolve_device, resolve_precision
from avgdt.training.device_kinds import KINDS, device_kind, matrix_rate
from avgdt.training.errors import TrainingError


def test_an_unknown_kind_raises_an_error() -> None:
    with pytest.raises(TrainingError, match=r"^--kind: 'h10' is unknown; use one of h200, h100, a100, v100, .*, this$"):
        device_kind("h10")


def test_the_precision_depends_on_the_hardware_or_the_recipe() -> None:
    assert [KINDS[name].precision("auto") for name in ("a100", "v100")] == ["bf16", "fp16"]
    assert KINDS["a100"].precision("fp32") == "fp32"
    assert KINDS["a100"].flops("fp32") < KINDS["a100"].flops("bf16")
    with pytest.raises(TrainingError, match=r"^run\.precision: .* has no bf16; use auto, fp16 or fp32$"):
        KINDS["v100"].flops("bf16")


def test_this_machine_is_measured() -> None:
    kind = device_kind("this")
    assert kind.precision("auto") == resolve_precision("auto", resolve_device("auto")).name
    assert kind.fp32_flops > 1e9
    assert kind.bandwidth > 1e8
    assert kind.memory > 1e8
    assert 0 < kind.share < 1


def test_the_matrix_rate_is_no_less_than_that_of_one_product() -> None:
    rate = matrix_rate(Precision(torch.device("cpu"), torch.float32), seconds=0.05)
    assert 1e9 < rate < 1e14
