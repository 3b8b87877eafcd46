"""Prediction of the cost of a training run: operations, memory, data transfers and hours.

Operations and memory are counted (:mod:`avgdt.training.step_count`). The hours follow from the peak throughput of the
device and the fraction of it that a step is assumed to reach (:mod:`avgdt.training.device_kinds`).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from avgdt.data.dataset import Batches
from avgdt.recipes.proportions import in_proportion
from avgdt.recipes.recipe import Recipe
from avgdt.training.device_kinds import DeviceKind
from avgdt.training.errors import TrainingError
from avgdt.training.global_batch import group_count, parts_over
from avgdt.training.ranks import Ranks
from avgdt.training.step_count import StepCount, count_step


@dataclass(frozen=True)
class Cost:
    """The predicted cost of a training run; sizes are in bytes, and rates are per second."""

    recipe: Recipe
    recordings: int
    """Number of recordings in the training set."""
    devices: int
    kind: DeviceKind
    precision: str
    share: float
    """Fraction of the device's peak throughput that a training step reaches (utilisation)."""
    steps: int
    """Number of steps of the whole training run."""
    step: StepCount
    """Operations and bytes of one training step on one device."""

    @property
    def batch(self) -> int:
        """Number of recordings in a training step, over all devices."""
        return self.recipe.run.batch

    @property
    def step_seconds(self) -> float:
        """Duration of a step in seconds: the time for its operations or for its memory traffic, whichever is longer."""
        return max(self.step.flops / (self.share * self.kind.flops(self.precision)), self.traffic_seconds)

    @property
    def traffic_seconds(self) -> float:
        """Minimum time, in seconds, that a device needs to move the activations of a step through its memory."""
        return self.step.traffic / self.kind.bandwidth

    @property
    def greatest_share(self) -> float:
        """Maximum fraction of the peak throughput that the memory bandwidth allows a step to reach."""
        return self.step.flops / self.kind.flops(self.precision) / self.traffic_seconds

    @property
    def hours(self) -> float:
        """Duration of the whole training run, in hours."""
        return self.steps * self.step_seconds / 3600

    @property
    def clips_per_second(self) -> float:
        """Throughput of all devices together in recordings per second, as logged in ``metrics.jsonl``."""
        return self.batch / self.step_seconds

    @property
    def loader(self) -> float:
        """Rate, in bytes per second, at which the loader must deliver decoded clips to each device."""
        return self.step.clips / self.step_seconds

    @property
    def exchanged(self) -> dict[str, int]:
        """Number of bytes that each device sends per step, by kind of content; all are 0 on a single device.

        Gradients are summed by a ring all-reduce. With a bank, clips are sent to other devices for shuffled batch norm,
        and keys are sent to all devices. With negatives from the batch, embeddings are sent to all devices.
        """
        peers, step = self.devices - 1, self.step
        with_bank = self.recipe.objective.negatives == "bank"
        return {
            "gradients": 2 * peers * step.sums // self.devices,
            "clips": peers * step.clips // self.devices if with_bank else 0,
            "keys": peers * step.embeddings,
        }

    def plain(self) -> dict[str, Any]:
        """Return the recipe's settings and all predicted values by name, as plain data for JSON."""
        counts = asdict(self.step)
        return {
            "title": self.recipe.title,
            "recordings": self.recordings,
            "epochs": self.recipe.schedule.epochs,
            "batch": self.batch,
            "devices": self.devices,
            "kind": asdict(self.kind),
            "precision": self.precision,
            "peak_flops": self.kind.flops(self.precision),
            "share": self.share,
            "greatest_share": self.greatest_share,
            "step_per_device": counts | {"flops": self.step.flops, "memory": self.step.memory},
            "exchanged_per_device": self.exchanged,
            "loader_bytes_per_second": self.loader,
            "steps": self.steps,
            "step_seconds": self.step_seconds,
            "clips_per_second": self.clips_per_second,
            "hours": self.hours,
        }


