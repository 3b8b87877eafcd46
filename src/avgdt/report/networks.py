"""How large the networks are."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.models.phi import Phi


@dataclass(frozen=True)
class Network:
    """One modality's network."""

    modality: str
    encoder: int
    """Parameters of the encoder."""
    head: int
    """Parameters of the projection head."""
    features: int
    """Dimensions of its features, before the head."""


def networks(phi: Phi) -> tuple[Network, ...]:
    """The sizes of ``phi``'s networks."""
    return tuple(
        Network(
            modality,
            sum(parameter.numel() for parameter in phi.encoders[modality].parameters()),
            sum(parameter.numel() for parameter in phi.heads[modality].parameters()),
            phi.dims[modality],
        )
        for modality in phi.modalities
    )
