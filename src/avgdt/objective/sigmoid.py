"""The sigmoid loss (SigLIP, arXiv 2303.15343) over the views of a composition, which classifies pairs independently."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from avgdt.objective.nce import Matrix, Negatives, attracting_pairs, similarities


class SigmoidLoss(nn.Module):
    """Binary cross-entropy of positives and negatives with a trained scale and bias.

    The scale starts at 10 and the bias at ``bias``, by default -10, so that many negatives contribute little at first
    (section 3.2 of SigLIP).
    """

    def __init__(self, bias: float = -10.0) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(
        self,
        queries: Sequence[torch.Tensor],
        keys: Sequence[torch.Tensor],
        negatives: Sequence[Negatives],
        attract: Matrix,
        repel: Matrix,
    ) -> torch.Tensor:
        """Compute the loss, a scalar averaged over the batch and the pairs of views that attract.

        The losses of the positive and the negatives of a query are summed. For arguments, positives and negatives, see
        :func:`avgdt.objective.nce.contrastive_loss`.
        """
        losses = []
        with torch.autocast(queries[0].device.type, enabled=False):
            for i, j in attracting_pairs(attract):
                cosines, counted = similarities(i, j, queries, keys, negatives, repel)
                logits = self.log_scale.exp() * cosines + self.bias
                positive, negative = -F.logsigmoid(logits[:, 0]), -F.logsigmoid(-logits[:, 1:])
                losses.append((positive + (negative * counted[:, 1:]).sum(1)).mean())
        return torch.stack(losses).mean()
