"""LeJEPA's loss (arXiv 2511.08544): it attracts positives and makes embeddings Gaussian, without negatives."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from avgdt.objective.nce import Matrix, attracting_pairs

SLICES = 256
"""Random directions along which the distribution is tested at each step."""
KNOTS, FARTHEST = 17, 5.0
"""Number, and largest absolute value, of the points at which characteristic functions are compared."""


def lejepa(
    embeddings: Sequence[torch.Tensor], attract: Matrix, weight: float, generator: torch.Generator
) -> torch.Tensor:
    """LeJEPA's loss, a scalar in float32: (1 - ``weight``) x the invariance term + ``weight`` x SIGReg.

    ``embeddings`` are T views (batch, dim) of any length. The invariance term is the mean over the pairs that attract
    of the squared distance to their mean, per dimension. SIGReg is averaged over views. Views that repel have no
    counterpart here: only the distribution separates them. ``generator`` is a CPU generator.
    """
    pairs = attracting_pairs(attract)
    with torch.autocast(embeddings[0].device.type, enabled=False):
        x = torch.stack([embedding.float() for embedding in embeddings])
        near = torch.stack([(x[i] - x[j]).square().mean() / 4 for i, j in pairs]).mean()
        directions = torch.randn(x.shape[-1], SLICES, generator=generator).to(x.device)
        directions = directions / directions.norm(dim=0)
        gaussian = epps_pulley(torch.einsum("vbd,ds->vsb", x, directions)).mean()
        return (1 - weight) * near + weight * gaussian


def epps_pulley(x: torch.Tensor) -> torch.Tensor:
    """The Epps-Pulley statistic of samples (..., n) against the standard normal distribution, (...).

    n x the integral over t of |phi_n(t) - exp(-t^2 / 2)|^2 exp(-t^2 / 2), where phi_n is the empirical characteristic
    function, by the trapezoidal rule.
    """
    t = torch.linspace(-FARTHEST, FARTHEST, KNOTS, device=x.device)
    normal = torch.exp(-t.square() / 2)
    phase = x.unsqueeze(-1) * t  # (..., n, knots)
    apart = (phase.cos().mean(-2) - normal).square() + phase.sin().mean(-2).square()
    return x.shape[-1] * torch.trapezoid(apart * normal, t, dim=-1)
