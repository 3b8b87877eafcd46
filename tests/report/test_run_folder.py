from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from avgdt.files import DamagedLine
from avgdt.report.errors import ReportError
from avgdt.report.run_folder import read_run


def test_training_time_is_the_sum_over_all_sessions(make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    clock = [10.0, 20.0, 30.0, 5.0, 15.0, 7.0]  # resumed after steps three and five
    lines = [{"kind": "train", "step": i + 1, "epoch": i, "seconds": now} for i, now in enumerate(clock)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = read_run(folder)
    assert run.seconds == 30 + 15 + 7
    assert run.finished
    assert run.skipped == [("<i>gone</i>.mp4", "has no audio")]


def test_an_interrupted_run_is_not_finished(make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    (folder / "metrics.jsonl").write_text('{"kind": "train", "step": 1, "epoch": 0.5, "seconds": 1.0}\n{"kind": "tr')
    assert not read_run(folder).finished


def test_damaged_metrics_are_named(make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    (folder / "metrics.jsonl").write_text("{\n{}\n")
    with pytest.raises(DamagedLine, match=r"metrics\.jsonl, line 1: damaged .* delete this line"):
        read_run(folder)


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_damaged_examples_are_named(text: str, make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    (folder / "results").mkdir()
    (folder / "results" / "examples.json").write_text(text)
    with pytest.raises(ReportError, match=r"examples\.json: damaged .* delete it and run"):
        read_run(folder)


def test_a_missing_folder_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no such run"):
        read_run(tmp_path / "none")
