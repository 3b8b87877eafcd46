"""Evaluation protocols: dataclasses that implement :class:`avgdt.evaluation.evaluate.Protocol`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from avgdt.errors import AvgdtError, suggestion


class UnknownProtocol(AvgdtError):
    """Raised if the name of a protocol is unknown."""


@cache
def protocols() -> dict[str, type[Any]]:
    """Return all protocols by name: the classes with an attribute ``name`` in the modules of this package."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {
        defined.name: defined
        for module in modules
        for defined in vars(module).values()
        if isinstance(defined, type) and defined.__module__ == module.__name__ and hasattr(defined, "name")
    }


def protocol(name: str) -> type[Any]:
    """Return the dataclass of a protocol; raise :class:`UnknownProtocol` for an unknown name."""
    if name not in protocols():
        raise UnknownProtocol(f"protocol {name!r} is unknown; {suggestion(name, protocols())}")
    return protocols()[name]
