from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from avgdt.composition.video_augmentations import Flip, RandomResizedCrop
from avgdt.data.clips import ClipReader, Item
from avgdt.data.manifest import Entry
from avgdt.evaluation import cache
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.finetune import FinetuningResult, Job, StateFile, finetune, predict
from avgdt.evaluation.finetuning.jobs import run_jobs
from avgdt.evaluation.finetuning.preprocessing import FinetuningPreprocessing, with_finetuning_clips
from avgdt.evaluation.finetuning.task import RandomWindows, Task
from avgdt.media.errors import MediaError
from avgdt.models.pretrained import PretrainedModel
from avgdt.processes import STOPPING
from avgdt.recipes.finetuning import Finetuning


@pytest.fixture
def job(model: PretrainedModel, task: Task, quick: Finetuning, tmp_path: Path) -> Job:
    return Job(model, task, quick, seed=0, folder=tmp_path / "kept")


def _counting() -> tuple[list[int], Callable[[], None]]:
    calls = list[int]()
    return calls, lambda: calls.append(len(calls))


def _equal_results(first: FinetuningResult, second: FinetuningResult) -> bool:
    return first.predictions.tolist() == second.predictions.tolist() and first.loss == second.loss


def test_a_finetuning_is_trained_once_and_restored_from_its_file(job: Job) -> None:
    calls, after = _counting()
    result = finetune(job, after)
    assert result.predictions.tolist() == [1, 1, 0, 0]  # dark, dark, bright, bright
    assert result.failures == {}
    assert len(calls) == 3
    (file,) = job.folder.iterdir()
    written = file.stat().st_mtime_ns
    again, after = _counting()
    assert _equal_results(finetune(job, after), result)
    assert len(again) == 3
    assert file.stat().st_mtime_ns == written
    assert not _equal_results(finetune(replace(job, seed=1)), result)
    assert len(list(job.folder.iterdir())) == 2


def test_a_new_version_of_the_code_trains_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    finetune(job)
    monkeypatch.setattr(cache, "source_digest", lambda folder: "another")
    finetune(job)
    assert len(list(job.folder.iterdir())) == 2


