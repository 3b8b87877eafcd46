"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math

from avgdt.recipes.training import Schedule


def rate_factor(schedule: Schedule, step: int, steps_per_epoch: int) -> float:
    """The learning rate at ``step`` (from 0) as a factor of the full one.

    Linear warm-up (section 4.1 of the paper), then constant, a cosine to zero, or multiplied by
    ``schedule.step_factor`` at each of ``schedule.steps``.
    """
    warmup = schedule.warmup_epochs * steps_per_epoch
    total = schedule.epochs * steps_per_epoch
    if step < warmup:
        return schedule.warmup_from + (1 - schedule.warmup_from) * (step + 1) / math.ceil(warmup)
    if schedule.shape == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))
    if schedule.shape == "step":
        return schedule.step_factor ** sum(step >= epoch * steps_per_epoch for epoch in schedule.steps)
    return 1.0
