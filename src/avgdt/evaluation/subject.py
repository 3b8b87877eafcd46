"""What is evaluated."""

from __future__ import annotations

from typing import Protocol

from avgdt.data.store import Store
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.recipes.recipe import Recipe
from avgdt.transforms.views import ViewMaker


class Subject(Protocol):
    """Networks with all that is needed to show them recordings, as a loaded run has it."""

    @property
    def recipe(self) -> Recipe:
        """What the run was."""

    @property
    def phi(self) -> Phi:
        """The networks, in evaluation mode."""

    @property
    def viewmaker(self) -> ViewMaker:
        """Makes views of clips."""

    @property
    def store(self) -> Store | None:
        """Where the run has its decoded recordings."""

    @property
    def precision(self) -> Precision:
        """Where the networks are and how they compute."""
