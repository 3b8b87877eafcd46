"""Weights files in the safetensors format, with the recipe of the networks; loading a file executes no code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from avgdt import __version__
from avgdt.models.errors import WeightsError


@dataclass(frozen=True)
class Metadata:
    """Metadata of a weights file."""

    kind: str
    """Kind of training that produced the weights, such as "pretrain"."""
    recipe: dict[str, Any]
    """Recipe as plain data, as returned by ``avgdt.recipes.config.to_plain``."""
    version: str
    """Version of avgdt that wrote the file."""


def save_weights(path: Path, network: nn.Module, recipe: Mapping[str, Any], kind: str) -> None:
    """Write the state of ``network`` and its ``recipe`` (plain data, stored as JSON) to ``path``, atomically.

    Raises :class:`WeightsError` if a value is not finite or the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    _check_finite(tensors, path)
    metadata = {"kind": kind, "recipe": json.dumps(recipe), "avgdt": __version__}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(save(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise WeightsError(f"{path}: could not be written ({error}); free some disk space and try again") from error
    finally:
        temporary.unlink(missing_ok=True)


def load_weights(path: Path) -> tuple[dict[str, torch.Tensor], Metadata]:
    """Return the tensors, on the CPU, and the metadata of a file written by :func:`save_weights`.

    Raises :class:`WeightsError` if the file does not exist, has another format, or contains a non-finite value.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: not a readable weights file (safetensors): {error}") from None
    _check_finite(tensors, path)
    try:
        return tensors, Metadata(metadata["kind"], json.loads(metadata["recipe"]), metadata["avgdt"])
    except (KeyError, ValueError, RecursionError):
        raise WeightsError(f"{path}: has no valid metadata of avgdt; use other weights") from None


def _check_finite(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            raise WeightsError(
                f"{path}: {name} is not finite, so the run that wrote it had diverged; use other weights"
            )


def restore(network: nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Copy ``tensors``, read from ``path``, into ``network``.

    Raises :class:`WeightsError`, before any change, if a parameter is missing, has another shape, or does not belong to
    ``network``; the message names it.
    """
    state = network.state_dict()
    for name, tensor in state.items():
        if name not in tensors:
            raise WeightsError(f"{path}: weights of another architecture: {name} is missing; use the recipe of the run")
        if tensors[name].shape != tensor.shape:
            raise WeightsError(
                f"{path}: weights of another architecture: {name} is {tuple(tensors[name].shape)} in the file, "
                f"{tuple(tensor.shape)} in the networks; use the recipe of the run"
            )
    extra = next((name for name in tensors if name not in state), None)
    if extra is not None:
        raise WeightsError(
            f"{path}: weights of another architecture: the networks have no {extra}; use the recipe of the run"
        )
    network.load_state_dict(dict(tensors))
