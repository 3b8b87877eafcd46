"""Operations and bytes of one training step, counted for a recipe's networks and clips without computing values.

The networks run on tensors of PyTorch's device ``meta``, which have a shape but no values. A multiplication and an
addition count as two operations (FLOPs). Only matrix multiplications and convolutions are counted, as in a vendor's
peak throughput. The following are not counted, since they are less than one per cent of the operations in the paper's
recipe: the similarities of queries to the keys of the bank or batch, the log-mel spectrogram, the augmentations, the
optimiser, and the update of the momentum encoder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from avgdt.data.batch import Batch
from avgdt.models.phi import Phi
from avgdt.models.precision import DTYPES
from avgdt.objective.bank import Bank
from avgdt.objective.momentum import MomentumEncoder
from avgdt.recipes.recipe import Recipe
from avgdt.training.optimiser import build_optimiser
from avgdt.transforms.views import Views

_PASSES = 5
"""Minimum number of times that an activation passes through memory. It is written and read in the forward pass and read
in the backward pass; its gradient is written and read."""
_PASSES_OF_KEYS = 2
"""Minimum number of times that an activation passes through memory in a forward pass without a backward pass."""


@dataclass(frozen=True)
class StepCount:
    """Operations and bytes of one training step on one device, counted for the recipe's networks."""

    recordings: int
    """Number of recordings in the device's part of the batch."""
    parameters: int
    """Number of trainable parameters."""
    forward: int
    """Number of operations of the forward pass of all views."""
    backward: int
    """Number of operations of the backward pass."""
    keys: int
    """Number of operations of the momentum encoder's forward pass; 0 without a bank."""
    weights: int
    """Bytes of the parameters and buffers, in float32."""
    gradients: int
    """Bytes of the gradients, in float32."""
    optimiser: int
    """Bytes of the optimiser's state."""
    momentum_encoder: int
    """Bytes of the momentum encoder; 0 without a bank."""
    bank: int
    """Bytes of the memory bank; 0 without a bank."""
    activations: int
    """Bytes of the tensors that the forward pass saves for the backward pass, and of copies of the weights in half
    precision."""
    clips: int
    """Bytes of the decoded clips, which are uint8 frames and float32 waveforms."""
    views: int
    """Bytes of the views, which are the float32 input of the networks."""
    embeddings: int
    """Bytes of the embeddings of all views, in float32."""
    sums: int = 0
    """Bytes of the sums of the gradients over batch norm groups and devices; 0 for a single group on one device."""
    groups: int = 1
    """Number of batch norm groups that the device processes one after another; ``activations`` and ``views`` are for
    one group."""

    @property
    def flops(self) -> int:
        """Number of operations of the step."""
        return self.forward + self.backward + self.keys

    @property
    def memory(self) -> int:
        """Bytes of device memory in use at the start of the backward pass."""
        state = self.weights + self.gradients + self.sums + self.optimiser + self.momentum_encoder + self.bank
        return state + self.activations + self.clips + self.views

    @property
    def traffic(self) -> int:
        """Minimum memory traffic of the activations, in bytes."""
        return (_PASSES + (_PASSES_OF_KEYS if self.keys else 0)) * self.activations * self.groups

    def of_groups(self, groups: int, embedded_twice: bool) -> StepCount:
        """Return the counts of a step on ``groups`` batch norm groups of this size, processed one after another.

        With ``embedded_twice``, every group is embedded once for the loss and once more for the gradient, which is
        necessary if the loss of a query depends on all other queries.
        """
        forward = self.forward * (2 if embedded_twice and groups > 1 else 1)
        return replace(
            self,
            groups=groups,
            recordings=groups * self.recordings,
            forward=groups * forward,
            backward=groups * self.backward,
            keys=groups * self.keys,
            clips=groups * self.clips,
            embeddings=groups * self.embeddings,
        )


def count_step(recipe: Recipe, recordings: int, precision: str) -> StepCount:
    """Count the operations and bytes of a step on ``recordings`` recordings in a precision (fp32, bf16 or fp16).

    ``recipe.objective.bank`` must be a number of keys; the automatic value -1 is not supported. Raises the errors of
    the networks and views.
    """
    modalities = [view.modality for view in recipe.composition.views]
    single = blank_batch(recipe, 1)
    shapes = [view.shape[1:] for view in Views.of(recipe)(single)]
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
        clips=recordings * sum(clips.nbytes for clips in (single.video, single.audio) if clips is not None),
        views=sum(view.nbytes for view in views),
        embeddings=sum(embedding.nbytes for embedding in embeddings),
    )


class SavedTensors(saved_tensors_hooks):
    """Context manager that counts the bytes of tensors saved for the backward pass; a storage shared by several
    tensors counts once."""

    def __init__(self, phi: nn.Module) -> None:
        """Exclude the parameters of ``phi`` from the count."""
        self._parameters = {parameter.untyped_storage()._cdata for parameter in phi.parameters()}
        self._bytes: dict[int, int] = {}
        super().__init__(self._pack, lambda tensor: tensor)

    def _pack(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()  # a view has the storage of its base
        if storage._cdata not in self._parameters:
            self._bytes[storage._cdata] = storage.nbytes()
        return tensor

    @property
    def bytes(self) -> int:
        """Number of bytes of all tensors saved so far."""
        return sum(self._bytes.values())


def blank_batch(recipe: Recipe, recordings: int) -> Batch:
    """Return a batch of decoded clips of the recipe's size, with black frames and silence."""
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
