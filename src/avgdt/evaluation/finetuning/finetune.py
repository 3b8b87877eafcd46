"""Finetuning of a classifier: resumable training on random clips, and class predictions for the test recordings."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.data.clips import ClipReader
from avgdt.data.dataset import Batches, Clips, training_batches
from avgdt.evaluation.cache import code_digest, digest, state_of_clips
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import extract, mean_features
from avgdt.evaluation.finetuning.preprocessing import FinetuningPreprocessing
from avgdt.evaluation.finetuning.task import RandomWindows, Task, check_classes_read
from avgdt.evaluation.finetuning.trainer import Classifier, ExampleBatch, Progress, Trainer, train
from avgdt.evaluation.plans import span_of
from avgdt.files import write_atomically
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel
from avgdt.processes import default_workers
from avgdt.recipes.config import to_plain
from avgdt.recipes.finetuning import Finetuning
from avgdt.transforms.rng import view_generators


@dataclass(frozen=True)
class Job:
    """Specification of one finetuning run: initial networks, task, settings and seed."""

    model: PretrainedModel
    """Initial networks, which are copied and not modified."""
    task: Task
    finetuning: Finetuning
    seed: int
    """Seed of the linear layer, the order of the recordings, the windows and the augmentations."""
    folder: Path
    """Folder in which the training state is saved."""


@dataclass(frozen=True)
class FinetuningResult:
    """Predictions of a finetuned network on the test set, with information about its training."""

    predictions: NDArray[np.int64]
    """Predicted class indices, (test recordings,); -1 for a recording that could not be read."""
    was_read: NDArray[np.bool_]
    """Whether each training recording was read at least once, (training recordings,)."""
    failures: dict[str, str]
    """Reasons why files could not be read in training or testing, by path."""
    loss: float
    """Mean cross-entropy of the last training epoch."""

    def check_classes(self, task: Task, truth: NDArray[np.int64], classes: list[str]) -> None:
        """Raise :class:`EvaluationError` if no training or no test recording of a class was read.

        ``truth`` holds the class indices of the test recordings, (test recordings,).
        """
        check_classes_read(task.targets, self.was_read, truth, self.predictions >= 0, classes)


@dataclass(frozen=True)
class StateFile:
    """File with the state of a finetuning run; it may be deleted at any time."""

    path: Path
    """Path of the file; its name is a digest of everything on which the finetuning run depends."""

    def write(self, content: dict[str, Any]) -> None:
        """Write ``content`` atomically; raise ``WriteError`` if the disk is full."""
        write_atomically(self.path, lambda file: torch.save(content, file), remedy="free some disk space and try again")

    def read(self) -> dict[str, Any]:
        """Return the saved state with its tensors on the CPU; empty if the file is missing or damaged.

        Loading never executes code from the file.
        """
        if not self.path.exists():
            return {}
        try:
            with warnings.catch_warnings(action="ignore"):  # torch warns about files of other formats
                content = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # a damaged file may raise any exception; it will be overwritten
            return {}
        return content if isinstance(content, dict) else {}


@dataclass(frozen=True)
class RecordedExamples:
    """Training set of a task, decoded from files.

    An epoch consists of ``finetuning.clips`` passes; each pass contains one random clip of every recording.
    """

    job: Job
    preprocessing: FinetuningPreprocessing

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class indices of the training recordings, (training recordings,)."""
        return self.job.task.targets

    @property
    def steps_per_epoch(self) -> int:
        """Number of training steps in an epoch."""
        return self._order.steps_per_epoch * self.job.finetuning.clips

    @property
    def _order(self) -> Batches:
        finetuning = self.job.finetuning
        passes = finetuning.schedule.epochs * finetuning.clips
        return Batches(len(self.job.task.train), finetuning.batch, passes, self.job.seed, remainder="spread")

    def batches(self, first_step: int) -> Iterator[ExampleBatch]:
        """Yield the training batches, starting at step ``first_step``; worker processes decode the clips.

        Raises :class:`EvaluationError` if fewer than two recordings of a batch can be read.
        """
        job, task, device = self.job, self.job.task, self.job.model.precision.device
        entries = [task.entries[plan.segment.entry] for plan in task.train]
        workers = default_workers(job.model.recipe.run.workers)
        order = replace(self._order, first_step=first_step)
        for batch in training_batches(self._clips(order.epochs), order, workers, device.type == "cuda"):
            failures = {str(entries[failure.item].path): failure.reason for failure in batch.failures}
            if len(batch) < 2:
                raise EvaluationError(
                    "data: fewer than two recordings of a batch could be read; list the errors with `avgdt scan`"
                )
            indices = batch.items.tolist()
            rngs = view_generators(job.seed, batch.epoch, indices, view=0)
            yield ExampleBatch(indices, self.preprocessing.train(batch.to(device), rngs), failures)

    def _clips(self, passes: int) -> Clips:
        task, recipe, store = self.job.task, self.job.model.recipe, self.job.model.store
        entries = [task.entries[plan.segment.entry] for plan in task.train]
        clip, channels = span_of(recipe.clip, (task.modality,)), recipe.model.video.channels
        if store is not None:
            video = task.modality == "video"
            store = store.planned(entries, clip, passes * clip.seconds, channels if video else 0, 0 if video else 1)
        reader = ClipReader(recipe.clip, (task.modality,), channels == 1, store)
        return Clips(entries, reader, RandomWindows(task, clip, self.job.seed))


