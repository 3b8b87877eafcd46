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

from avgdt.composition.video_augmentations import Flip, RandomResizedCrop
from avgdt.data.clips import ClipReader, Item
from avgdt.data.manifest import Entry
from avgdt.evaluation import digest
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.finetune import Guessed, Job, finetune
from avgdt.evaluation.finetuning.jobs import run_jobs
from avgdt.evaluation.finetuning.kept import Kept
from avgdt.evaluation.finetuning.still_there import check_classes_read
from avgdt.evaluation.finetuning.task import DrawnWindows, Task
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


def _same(one: Guessed, other: Guessed) -> bool:
    return one.guesses.tolist() == other.guesses.tolist() and one.loss == other.loss


def test_what_differs_is_learnt_and_kept(job: Job) -> None:
    calls, after = _counting()
    found = finetune(job, after)
    assert found.guesses.tolist() == [1, 1, 0, 0]  # dark, dark, bright, bright
    assert found.failures == {}
    assert len(calls) == 3
    (file,) = job.folder.iterdir()
    written = file.stat().st_mtime_ns
    again, after = _counting()
    assert _same(finetune(job, after), found)
    assert len(again) == 3
    assert file.stat().st_mtime_ns == written
    assert not _same(finetune(replace(job, seed=1)), found)
    assert len(list(job.folder.iterdir())) == 2


