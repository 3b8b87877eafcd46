"""Tests of ``avgdt cost``: table, JSON output and error messages."""

from __future__ import annotations

import json

import pytest

from avgdt.cli.main import main

COST = ["cost", "demo", "--recordings", "384"]


def test_the_table_states_the_assumption(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COST, "--kind", "a100", "--devices", "2", "--share", "0.01"]) == 0
    text = capsys.readouterr().out
    assert "batch 12 on 2 x NVIDIA A100" in text
    assert "Assumption: a step reaches 1% of 312 TFLOP/s; --share sets this utilisation." in text
    assert "no training step has been measured on a GPU" in text


def test_json_contains_the_values_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COST, "--json", "--model.video.width", "8", "--run.batch", "32"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["batch"] == 32
    assert values["steps"] == 12 * 36
    assert values["step_per_device"]["flops"] > 0
    assert values["hours"] == pytest.approx(values["steps"] * values["step_seconds"] / 3600)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*COST, "--kind", "h10"], "--kind: 'h10' is unknown; use one of h200, h100, a100, v100, rtx4090, this"),
        ([*COST, "--devices", "0"], "--devices: 0 is too small; use 1 or more"),
        (["cost", "demo"], "--recordings"),
        (["cost"], "RECIPE is missing"),
    ],
)
def test_invalid_arguments_are_reported_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]
