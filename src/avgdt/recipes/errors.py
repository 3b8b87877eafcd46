"""Mistakes in a recipe or its configuration file."""

from avgdt.errors import AvgdtError


class RecipeError(AvgdtError):
    """A recipe, field or value that does not exist; the message names the nearest one."""