def test_another_version_of_the_code_trains_anew(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    finetune(job)
    monkeypatch.setattr(digest, "source_digest", lambda folder: "another")
    finetune(job)
    assert len(list(job.folder.iterdir())) == 2


@pytest.mark.parametrize("epochs", [1, 3])
def test_it_goes_on_where_it_was_interrupted(job: Job, monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    whole = finetune(replace(job, folder=job.folder / "whole"))

    class Interrupted(Exception):
        pass

    write, written = Kept.write, list[int]()

    def write_some(kept: Kept, content: dict[str, object]) -> None:
        if len(written) == epochs:
            raise Interrupted
        written.append(1)
        write(kept, content)

    monkeypatch.setattr(Kept, "write", write_some)
    with pytest.raises(Interrupted):
        finetune(job)
    monkeypatch.undo()
    calls, after = _counting()
    assert _same(finetune(job, after), whole)
    assert len(calls) == 3


def test_side_by_side_is_one_after_the_other(job: Job) -> None:
    jobs = [job, replace(job, seed=1)]
    calls, count = _counting()

    def after() -> None:
        """Send to the processes what a scheduler sends to all those of a command, which ends them itself."""
        count()
        for child, number in product(active_children(), STOPPING):
            os.kill(child.pid or 0, number)

    side = run_jobs([replace(one, folder=job.folder / "side") for one in jobs], 2, after)
    one_by_one = run_jobs(jobs, 1, lambda: None)
    assert all(a.guesses.tolist() == b.guesses.tolist() for a, b in zip(side, one_by_one, strict=True))
    assert [one.loss for one in side] == pytest.approx([one.loss for one in one_by_one], rel=1e-3)
    assert len(calls) == 6


def test_a_mistake_in_a_process_is_told(job: Job, task: Task) -> None:
    gone = replace(task, entries=[replace(entry, path=Path("gone.mkv")) for entry in task.entries])
    with pytest.raises(EvaluationError, match="fewer than two recordings of a batch could be read"):
        run_jobs([replace(job, task=gone), replace(job, task=gone, seed=1)], 2, lambda: None)


def test_equal_jobs_side_by_side_do_not_disturb_each_other(job: Job) -> None:
    one, other = run_jobs([job, job], 2, lambda: None)
    assert one.guesses.tolist() == other.guesses.tolist()
    assert len(list(job.folder.iterdir())) == 1


def test_a_process_that_is_ended_is_told(job: Job) -> None:
    def end_one() -> None:
        for child in active_children():
            child.kill()

    with pytest.raises(EvaluationError, match=r"jobs: a training was ended from outside \(-9\)"):
        run_jobs([job, replace(job, seed=1)], 2, end_one)
    assert not active_children()


@pytest.mark.parametrize("content", [{"step": 1}, {"guesses": [0]}, {"tuner": {}}])
def test_a_foreign_state_counts_as_none(job: Job, content: dict[str, object]) -> None:
    found = finetune(job)
    (file,) = job.folder.iterdir()
    Kept(file).write(content)
    assert _same(finetune(job), found)


def test_other_times_of_a_label_are_another_finetuning(job: Job, task: Task) -> None:
    whole = finetune(job)
    later = [replace(one, segment=replace(one.segment, start=0.9, end=1.4)) for one in task.train]
    assert finetune(replace(job, task=replace(task, train=later))).loss != whole.loss


def test_a_file_that_cannot_be_read_is_told(job: Job, task: Task, entries: list[Entry]) -> None:
    places = {task.train[0].segment.entry, task.test[0].segment.entry}
    holed = [replace(e, path=Path(f"gone{i}.mkv")) if i in places else e for i, e in enumerate(entries)]
    found = finetune(replace(job, task=replace(task, entries=holed)))
    assert found.guesses.tolist() == [-1, 1, 0, 0]
    assert set(found.failures) == {f"gone{place}.mkv" for place in places}
    assert found.read.tolist() == [False] + [True] * 5
    check_classes_read(task, truth := np.array([1, 1, 0, 0]), found, ["bright", "dark"])
    with pytest.raises(EvaluationError, match="class 'dark': none of its test recordings can be read"):
        check_classes_read(task, truth, replace(found, guesses=np.array([-1, -1, 0, 0])), ["bright", "dark"])


def test_a_file_that_failed_once_was_learnt_all_the_same(job: Job, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    read, failed = ClipReader.read, set[int]()
    dark = np.flatnonzero(task.targets == 1).tolist()

    def fail_once(reader: ClipReader, recording: int, *rest: Any) -> Item:
        if recording in dark and recording not in failed and rest[-1] == dark.index(recording):  # in a pass of its own
            failed.add(recording)
            raise MediaError("dark.mkv", "the disk was away")
        return read(reader, recording, *rest)

    monkeypatch.setattr(ClipReader, "read", fail_once)
    found = finetune(job)
    assert len(failed) == 3
    assert "dark.mkv: the disk was away" in found.failures.values()
    monkeypatch.undo()
    again = finetune(job)
    for one in (found, again):
        assert one.read.all()
        check_classes_read(task, np.array([1, 1, 0, 0]), one, ["bright", "dark"])
    never = replace(found, read=task.targets == 0)
    with pytest.raises(EvaluationError, match="class 'dark': none of its train recordings can be read"):
        check_classes_read(task, np.array([1, 1, 0, 0]), never, ["bright", "dark"])


def test_a_rate_that_is_too_high_is_told(job: Job, quick: Finetuning) -> None:
    wild = replace(quick, optimiser=replace(quick.optimiser, kind="sgd", lr=1e30))
    with pytest.raises(EvaluationError, match=r"the loss is .* lower the learning rate"):
        finetune(replace(job, finetuning=wild))


def test_the_released_setting_runs(job: Job, quick: Finetuning) -> None:
    from avgdt.evaluation.finetuning.shown import for_training

    released = replace(
        quick,
        encoder_lr=0.1,
        orthogonal=True,
        spatial_crops=3,
        frames=6,
        video=(RandomResizedCrop(20), Flip(0.5)),
    )
    found = finetune(replace(job, model=for_training(job.model, released, "video"), finetuning=released))
    assert found.guesses.min() >= 0


def test_windows_are_drawn_anew_at_every_pass_and_fit(task: Task, model: PretrainedModel) -> None:
    drawn = DrawnWindows(task, model.recipe.clip, seed=0)
    starts = np.array([[drawn(epoch, index)[0].video for index in range(6)] for epoch in range(50)])
    assert len(np.unique(starts)) == 300
    assert starts.min() >= 0
    assert starts.max() <= 1.5 - model.recipe.clip.seconds
    assert starts.min() < 0.1
    assert starts.max() > 0.9
    assert drawn(3, 2) == DrawnWindows(task, model.recipe.clip, seed=0)(3, 2)


def test_what_could_not_be_read_is_asked_again(job: Job, task: Task, entries: list[Entry]) -> None:
    path = entries[task.test[0].segment.entry].path
    whole, state = path.read_bytes(), path.stat()

    def write(content: bytes) -> None:  # as a shared disk that fails for a while: the file looks the same
        path.write_bytes(content)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))

    write(bytes(len(whole)))
    try:
        broken = finetune(job)
    finally:
        write(whole)
    assert broken.guesses.tolist() == [-1, 1, 0, 0]
    found = finetune(job)
    assert found.guesses.tolist() == [1, 1, 0, 0]
    assert (found.failures, found.loss) == ({}, broken.loss)
    assert len(list(job.folder.iterdir())) == 1
