"""Mistakes in a recipe or its configuration file."""

from avgdt.errors import AvgdtError


class RecipeError(AvgdtError):
    """A recipe, field or value that cannot be: the message names it and the remedy."""
