"""The cost of a training, predicted for somebody who plans it: operations, memory, transfers and hours.

Operations and activations are counted on the recipe's networks and clips, without computing anything: on tensors of
PyTorch's device ``meta``, which have a shape and no values. A multiplication and an addition are two operations
(FLOPs). Only matrix products and convolutions count, as in a vendor's peak rate. Not counted, since they are below one
per cent in the paper's recipe: the products of queries with the keys of the bank or batch, the log-mel spectrogram and
the augmentations, the optimiser and the update of the momentum encoder.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from avgdt.data.batch import Batch
from avgdt.models.phi import Phi
from avgdt.models.precision import DTYPES
from avgdt.objective.bank import Bank
from avgdt.objective.momentum import MomentumEncoder
from avgdt.recipes.proportions import in_proportion
from avgdt.recipes.recipe import Recipe
from avgdt.training.device_kinds import DeviceKind
from avgdt.training.errors import TrainingError
from avgdt.training.optimiser import build_optimiser
from avgdt.transforms.views import Views

_PASSES = 5
"""Times that an activation passes through memory at least: written and read in the forward pass, read in the backward
pass, and its gradient written and read."""
_PASSES_OF_KEYS = 2
"""The same without a backward pass."""


@dataclass(frozen=True)
class StepCount:
    """Operations and bytes of one training step of one device, counted on the recipe's networks."""

    recordings: int
    """Recordings in the device's part of the batch."""
    parameters: int
    """Trainable parameters."""
    forward: int
    """Operations of the forward pass of all views."""
    backward: int
    """Operations of the backward pass."""
    keys: int
    """Operations of the momentum encoder's forward pass, 0 without a bank."""
    weights: int
    """Bytes of parameters and buffers, float32."""
    gradients: int
    """Bytes of the gradients, float32."""
    optimiser: int
    """Bytes of the optimiser's state."""
    momentum_encoder: int
    """Bytes of the momentum encoder, 0 without a bank."""
    bank: int
    """Bytes of the memory bank."""
    activations: int
    """Bytes of the tensors that the forward pass saves for the backward pass, with copies of the weights in half
    precision."""
    clips: int
    """Bytes of the decoded clips: uint8 frames and float32 waveforms."""
    views: int
    """Bytes of the views, the float32 input of the networks."""
    embeddings: int
    """Bytes of the embeddings of all views, float32."""

    @property
    def flops(self) -> int:
        """Operations of the step."""
        return self.forward + self.backward + self.keys

    @property
    def memory(self) -> int:
        """Bytes in the device's memory when the backward pass begins."""
        state = self.weights + self.gradients + self.optimiser + self.momentum_encoder + self.bank
        return state + self.activations + self.clips + self.views

    @property
    def traffic(self) -> int:
        """Bytes that the activations move through the memory at least."""
        return (_PASSES + (_PASSES_OF_KEYS if self.keys else 0)) * self.activations


def count_step(recipe: Recipe, recordings: int, precision: str) -> StepCount:
    """Count one step on ``recordings`` recordings in a precision (fp32, bf16 or fp16); the bank's size is given.

    Raises the errors of the recipe's networks and views.
    """
    modalities = [view.modality for view in recipe.composition.views]
    one = blank_batch(recipe, 1)
    shapes = [view.shape[1:] for view in Views.of(recipe)(one)]
    with torch.device("meta"):
        phi = Phi(recipe.model, recipe.composition.modalities)
        views = [torch.empty(recordings, *shape) for shape in shapes]
        with_bank = recipe.objective.negatives == "bank"
        momentum_encoder = MomentumEncoder(phi) if with_bank else None
        bank = Bank(len(views), recipe.objective.bank, recipe.model.head.out) if with_bank else None
    saved = SavedTensors(phi)
    with FlopCounterMode(display=False) as counter:
        with saved:
            embeddings = phi(views, modalities)
        forward = counter.get_total_flops()
        torch.stack([embedding.sum() for embedding in embeddings]).sum().backward()  # type: ignore[no-untyped-call]
    optimiser = build_optimiser(recipe.optimiser, phi)
    optimiser.step()
    parameters = sum(parameter.numel() for parameter in phi.parameters())
    bytes_each = DTYPES[precision].itemsize
    copies = 0 if precision == "fp32" else parameters * bytes_each
    return StepCount(
        recordings=recordings,
        parameters=parameters,
        forward=forward,
        backward=counter.get_total_flops() - forward,
        keys=forward if with_bank else 0,
        weights=_bytes(phi),
        gradients=sum(p.grad.nbytes for p in phi.parameters() if p.grad is not None),
        optimiser=sum(
            value.nbytes
            for state in optimiser.state.values()
            for value in state.values()
            if isinstance(value, torch.Tensor)
        ),
        momentum_encoder=_bytes(momentum_encoder) if momentum_encoder else 0,
        bank=_bytes(bank) if bank else 0,
        activations=saved.bytes * bytes_each // torch.float32.itemsize + copies,
        clips=recordings * sum(clips.nbytes for clips in (one.video, one.audio) if clips is not None),
        views=sum(view.nbytes for view in views),
        embeddings=sum(embedding.nbytes for embedding in embeddings),
    )