def predict_cost(
    recipe: Recipe,
    recordings: int,
    devices: int,
    kind: DeviceKind,
    share: float | None = None,
) -> Cost:
    """Predict the cost of training ``recipe`` on ``recordings`` recordings with ``devices`` devices of one kind.

    ``share`` replaces ``kind.share``. Raises :class:`TrainingError` if a number is out of range, if the batch norm
    groups of a batch cannot be distributed evenly over the devices, or if a group would have fewer than 2 recordings.
    """
    share = kind.share if share is None else share
    for name, value in (("--recordings", recordings), ("--devices", devices)):
        if value < 1:
            raise TrainingError(f"{name}: {value} is too small; use 1 or more")
    if not 0 < share <= 1:
        raise TrainingError(f"--share: {share:g} is out of range; use more than 0 and at most 1")
    batch, parts = recipe.run.batch, parts_over(Ranks(size=devices), group_count(recipe), "run.norm_group: makes", "it")
    if parts % devices:
        raise TrainingError(
            f"--devices: {parts} batch norm groups cannot be distributed evenly over {devices} devices; "
            "change --devices, --run.batch or --run.norm_group"
        )
    if batch % parts or batch // parts < 2:
        raise TrainingError(
            f"--run.batch: {batch} recordings cannot be divided into {parts} equal parts of at least 2; use a "
            f"multiple of {parts}, at least {2 * parts}"
        )
    if recordings < batch:
        raise TrainingError(f"--recordings: {recordings} are fewer than a batch of {batch}; use a smaller --run.batch")
    steps = len(Batches(recordings, batch, recipe.schedule.epochs, recipe.run.seed))
    precision = kind.precision(recipe.run.precision)
    kind.flops(precision)
    recipe = in_proportion(recipe, recordings, steps)
    group = count_step(recipe, batch // parts, precision)
    step = group.of_groups(parts // devices, embedded_twice=recipe.objective.negatives == "batch")
    if group_count(recipe) > 1 or devices > 1:
        step = replace(step, sums=step.gradients * (2 if kind.cpu else 1))
    return Cost(recipe, recordings, devices, kind, precision, share, steps, step)


def describe_cost(cost: Cost) -> str:
    """Format ``cost`` as a table for the terminal, with the assumptions and their effect."""
    recipe, step, kind, devices = cost.recipe, cost.step, cost.kind, cost.devices
    peak, exchanged = kind.flops(cost.precision), cost.exchanged

    def row(name: str, *values: str) -> str:
        return "  ".join([f"  {name:<32}", *(f"{value:>14}" for value in values)]).rstrip()

    def operations(name: str, count: int) -> str:
        return row(name, _scaled(count / step.recordings, "FLOP"), _scaled(count * devices, "FLOP"))

    def size(name: str, count: float, *values: str) -> list[str]:
        return [row(name, _scaled(count, "B"), *values)] if count else []

    sent = [
        line
        for name, count in exchanged.items()
        for line in size(name, count, _scaled(count / cost.step_seconds, "B/s"))
    ]
    if sent:
        sent = [row("sent per device and step", "", "per second"), *sent, ""]
    fits = "fits" if step.memory < kind.memory else "DOES NOT FIT"
    text = [
        recipe.title,
        f"{cost.recordings:,} recordings, {recipe.schedule.epochs} epochs, batch {cost.batch:,} on {devices} x "
        f"{kind.title} ({step.recordings} per device), {len(recipe.composition.views)} views, {cost.precision}",
        "",
        row("operations", "per recording", "per step"),
        operations("forward", step.forward),
        operations("backward", step.backward),
        *([operations("keys of the momentum encoder", step.keys)] if step.keys else []),
        operations("all", step.flops),
        "",
        row("memory per device"),
        *size("weights", step.weights),
        *size("gradients", step.gradients),
        *size("sums of gradients", step.sums),
        *size("optimiser", step.optimiser),
        *size("momentum encoder", step.momentum_encoder),
        *size("bank", step.bank),
        *size("activations", step.activations),
        *size("decoded clips and views", step.clips + step.views),
        row("all", _scaled(step.memory, "B"), f"{fits} in {_scaled(kind.memory, 'B')}"),
        "",
        *sent,
        row("time"),
        row("clips loaded per device", f"{cost.clips_per_second / devices:,.1f}/s", _scaled(cost.loader, "B/s")),
        row("clips processed, all devices", f"{cost.clips_per_second:,.1f}/s"),
        row("step", _scaled(cost.step_seconds, "s")),
        row("steps", f"{cost.steps:,}"),
        row("training", _hours(cost.hours), f"{cost.hours * devices:,.1f} device hours"),
        "",
        f"Assumption: a step reaches {cost.share:.0%} of {_scaled(peak, 'FLOP/s')}; --share sets this utilisation.",
        f"The default of {kind.share:.0%} is {kind.basis}.",
        f"Moving the activations through memory at {_scaled(kind.bandwidth, 'B/s')} limits utilisation to "
        f"{min(cost.greatest_share, 1):.0%}"
        + (
            ", so memory bandwidth determines the duration."
            if cost.greatest_share < cost.share
            else "; hours at other utilisations:"
        ),
    ]
    if cost.greatest_share >= cost.share:
        variants = (replace(cost, share=cost.share * factor) for factor in (0.5, 2))
        text += [f"  {variant.share:.1%}: {_hours(variant.hours)}" for variant in variants if variant.share <= 1]
    return "\n".join(
        [
            *text,
            "The run takes longer if the loader or the network between the devices is slower than listed above.",
            "Not counted: products with the bank, log-mel, augmentations and optimiser (below 1 % of the operations of",
            "the paper's recipe), workspaces of the libraries, gradients of activations, monitors and checkpoints.",
        ]
    )


def _scaled(value: float, unit: str) -> str:
    """Format a value with up to four digits, a decimal prefix (such as G) and its unit."""
    power = max(-2, min(math.floor(math.log10(value) / 3), 6)) if value else 0
    return f"{value / 1000**power:.4g} {('µ', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E')[power + 2]}{unit}"


def _hours(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.1f} s"
