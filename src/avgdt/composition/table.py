"""A composition as text: how one would write its parts, and its two matrices as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

Matrix = tuple[tuple[bool, ...], ...]


def written(value: Any) -> str:
    """A dataclass as one would write it, without the fields that stand at their defaults."""
    shown = sorted((f for f in fields(value) if getattr(value, f.name) != f.default), key=lambda f: f.kw_only is True)
    return f"{type(value).__name__}({', '.join(f'{f.name}={getattr(value, f.name)!r}' for f in shown)})"


def table(names: Sequence[str], attract: Matrix, repel: Matrix) -> str:
    """One row and one column per view: a attracts, r repels, . does not meet."""
    width = max(map(len, names))
    digits = len(str(len(names) - 1))
    lines = [" " * (digits + width + 3) + " ".join(f"{j:>{digits}}" for j in range(len(names)))]
    for i, name in enumerate(names):
        marks = ("a" if a else "r" if r else "." for a, r in zip(attract[i], repel[i], strict=True))
        lines.append(f"{i:>{digits}} {name:<{width}}  " + " ".join(f"{mark:>{digits}}" for mark in marks))
    return "\n".join(lines)