class SavedTensors(saved_tensors_hooks):
    """A context that counts the bytes of the tensors saved for the backward pass; parameters and copies count once."""

    def __init__(self, phi: nn.Module) -> None:
        """Parameters of ``phi`` do not count."""
        self._parameters = {parameter.untyped_storage()._cdata for parameter in phi.parameters()}
        self._bytes: dict[int, int] = {}
        super().__init__(self._pack, lambda tensor: tensor)

    def _pack(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()  # a view shares that of its base
        if storage._cdata not in self._parameters:
            self._bytes[storage._cdata] = storage.nbytes()
        return tensor

    @property
    def bytes(self) -> int:
        """The bytes so far."""
        return sum(self._bytes.values())


def blank_batch(recipe: Recipe, recordings: int) -> Batch:
    """A batch of decoded clips of the recipe's size, with black frames and silence."""
    clip, windows, modalities = recipe.clip, len(recipe.composition.clips), recipe.composition.modalities
    frames = (recordings, windows, recipe.model.video.channels, clip.frames, clip.height, clip.width)
    return Batch(
        items=torch.arange(recordings),
        recordings=torch.arange(recordings),
        video=torch.zeros(frames, dtype=torch.uint8) if "video" in modalities else None,
        audio=torch.zeros(recordings, windows, clip.samples) if "audio" in modalities else None,
        video_times=None,
        audio_start=None,
    )


def _bytes(module: nn.Module) -> int:
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))


def global_batch(recipe: Recipe, devices: int, batch: int | None = None) -> int:
    """Recordings of a step on all devices: ``batch`` if given, else ``run.batch`` on each device."""
    return batch or recipe.run.batch * devices


@dataclass(frozen=True)
class Cost:
    """The predicted cost of a training; sizes are in bytes, rates per second."""

    recipe: Recipe
    recordings: int
    """Recordings of the training set."""
    devices: int
    kind: DeviceKind
    precision: str
    share: float
    """Share of the device's peak rate that the step reaches."""
    batch: int
    """Recordings of a step on all devices."""
    steps: int
    """Steps of the whole training."""
    step: StepCount
    """The step of one device."""

    @property
    def step_seconds(self) -> float:
        """Seconds of a step: those of its operations, or those of the memory traffic where these are more."""
        return max(self.step.flops / (self.share * self.kind.flops(self.precision)), self.traffic_seconds)

    @property
    def traffic_seconds(self) -> float:
        """Seconds that moving the activations through the memory takes at least."""
        return self.step.traffic / self.kind.bandwidth

    @property
    def greatest_share(self) -> float:
        """The share of the peak above which the memory bandwidth bounds the step."""
        return self.step.flops / self.kind.flops(self.precision) / self.traffic_seconds

    @property
    def hours(self) -> float:
        """Hours of the whole training."""
        return self.steps * self.step_seconds / 3600

    @property
    def clips_per_second(self) -> float:
        """Recordings per second of all devices, as ``metrics.jsonl`` counts them."""
        return self.batch / self.step_seconds

    @property
    def loader(self) -> float:
        """Bytes of decoded clips per second that the loader must deliver to each device."""
        return self.step.clips / self.step_seconds

    @property
    def exchanged(self) -> dict[str, int]:
        """Bytes that each device sends in a step, by content; all are 0 on one device.

        Gradients are summed in a ring. With a bank, the clips go to other devices for shuffled batch norm, and the keys
        to all. With negatives from the batch, the embeddings go to all, and their gradients back unless keys are
        detached.
        """
        others, objective, step = self.devices - 1, self.recipe.objective, self.step
        with_bank = objective.negatives == "bank"
        back = not with_bank and not objective.detach_keys
        return {
            "gradients": 2 * others * step.gradients // self.devices,
            "clips": others * step.clips // self.devices if with_bank else 0,
            "keys": others * step.embeddings * (2 if back else 1),
        }

    def plain(self) -> dict[str, Any]:
        """All figures, by name, for JSON."""
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
    batch: int | None = None,
    share: float | None = None,
) -> Cost:
    """The cost of training ``recipe`` on ``recordings`` recordings and ``devices`` devices of a kind.

    ``batch`` is the global batch (:func:`global_batch`), ``share`` replaces that of the kind. Raises
    :class:`TrainingError` for numbers out of range and batches that the devices cannot divide.
    """
    from avgdt.data.dataset import Batches  # imports the decoder, which counting does not need

    share = kind.share if share is None else share
    for name, value in (
        ("--recordings", recordings),
        ("--devices", devices),
        ("--batch", 1 if batch is None else batch),
    ):
        if value < 1:
            raise TrainingError(f"{name}: {value} is too small; use 1 or more")
    if not 0 < share <= 1:
        raise TrainingError(f"--share: {share:g} is out of range; use more than 0 and at most 1")
    batch = global_batch(recipe, devices, batch)
    each = batch // devices
    if batch % devices or each < 2:
        below, above = (max(each + more, 2) * devices for more in (0, 1))
        raise TrainingError(f"--batch: {devices} devices cannot share out {batch} recordings; use {below} or {above}")
    if recordings < batch:
        raise TrainingError(f"--recordings: {recordings} are fewer than a batch of {batch}; use a smaller --batch")
    steps = len(Batches(recordings, batch, recipe.schedule.epochs, recipe.run.seed))
    precision = kind.precision(recipe.run.precision)
    kind.flops(precision)
    recipe = in_proportion(replace(recipe, run=replace(recipe.run, batch=each)), recordings, steps)
    step = count_step(recipe, each, precision)
    return Cost(recipe, recordings, devices, kind, precision, share, batch, steps, step)


