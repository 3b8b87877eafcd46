"""Conversion of recipes to and from the YAML files in run folders."""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from avgdt.composition.errors import CompositionError
from avgdt.errors import suggestion
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.recipe import Recipe

T = TypeVar("T")
KIND = "is"
"""YAML key whose value is the class name of a dataclass."""


def to_plain(value: Any) -> Any:
    """Convert dataclasses to dicts that contain the class name, tuples to lists, and paths to strings."""
    if is_dataclass(value) and not isinstance(value, type):
        return {KIND: type(value).__name__} | {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def from_plain(kind: Any, value: Any, where: str = "") -> Any:
    """Convert plain data to the annotated type ``kind``; the inverse of :func:`to_plain`.

    Raises :class:`RecipeError` for an unknown key or a value of the wrong type; the message names the field by its
    dotted path.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        if value in arguments:
            return value
        raise RecipeError(f"{where}: {value!r} is not among the choices; {suggestion(str(value), map(str, arguments))}")
    if origin in (typing.Union, types.UnionType):
        return _from_union(arguments, value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise RecipeError(f"{where}: expected a list, not {value!r}")
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) != len(value):
            raise RecipeError(f"{where}: expected {len(kinds)} values, not {len(value)}")
        return tuple(from_plain(k, v, f"{where}.{i}") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if isinstance(kind, type) and is_dataclass(kind):
        return _from_mapping(kind, value, where)
    if kind is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if kind is float and isinstance(value, str) and (number := _number(value)) is not None:
        import yaml

        raise RecipeError(f"{where}: YAML reads {value!r} as text; write {yaml.safe_dump(number).split()[0]}")
    if kind is not Any and type(value) is not kind:
        raise RecipeError(f"{where}: expected {getattr(kind, '__name__', kind)}, not {value!r}")
    return value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _from_union(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    named = {choice.__name__: choice for choice in choices if isinstance(choice, type) and is_dataclass(choice)}
    if isinstance(value, dict):
        name = str(value.get(KIND))
        if name not in named:
            raise RecipeError(f"{where}.{KIND}: {name!r} is unknown; {suggestion(name, named)}")
        return from_plain(named[name], value, where)
    plain = [choice for choice in choices if choice is type(value) or (choice is type(None) and value is None)]
    if not plain:
        raise RecipeError(
            f"{where}: {value!r} is not one of {', '.join(getattr(c, '__name__', str(c)) for c in choices)}"
        )
    return value


def _from_mapping(kind: type[T], value: Any, where: str) -> T:
    if not isinstance(value, dict):
        raise RecipeError(f"{where or kind.__name__}: expected a mapping of fields, not {value!r}")
    dot = f"{where}." if where else ""
    name = value.get(KIND, kind.__name__)
    if name != kind.__name__:
        raise RecipeError(f"{dot}{KIND}: {name!r} is not allowed; use {kind.__name__}")
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for key in value:
        if key != KIND and key not in known:
            raise RecipeError(f"{dot}{key}: no such field; {suggestion(str(key), known)}")
    missing = [n for n, f in known.items() if n not in value and f.default is f.default_factory is MISSING]
    if missing:
        raise RecipeError(f"{dot}{missing[0]}: this field is missing; add it")
    hints = typing.get_type_hints(kind)
    return kind(**{k: from_plain(hints[k], v, f"{dot}{k}") for k, v in value.items() if k != KIND})


def to_yaml(recipe: Recipe) -> str:
    """Convert the recipe to YAML text."""
    import yaml  # imported here, since networks, views and training steps do not need YAML

    return yaml.safe_dump(to_plain(recipe), sort_keys=False, allow_unicode=True)


def write_yaml(recipe: Recipe, path: Path) -> None:
    """Write the recipe to a YAML file."""
    path.write_text(to_yaml(recipe))


def _load(text: str) -> Any:
    """Parse YAML text into plain values; duplicate keys raise ``yaml.constructor.ConstructorError``."""
    import yaml

    class UniqueKeyLoader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            for i, key in enumerate(keys):
                if key.value in {earlier.value for earlier in keys[:i]}:
                    raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key.value!r}", key.start_mark)
            return super().construct_mapping(node, deep)

    return yaml.load(text, UniqueKeyLoader)


def read_yaml(path: Path) -> Recipe:
    """Read a recipe from a YAML file. Raises :class:`RecipeError` if it cannot be read or is not a recipe."""
    import yaml

    try:
        plain = _load(path.read_text())
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from None
    except RecursionError:
        raise RecipeError(f"{path}: is not a recipe: its brackets are nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, an invalid date, a number that is too long
        raise RecipeError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from None
    try:
        recipe: Recipe = from_plain(Recipe, plain)
    except (RecipeError, CompositionError) as error:
        raise RecipeError(f"{path}: {error}") from None
    return recipe
