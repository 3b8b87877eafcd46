"""Linear maps of rows and columns, one pair per clip: what resizing and blurring are made of."""

from __future__ import annotations

import torch


def apply_separable(video: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Map (batch, channels, time, height, width) of any type to (batch, channels, time, y, x) float32.

    ``rows`` (batch, y, height) and ``columns`` (batch, x, width) hold the weight of each old row and column in each
    new one. All channels and frames of a clip get the same.
    """
    rows, columns = (weights.to(video.device, torch.float32) for weights in (rows, columns))
    # b is the clip, c its channels, t its frames, h and w the old rows and columns, y and x the new ones.
    return torch.einsum("byh,bcthx->bctyx", rows, torch.einsum("bcthw,bxw->bcthx", video.float(), columns))