def describe_cost(cost: Cost) -> str:
    """The figures of :class:`Cost` as a table for the terminal, with the assumptions and what they change."""
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
        sent = [row("sent by a device in a step", "", "per second"), *sent, ""]
    fits = "fits" if step.memory < kind.memory else "DOES NOT FIT"
    text = [
        recipe.title,
        f"{cost.recordings:,} recordings, {recipe.schedule.epochs} epochs, batch {cost.batch:,} on {devices} x "
        f"{kind.title} ({step.recordings} on each), {cost.precision}",
        "",
        row("operations", f"recording ({len(recipe.composition.views)} views)", "step"),
        operations("forward", step.forward),
        operations("backward", step.backward),
        *([operations("keys of the momentum encoder", step.keys)] if step.keys else []),
        operations("all", step.flops),
        "",
        row("memory of a device"),
        *size("weights", step.weights),
        *size("gradients", step.gradients),
        *size("optimiser", step.optimiser),
        *size("momentum encoder", step.momentum_encoder),
        *size("bank", step.bank),
        *size("activations", step.activations),
        *size("decoded clips and views", step.clips + step.views),
        row("all", _scaled(step.memory, "B"), f"{fits} in {_scaled(kind.memory, 'B')}"),
        "",
        *sent,
        row("time"),
        row("clips for each device", f"{cost.clips_per_second / devices:,.1f}/s", _scaled(cost.loader, "B/s")),
        row("clips in all", f"{cost.clips_per_second:,.1f}/s"),
        row("step", _scaled(cost.step_seconds, "s")),
        row("steps", f"{cost.steps:,}"),
        row("training", _hours(cost.hours), f"{cost.hours * devices:,.1f} device hours"),
        "",
        f"Assumed: the step reaches {cost.share:.0%} of {_scaled(peak, 'FLOP/s')}; --share sets it.",
        f"The default of {kind.share:.0%} is {kind.basis}.",
        f"Moving the activations through memory at {_scaled(kind.bandwidth, 'B/s')} bounds the share at "
        f"{min(cost.greatest_share, 1):.0%}"
        + (", which decides here." if cost.greatest_share < cost.share else "; below it, the share matters most:"),
    ]
    if cost.greatest_share >= cost.share:
        both = (replace(cost, share=cost.share * factor) for factor in (0.5, 2))
        text += [f"  {other.share:.1%}: {_hours(other.hours)}" for other in both if other.share <= 1]
    return "\n".join(
        [
            *text,
            "A loader or a network between the devices that is slower than above decides instead.",
            "Not counted: products with the bank, log-mel, augmentations and optimiser (below 1 % of the operations of",
            "the paper's recipe), workspaces of the libraries, gradients of activations, monitors and checkpoints.",
        ]
    )


def _scaled(value: float, unit: str) -> str:
    """A value with three digits and a decimal prefix, from micro to peta and beyond."""
    for factor, prefix in (
        (1e18, "E"),
        (1e15, "P"),
        (1e12, "T"),
        (1e9, "G"),
        (1e6, "M"),
        (1e3, "k"),
        (1, ""),
        (1e-3, "m"),
    ):
        if abs(value) >= factor:
            return (
                f"{value / factor:.3g} {prefix}{unit}"
                if value < 999.5 * factor
                else f"{value / factor:,.0f} {prefix}{unit}"
            )
    return f"{value * 1e6:.3g} µ{unit}" if value else f"0 {unit}"


def _hours(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.1f} s"
