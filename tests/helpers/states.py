"""Comparison of training states."""

from __future__ import annotations

from typing import Any

import torch


def difference(a: Any, b: Any) -> float:
    """Return the largest difference between corresponding numbers of two nested states."""
    if isinstance(a, torch.Tensor):
        return float((a.double() - b.double()).abs().max()) if a.numel() else 0.0
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        return max((difference(a[key], b[key]) for key in a), default=0.0)
    if isinstance(a, list | tuple):
        return max((difference(x, y) for x, y in zip(a, b, strict=True)), default=0.0)
    return 0.0 if a is None else abs(a - b)
