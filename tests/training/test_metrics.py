from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.files import DamagedLine
from avgdt.training.metrics import MetricsLog, read_metrics


def line(step: int) -> dict[str, object]:
    return {"kind": "train", "step": step, "epoch": step / 2, "loss": 1.0 / step}


def write(folder: Path, begin: int, *steps: int) -> None:
    log = MetricsLog(folder, begin)
    for step in steps:
        log.write(line(step))
    log.close()


def test_lines_after_the_checkpoint_are_replaced(tmp_path: Path) -> None:
    write(tmp_path, 0, 1, 2, 3)
    write(tmp_path, 2, 3, 4)
    assert read_metrics(tmp_path / "metrics.jsonl") == [line(s) for s in (1, 2, 3, 4)]


def test_a_new_run_starts_an_empty_log(tmp_path: Path) -> None:
    write(tmp_path, 0, 1, 2)
    write(tmp_path, 0, 1)
    assert read_metrics(tmp_path / "metrics.jsonl") == [line(1)]


def test_an_incomplete_last_line_is_skipped_and_a_damaged_one_raises_an_error(tmp_path: Path) -> None:
    write(tmp_path, 0, 1, 2)
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text()[:-9])
    assert read_metrics(path) == [line(1)]
    path.write_text("{broken\n" + path.read_text())
    with pytest.raises(DamagedLine, match=r"line 1: damaged .*delete this line"):
        read_metrics(path)


def test_scalars_are_written_to_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = MetricsLog(tmp_path, 0)
    log.write(line(1) | {"accuracy_pairs": {"video->audio": 0.25}})
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [e.value for e in events.Scalars("train/accuracy_pairs/video->audio")] == [0.25]
    assert [e.step for e in events.Scalars("train/loss")] == [1]
