"""The error of recipes and their YAML files."""

from avgdt.errors import AvgdtError


class RecipeError(AvgdtError):
    """A recipe or one of its fields is invalid; the message names the field and a remedy."""