def finetune(job: Job, after_epoch: Callable[[], None] = lambda: None) -> FinetuningResult:
    """Finetune a copy of the model's network on labelled recordings, then predict the classes of the test segments.

    After every epoch, the state is saved and ``after_epoch`` is called. A call with the same job resumes an interrupted
    run, or returns the stored predictions of a complete one. If test recordings could not be read, the predictions are
    not stored, and the next call computes them again. Raises :class:`EvaluationError` if the loss is not finite.
    """
    model, task, finetuning = job.model, job.task, job.finetuning
    context = [to_plain(finetuning), job.seed, task.targets.tolist(), task.classes, code_digest()]
    context += [[plan.segment.start, plan.segment.end] for plan in task.train]
    context += [state_of_clips(task.entries, task.train), state_of_clips(task.entries, task.test)]
    file = StateFile(job.folder / f"{digest(model, (task.modality,), json.dumps(context))}.pt")
    state = file.read()
    if {"predictions", "read", "failures", "loss"} <= state.keys():
        for _ in range(finetuning.schedule.epochs):
            after_epoch()
        predictions, was_read = np.array(state["predictions"], dtype=np.int64), np.array(state["read"], dtype=np.bool_)
        return FinetuningResult(predictions, was_read, state["failures"], state["loss"])
    preprocessing = FinetuningPreprocessing.of(model, finetuning, task.modality)
    examples = RecordedExamples(job, preprocessing)
    dim = model.phi.dims[task.modality]
    network = Classifier(model.phi, task.modality, mean_features, dim, task.classes, finetuning.orthogonal, job.seed)
    trainer = Trainer(network, finetuning, model.precision, examples.steps_per_epoch)
    progress = Progress(np.zeros(len(task.train), dtype=np.bool_), {})
    if {"trainer", "read", "failures", "loss"} <= state.keys():
        trainer.load_state(state["trainer"])
        progress = Progress(np.array(state["read"], dtype=np.bool_), dict(state["failures"]), state["loss"])

    def save(**content: Any) -> None:
        file.write(
            {**content, "read": progress.was_read.tolist(), "failures": progress.failures, "loss": progress.loss}
        )

    train(trainer, examples, progress, after_epoch, lambda: save(trainer=trainer.state()))
    predictions, unreadable = predict(model, network, task, preprocessing)
    if not unreadable:
        save(predictions=predictions.tolist())
    return FinetuningResult(predictions, progress.was_read, progress.failures | unreadable, progress.loss)


def predict(
    model: PretrainedModel, network: Classifier, task: Task, preprocessing: FinetuningPreprocessing
) -> tuple[NDArray[np.int64], dict[str, str]]:
    """Predict the class of each test segment from the softmax probabilities averaged over its clips and crops.

    Returns the class indices (test segments,), with -1 for an unreadable segment, and the reasons why files could not
    be read, by path. ``network`` must be in evaluation mode.
    """

    def probabilities(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
        crops = preprocessing.crops(view)
        return torch.stack([network(crop).float().softmax(dim=1) for crop in crops]).mean(dim=0)

    workers = default_workers(model.recipe.run.workers)
    extraction = extract(
        (model,),
        task.entries,
        task.test,
        (task.modality,),
        probabilities,
        workers=workers,
        preprocess=preprocessing.test,
    )
    predictions = np.full(len(task.test), -1, dtype=np.int64)
    if extraction.read:
        predictions[extraction.read] = extraction.vectors[0][task.modality].argmax(axis=1)
    return predictions, {
        str(task.entries[task.test[index].segment.entry].path): reason for index, reason in extraction.failures.items()
    }
