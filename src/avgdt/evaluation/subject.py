"""What is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    from avgdt.models.phi import Phi
    from avgdt.recipes.recipe import Recipe
    from avgdt.transforms.views import ViewMaker


class Subject(Protocol):
    """Networks with all that is needed to show them recordings, as a loaded run has it."""

    @property
    def recipe(self) -> Recipe:
        """What the run was."""

    @property
    def phi(self) -> Phi:
        """The networks, in evaluation mode on ``device``."""

    @property
    def viewmaker(self) -> ViewMaker:
        """Makes views of clips."""

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
