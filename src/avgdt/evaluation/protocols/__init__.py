"""The evaluation protocols: one dataclass each, whose fields are the options and whose ``measure`` does it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from avgdt.errors import AvgdtError, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOLS = {
    "linear": "logistic regression on frozen features of labelled files or segments",
    "knn": "nearest neighbours on the same features",
    "finetune": "end-to-end training with few or many labels, beside training from scratch",
    "ucf101": "UCF101, 101 actions in three splits: finetuned and frozen networks (the folder of the data set)",
    "hmdb51": "HMDB51, 51 actions in three splits: likewise",
    "retrieval": "retrieval of the audio by the video, and of the video by the audio",
    "reidentification": "retrieval of another window of the same recording",
    "esc10": "ESC-10, ten sounds in five folds: frozen features (the folder of ESC-50)",
    "esc50": "ESC-50, fifty sounds in five folds: frozen features",
    "esc50_fold": "one fold of ESC-50 by itself, divided by source recording",
    "dcase2014": "DCASE2014, ten acoustic scenes: frozen features (scenes_stereo and scenes_stereo_testset)",
}
"""Name and what it measures."""


class ProtocolError(AvgdtError):
    """A protocol that does not exist."""


def protocol(name: str) -> Callable[..., Any]:
    """The dataclass of a protocol: of ``esc50_fold`` the class ``Esc50Fold`` in the module of the same name.

    Raises :class:`ProtocolError` for a name that is not in ``PROTOCOLS``.
    """
    if name not in PROTOCOLS:
        raise ProtocolError(f"protocol {name!r} is unknown; {suggestion(name, PROTOCOLS)}")
    module = importlib.import_module(f"avgdt.evaluation.protocols.{name}")
    kind: Callable[..., Any] = getattr(module, "".join(part.capitalize() for part in name.split("_")))
    return kind
