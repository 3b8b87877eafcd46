"""The evaluation protocols: one dataclass each, whose fields are the options and whose ``measure`` does it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from avgdt.errors import AvgdtError
from avgdt.recipes.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOLS = {
    "linear": "logistic regression on frozen features of labelled files or segments",
    "knn": "nearest neighbours on the same features",
    "finetune": "train on with few or many labels, beside training from scratch",
    "ucf101": "101 kinds of actions in three splits, by finetuned and by frozen networks (UCF101's folder)",
    "hmdb51": "51 kinds of actions in three splits, likewise (HMDB51's folder)",
    "retrieval": "find the sound by the picture and the picture by the sound",
    "reidentification": "find another moment of the same recording",
    "esc10": "ten kinds of sounds in five folds, by frozen features (ESC-50's folder, its ESC-10 part)",
    "esc50": "fifty kinds of sounds in five folds, by frozen features (ESC-50's folder)",
    "esc50_fold": "one fold of ESC-50 by itself, in parts by source recording (ESC-50's folder)",
    "dcase2014": "ten acoustic scenes by frozen features (the folder of scenes_stereo and scenes_stereo_testset)",
}
"""Name and what it measures."""


class ProtocolError(AvgdtError):
    """A protocol that does not exist."""


def protocol(name: str) -> Callable[..., Any]:
    """The dataclass of a protocol: of ``esc50_fold`` the class ``Esc50Fold`` in the module of the same name.

    Raises :class:`ProtocolError` for a name that is not in ``PROTOCOLS``.
    """
    if name not in PROTOCOLS:
        raise ProtocolError(f"protocol {name!r} is unknown; {nearest(name, PROTOCOLS)}")
    module = importlib.import_module(f"avgdt.evaluation.protocols.{name}")
    kind: Callable[..., Any] = getattr(module, "".join(part.capitalize() for part in name.split("_")))
    return kind
