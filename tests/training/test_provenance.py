from __future__ import annotations

import shlex
from pathlib import Path

import torch

from avgdt.models.precision import Precision
from avgdt.training.provenance import command, machine, processor_name


def test_command_can_be_pasted() -> None:
    told = command(["/some/where/bin/avgdt", "evaluate", "linear", "--data", "my data/l.csv"])
    assert shlex.split(told) == ["avgdt", "evaluate", "linear", "--data", "my data/l.csv"]


def test_processor_name_comes_from_the_kernel_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Imaginary: 9000 @ 1 GHz\n")
    assert processor_name(tmp_path / "cpuinfo") == "Imaginary: 9000 @ 1 GHz"
    assert processor_name(tmp_path / "missing")


def test_machine_tells_threads_and_precision() -> None:
    told = machine(Precision(torch.device("cpu"), torch.bfloat16))
    assert told["precision"] == "bf16"
    assert told["threads"] == torch.get_num_threads()
    assert told["device"] == processor_name()
