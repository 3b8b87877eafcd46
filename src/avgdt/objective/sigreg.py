"""The loss of LeJEPA (arXiv 2511.08544), which attracts positives and makes embeddings Gaussian, without negatives."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from avgdt.objective.nce import Matrix, attracting_pairs

SLICES = 256
"""Number of random directions along which the distribution of embeddings is tested at each step."""
KNOTS, FARTHEST = 17, 5.0
"""Number and largest absolute value of the points at which characteristic functions are compared."""


def lejepa(
    embeddings: Sequence[torch.Tensor], attract: Matrix, weight: float, generator: torch.Generator
) -> torch.Tensor:
    """Compute the loss of LeJEPA, a scalar in float32: (1 - ``weight``) x invariance term + ``weight`` x SIGReg term.

    ``embeddings`` are T views (batch, dim), not normalised to unit length. The invariance term is the squared distance
    per dimension between an embedding and the mean of its pair, averaged over the pairs that attract. The SIGReg term
    is averaged over views. Views that repel each other have no term of their own: only the SIGReg term separates them.
    The directions are drawn from ``generator``, a CPU generator.
    """
    pairs = attracting_pairs(attract)
    with torch.autocast(embeddings[0].device.type, enabled=False):
        x = torch.stack([embedding.float() for embedding in embeddings])
        invariance = torch.stack([(x[i] - x[j]).square().mean() / 4 for i, j in pairs]).mean()
        directions = torch.randn(x.shape[-1], SLICES, generator=generator).to(x.device)
        directions = directions / directions.norm(dim=0)
        sigreg = epps_pulley(torch.einsum("vbd,ds->vsb", x, directions)).mean()
        return (1 - weight) * invariance + weight * sigreg


def epps_pulley(x: torch.Tensor) -> torch.Tensor:
    """Compute the Epps-Pulley statistic (...) of samples (..., n) with respect to the standard normal distribution.

    The statistic is n x the integral over t of |phi_n(t) - exp(-t^2 / 2)|^2 exp(-t^2 / 2), where phi_n is the empirical
    characteristic function. The integral is computed by the trapezoidal rule.
    """
    t = torch.linspace(-FARTHEST, FARTHEST, KNOTS, device=x.device)
    normal = torch.exp(-t.square() / 2)
    phase = x.unsqueeze(-1) * t  # (..., n, knots)
    difference = (phase.cos().mean(-2) - normal).square() + phase.sin().mean(-2).square()
    return x.shape[-1] * torch.trapezoid(difference * normal, t, dim=-1)
