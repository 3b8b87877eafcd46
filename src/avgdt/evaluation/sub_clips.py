"""The sub-clips by which a sound is told: equally spaced, the first at its start, the last at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.evaluation.features import Progress, extract
from avgdt.evaluation.plans import Plan, Skipped, plan
from avgdt.evaluation.readers import spectrograms
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from avgdt.training.recordings import default_workers

AUDIO: tuple[ModalityName, ...] = ("audio",)
SECONDS_AT_ONCE = 160
"""That go through the networks side by side."""


@dataclass(frozen=True)
class SubClips:
    """Which."""

    count: int
    """Of each sound."""
    seconds: float
    """Of each."""


TEN = SubClips(10, 2.0)
"""The paper's for ESC-50."""
SIXTY = SubClips(60, 1.0)
"""The paper's for DCASE2014."""


def on_sub_clips(model: PretrainedModel, clips: SubClips) -> PretrainedModel:
    """The same networks, shown sub-clips of sound, those of several sounds at once."""
    recipe = model.recipe
    clip = replace(recipe.clip, audio_seconds=clips.seconds)
    run = replace(recipe.run, batch=max(recipe.run.batch, clips.count, int(SECONDS_AT_ONCE / clips.seconds)))
    return PretrainedModel(replace(recipe, clip=clip, run=run), model.phi, model.views, model.precision, model.store)


def plan_sub_clips(
    model: PretrainedModel, segments: Sequence[Segment], entries: Sequence[Entry], clips: SubClips
) -> tuple[list[Plan], list[Skipped]]:
    """The windows of every sound that can be read, and the sounds that cannot; ``model`` is on sub-clips."""
    return plan(segments, entries, model.recipe.clip, AUDIO, clips.count)


def pictures(
    model: PretrainedModel, segments: Sequence[Segment], entries: Sequence[Entry], clips: SubClips, progress: Progress
) -> NDArray[np.float32]:
    """The log-mel of the sub-clips of sounds that were read before, (sounds, sub-clips, mels, time)."""
    plans, _ = plan_sub_clips(model, segments, entries, clips)
    workers = default_workers(model.recipe.run.workers)
    found = extract([model], entries, plans, AUDIO, spectrograms, workers=workers, average=False, progress=progress)
    (vectors,) = found.vectors
    return vectors["audio"].reshape(len(plans), clips.count, model.recipe.log_mel.mels, -1)