@pytest.mark.parametrize("epochs", [1, 3])
def test_an_interrupted_finetuning_resumes(job: Job, monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    expected = finetune(replace(job, folder=job.folder / "whole"))

    class Interrupted(Exception):
        pass

    write, written = StateFile.write, list[int]()

    def write_some(kept: StateFile, content: dict[str, object]) -> None:
        if len(written) == epochs:
            raise Interrupted
        written.append(1)
        write(kept, content)

    monkeypatch.setattr(StateFile, "write", write_some)
    with pytest.raises(Interrupted):
        finetune(job)
    monkeypatch.undo()
    calls, after = _counting()
    assert _equal_results(finetune(job, after), expected)
    assert len(calls) == 3


def test_parallel_and_sequential_jobs_give_the_same_results(job: Job) -> None:
    jobs = [job, replace(job, seed=1)]
    calls, count = _counting()

    def after() -> None:
        """Send signals to the child processes, as a scheduler does; only the command itself ends them."""
        count()
        for child, number in product(active_children(), STOPPING):
            os.kill(child.pid or 0, number)

    side = run_jobs([replace(one, folder=job.folder / "side") for one in jobs], 2, after)
    one_by_one = run_jobs(jobs, 1, lambda: None)
    assert all(a.predictions.tolist() == b.predictions.tolist() for a, b in zip(side, one_by_one, strict=True))
    assert [one.loss for one in side] == pytest.approx([one.loss for one in one_by_one], rel=1e-3)
    assert len(calls) == 6


def test_an_error_in_a_process_is_raised(job: Job, task: Task) -> None:
    gone = replace(task, entries=[replace(entry, path=Path("gone.mkv")) for entry in task.entries])
    with pytest.raises(EvaluationError, match="fewer than two recordings of a batch could be read"):
        run_jobs([replace(job, task=gone), replace(job, task=gone, seed=1)], 2, lambda: None)


def test_equal_jobs_can_run_in_parallel(job: Job) -> None:
    one, other = run_jobs([job, job], 2, lambda: None)
    assert one.predictions.tolist() == other.predictions.tolist()
    assert len(list(job.folder.iterdir())) == 1


def test_a_killed_process_raises_an_error(job: Job) -> None:
    def kill_processes() -> None:
        for child in active_children():
            child.kill()

    with pytest.raises(EvaluationError, match=r"jobs: a finetuning process was killed \(exit code -9\)"):
        run_jobs([job, replace(job, seed=1)], 2, kill_processes)
    assert not active_children()


@pytest.mark.parametrize("content", [{"step": 1}, {"predictions": [0]}, {"trainer": {}}])
def test_an_incompatible_state_file_is_ignored(job: Job, content: dict[str, object]) -> None:
    result = finetune(job)
    (file,) = job.folder.iterdir()
    StateFile(file).write(content)
    assert _equal_results(finetune(job), result)


def test_different_segments_are_finetuned_separately(job: Job, task: Task) -> None:
    expected = finetune(job)
    later = [replace(one, segment=replace(one.segment, start=0.9, end=1.4)) for one in task.train]
    assert finetune(replace(job, task=replace(task, train=later))).loss != expected.loss


def test_an_unreadable_file_is_reported(job: Job, task: Task, entries: list[Entry]) -> None:
    places = {task.train[0].segment.entry, task.test[0].segment.entry}
    holed = [replace(e, path=Path(f"gone{i}.mkv")) if i in places else e for i, e in enumerate(entries)]
    result = finetune(replace(job, task=replace(task, entries=holed)))
    assert result.predictions.tolist() == [-1, 1, 0, 0]
    assert set(result.failures) == {f"gone{place}.mkv" for place in places}
    assert result.was_read.tolist() == [False] + [True] * 5
    result.check_classes(task, truth := np.array([1, 1, 0, 0]), ["bright", "dark"])
    with pytest.raises(EvaluationError, match="class 'dark': none of its test recordings can be read"):
        replace(result, predictions=np.array([-1, -1, 0, 0])).check_classes(task, truth, ["bright", "dark"])


def test_a_file_that_failed_in_one_epoch_counts_as_trained_on(
    job: Job, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failed = ClipReader.read, set[int]()
    dark = np.flatnonzero(task.targets == 1).tolist()

    def fail_once(reader: ClipReader, recording: int, *rest: Any) -> Item:
        if (
            recording in dark and recording not in failed and rest[-1] == dark.index(recording)
        ):  # each file fails in a different epoch
            failed.add(recording)
            raise MediaError("dark.mkv", "the disk was unavailable")
        return read(reader, recording, *rest)

    monkeypatch.setattr(ClipReader, "read", fail_once)
    result = finetune(job)
    assert len(failed) == 3
    assert "dark.mkv: the disk was unavailable" in result.failures.values()
    monkeypatch.undo()
    again = finetune(job)
    for one in (result, again):
        assert one.was_read.all()
        one.check_classes(task, np.array([1, 1, 0, 0]), ["bright", "dark"])
    never = replace(result, was_read=task.targets == 0)
    with pytest.raises(EvaluationError, match="class 'dark': none of its train recordings can be read"):
        never.check_classes(task, np.array([1, 1, 0, 0]), ["bright", "dark"])


def test_a_learning_rate_that_is_too_high_raises_an_error(job: Job, quick: Finetuning) -> None:
    wild = replace(quick, optimiser=replace(quick.optimiser, kind="sgd", lr=1e30))
    with pytest.raises(EvaluationError, match=r"the loss is .* lower the learning rate"):
        finetune(replace(job, finetuning=wild))


def test_the_released_setting_runs(job: Job, quick: Finetuning) -> None:
    released = replace(
        quick,
        encoder_lr=0.1,
        orthogonal=True,
        spatial_crops=3,
        frames=6,
        video=(RandomResizedCrop(20), Flip(0.5)),
    )
    result = finetune(replace(job, model=with_finetuning_clips(job.model, released, "video"), finetuning=released))
    assert result.predictions.min() >= 0


def test_windows_change_in_every_epoch_and_lie_inside_the_recording(task: Task, model: PretrainedModel) -> None:
    drawn = RandomWindows(task, model.recipe.clip, seed=0)
    starts = np.array([[drawn(epoch, index)[0].video for index in range(6)] for epoch in range(50)])
    assert len(np.unique(starts)) == 300
    assert starts.min() >= 0
    assert starts.max() <= 1.5 - model.recipe.clip.seconds
    assert starts.min() < 0.1
    assert starts.max() > 0.9
    assert drawn(3, 2) == RandomWindows(task, model.recipe.clip, seed=0)(3, 2)


def test_an_unreadable_test_file_is_read_again(job: Job, task: Task, entries: list[Entry]) -> None:
    path = entries[task.test[0].segment.entry].path
    whole, state = path.read_bytes(), path.stat()

    def write(content: bytes) -> None:  # as on a disk that fails for a while: the file's size and time stay equal
        path.write_bytes(content)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))

    write(bytes(len(whole)))
    try:
        broken = finetune(job)
    finally:
        write(whole)
    assert broken.predictions.tolist() == [-1, 1, 0, 0]
    result = finetune(job)
    assert result.predictions.tolist() == [1, 1, 0, 0]
    assert (result.failures, result.loss) == ({}, broken.loss)
    assert len(list(job.folder.iterdir())) == 1


# One clip has a high score for class 0, and two have lower scores for class 1. The mean softmax predicts class 1
# (0.64), whereas the mean logit, the largest softmax and the first clip predict class 0.
ONE, TWO = [8.0, 0.0], [0.0, 3.0]


class PositionClassifier(nn.Module):
    """Classifier whose logits depend only on which of three clips, or of three square crops, it gets."""

    def __init__(self, by_clip: bool) -> None:
        super().__init__()
        self.by_clip, self.squares = by_clip, list[torch.Tensor]()

    def forward(self, view: torch.Tensor) -> torch.Tensor:
        self.squares.append(view)
        if self.by_clip:
            return torch.tensor([ONE, TWO, TWO]).repeat(len(view) // 3, 1)
        return torch.tensor(ONE if len(self.squares) % 3 == 1 else TWO).repeat(len(view), 1)


@pytest.mark.parametrize("by_clip", [True, False])
def test_the_mean_softmax_decides_the_predicted_class(
    model: PretrainedModel, task: Task, quick: Finetuning, by_clip: bool
) -> None:
    finetuning = replace(quick, test_clips=3, spatial_crops=1 if by_clip else 3)
    clips = [replace(one, windows=(one.windows[0],) * 3 if by_clip else one.windows[:1]) for one in task.test]
    opinion = PositionClassifier(by_clip)
    model = with_finetuning_clips(model, finetuning, "video")
    predictions, unread = predict(
        model,
        opinion,  # type: ignore[arg-type]
        replace(task, test=clips),
        FinetuningPreprocessing.of(model, finetuning, "video"),
    )
    assert unread == {}
    assert predictions.tolist() == [1, 1, 1, 1]
    if not by_clip:  # squares of 24 pixels from images of 24 x 32, from left to right in steps of 4 pixels
        left, middle, right = opinion.squares[:3]
        assert left.shape[-2:] == (24, 24)
        assert torch.equal(left[..., 4:], middle[..., :20])
        assert torch.equal(middle[..., 4:], right[..., :20])
