from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from avgdt.models.precision import Precision
from avgdt.training.provenance import command, join, machine, own_command, processor_name


def test_the_command_can_be_pasted_into_a_shell() -> None:
    line = command(["/some/where/bin/avgdt", "evaluate", "linear", "--data", "my data/l.csv"])
    assert shlex.split(line) == ["avgdt", "evaluate", "linear", "--data", "my data/l.csv"]


def test_the_processor_name_is_read_from_cpuinfo_if_available(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Imaginary: 9000 @ 1 GHz\n")
    assert processor_name(tmp_path / "cpuinfo") == "Imaginary: 9000 @ 1 GHz"
    assert processor_name(tmp_path / "missing")


def test_the_machine_record_contains_threads_and_precision() -> None:
    record = machine(Precision(torch.device("cpu"), torch.bfloat16))
    assert record["precision"] == "bf16"
    assert record["threads"] == torch.get_num_threads()
    assert record["device"] == processor_name()


@pytest.mark.parametrize(
    "word", ["my runs/a (1)", "it's", "two\nlines", "tab\there", "back\\slash\n", "not-utf8-\udcff", "é"]
)
def test_quoted_words_are_parsed_unchanged_by_the_shell(word: str) -> None:
    line = join(["printf", "%s", word])
    assert "\n" not in line
    assert subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout == os.fsencode(word)


def test_suggested_commands_use_the_same_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "avgdt"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "scan"])
    assert own_command("pretrain", "--out", "a b") == f"{program} pretrain --out 'a b'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert own_command("pretrain") == "avgdt pretrain"
    monkeypatch.setattr(sys, "argv", ["/some/avgdt/__main__.py", "scan"])
    assert own_command("pretrain") == f"{sys.executable} -m avgdt pretrain"
    assert command() == "avgdt scan"
    monkeypatch.setattr(sys, "argv", ["/some/pytest", "-q"])
    assert own_command("pretrain") == "avgdt pretrain"
