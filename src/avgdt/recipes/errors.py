"""Exception for invalid recipes and their YAML files."""

from avgdt.errors import AvgdtError


class RecipeError(AvgdtError):
    """Raised if a recipe is invalid or cannot be read; the message names the field or file and a remedy."""
