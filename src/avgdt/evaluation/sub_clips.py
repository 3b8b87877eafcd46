"""The ten 2-second sub-clips by which a sound is told (the paper's protocol for ESC-50)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.features import Progress, extract
from avgdt.evaluation.plans import Plan, Skipped, plan
from avgdt.evaluation.readers import spectrograms
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.subject import Subject
from avgdt.media.manifest import Entry
from avgdt.recipes.factors import ModalityName
from avgdt.training.pretrain import default_workers
from avgdt.training.runs import LoadedRun

COUNT, SECONDS = 10, 2.0
"""Equally spaced, the first at the start of the sound, the last at its end."""
AUDIO: tuple[ModalityName, ...] = ("audio",)
SOUNDS_AT_ONCE = 8


def on_sub_clips(subject: Subject) -> Subject:
    """The same networks, shown two seconds of sound, the sub-clips of eight sounds at once."""
    recipe = subject.recipe
    clip = replace(recipe.clip, audio_seconds=SECONDS)
    run = replace(recipe.run, batch=max(recipe.run.batch, COUNT * SOUNDS_AT_ONCE))
    return LoadedRun(replace(recipe, clip=clip, run=run), subject.phi, subject.viewmaker, subject.precision)


def plan_sub_clips(
    subject: Subject, segments: Sequence[Segment], entries: Sequence[Entry]
) -> tuple[list[Plan], list[Skipped]]:
    """The windows of every sound that can be read, and the sounds that cannot; ``subject`` is on sub-clips."""
    return plan(segments, entries, subject.recipe.clip, AUDIO, COUNT)


def pictures(
    subject: Subject, segments: Sequence[Segment], entries: Sequence[Entry], progress: Progress
) -> NDArray[np.float32]:
    """The log-mel of the sub-clips of sounds that were read before, (sounds, sub-clips, mels, time)."""
    plans, _ = plan_sub_clips(subject, segments, entries)
    workers = default_workers(subject.recipe.run.workers)
    found = extract([subject], entries, plans, AUDIO, spectrograms, workers=workers, average=False, progress=progress)
    (vectors,) = found.vectors
    return vectors["audio"].reshape(len(plans), COUNT, subject.recipe.log_mel.mels, -1)
