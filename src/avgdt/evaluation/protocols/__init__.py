"""The evaluation protocols, each a dataclass after the contract :class:`avgdt.evaluation.evaluate.Protocol`."""

from __future__ import annotations

import importlib
from typing import Any

from avgdt.errors import AvgdtError, suggestion

PROTOCOLS = {
    "linear": "probe.Linear",
    "knn": "probe.Knn",
    "finetune": "finetune.Finetune",
    "ucf101": "actions.Ucf101",
    "hmdb51": "actions.Hmdb51",
    "retrieval": "retrieval.Retrieval",
    "reidentification": "reidentification.Reidentification",
    "esc10": "esc50.Esc10",
    "esc50": "esc50.Esc50",
    "esc50_fold": "esc50.Esc50Fold",
    "dcase2014": "dcase2014.Dcase2014",
}
"""Name and class; a class is imported when it is needed, since networks take long to import."""


class ProtocolError(AvgdtError):
    """A protocol that does not exist."""


def protocol(name: str) -> type[Any]:
    """The dataclass of a protocol; raise :class:`ProtocolError` for a name that is not in ``PROTOCOLS``."""
    if name not in PROTOCOLS:
        raise ProtocolError(f"protocol {name!r} is unknown; {suggestion(name, PROTOCOLS)}")
    module, _, kind = PROTOCOLS[name].partition(".")
    made: type[Any] = getattr(importlib.import_module(f"avgdt.evaluation.protocols.{module}"), kind)
    return made
