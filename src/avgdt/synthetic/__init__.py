"""The demo recordings: a procedural little world where what is seen causes what is heard."""

from avgdt.synthetic.errors import WorldError
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.world import render_world

__all__ = ["Parameters", "WorldError", "render_world"]
