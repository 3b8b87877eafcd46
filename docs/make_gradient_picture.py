"""Draw docs/gradient.svg: the attraction of a positive, from autograd, plotted against the positive's probability.

python docs/make_gradient_picture.py
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F

from avgdt.objective.nce import Negatives, contrastive_loss

OUT = Path(__file__).parent / "gradient.svg"
TEMPERATURE, DIM, NEGATIVES = 0.07, 128, 1000
WIDTH, HEIGHT, LEFT, TOP, SIDE, TALL = 560, 300, 60, 20, 480, 220


def measured(cosine: float, generator: torch.Generator) -> tuple[float, float]:
    """Return the positive's probability and its attraction, for a query at the given cosine similarity to the positive.

    The attraction is the length of the positive's term in the negative gradient, multiplied by the temperature.
    """
    key, direction, *negatives = F.normalize(torch.randn(2 + NEGATIVES, DIM, generator=generator), dim=1)
    orthogonal = F.normalize(direction - (direction @ key) * key, dim=0)
    query = (cosine * key + (1 - cosine**2) ** 0.5 * orthogonal).requires_grad_()
    bank = Negatives(torch.stack(negatives), torch.ones(1, NEGATIVES, dtype=torch.bool))
    views = [query[None], query.detach()[None]]
    result = contrastive_loss(
        views,
        [key[None], key[None]],
        [bank, bank],
        ((False, True), (False, False)),
        ((False, False), (False, False)),
        TEMPERATURE,
    )
    (gradient,) = torch.autograd.grad(result.loss, query)
    # The positive's term is the negative gradient without the terms of the negatives.
    directions = torch.stack([key, *negatives], dim=1)
    pulls = torch.exp(directions.T @ query.detach() / TEMPERATURE)
    pushed = directions[:, 1:] @ (pulls[1:] / pulls.sum())
    return float(result.positive_probability), float((-gradient * TEMPERATURE + pushed) @ key)


def main() -> None:
    """Draw the figure and write it to docs/gradient.svg."""
    generator = torch.Generator().manual_seed(0)
    dots = [measured(float(cosine), generator) for cosine in torch.linspace(0.0, 0.95, 48)]

    def place(x: float, y: float) -> str:
        return f"{LEFT + SIDE * x:.1f} {TOP + TALL * (1 - y):.1f}"

    circles = "".join('<circle r="3.5" cx="{}" cy="{}"/>'.format(*place(x, y).split()) for x, y in dots)
    ticks = "".join(
        f'<text x="{LEFT + SIDE * t}" y="{TOP + TALL + 20}" text-anchor="middle">{t:g}</text>'
        f'<text x="{LEFT - 10}" y="{TOP + TALL * (1 - t) + 5}" text-anchor="end">{t:g}</text>'
        for t in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    OUT.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" fill="#333"><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<path d="M{LEFT} {TOP}V{TOP + TALL}H{LEFT + SIDE}" fill="none" stroke="#888"/>{ticks}'
        f'<path d="M{place(0, 1)}L{place(1, 0)}" stroke="#c60" stroke-width="2"/>'
        f'<g fill="#26a">{circles}</g>'
        f'<text x="{LEFT + SIDE / 2}" y="{HEIGHT - 16}" text-anchor="middle">'
        "probability of the positive (left: hard, right: easy)</text>"
        f'<text transform="translate(18 {TOP + TALL / 2}) rotate(-90)" text-anchor="middle">'
        'attraction, in 1 / temperature</text><text x="330" y="60" fill="#26a">48 queries, by autograd</text>'
        '<text x="330" y="80" fill="#c60">1 - p, the closed form</text></svg>\n'
    )


if __name__ == "__main__":
    main()
