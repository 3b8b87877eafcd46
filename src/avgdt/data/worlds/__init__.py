"""The demo recordings: a procedural little world where what is seen causes what is heard."""

from avgdt.data.worlds.errors import WorldError
from avgdt.data.worlds.parameters import Parameters
from avgdt.data.worlds.world import render_world

__all__ = ["Parameters", "WorldError", "render_world"]
