"""Exception for invalid recipes and their YAML files."""

from avgdt.errors import AvgdtError


class RecipeError(AvgdtError):
    """Error for a recipe that is invalid or cannot be read; the message names the field or file and a remedy."""
