"""The classes of the demo recordings, one file each."""

from __future__ import annotations

from avgdt.data.worlds.actions.action import Action, Setting
from avgdt.data.worlds.actions.bellows import Bellows
from avgdt.data.worlds.actions.bounce import Bounce
from avgdt.data.worlds.actions.chimes import Chimes
from avgdt.data.worlds.actions.engine import Engine
from avgdt.data.worlds.actions.hammer import Hammer
from avgdt.data.worlds.actions.rain import Rain
from avgdt.data.worlds.actions.rocket import Rocket
from avgdt.data.worlds.actions.roll import Roll
from avgdt.data.worlds.actions.saw import Saw
from avgdt.data.worlds.actions.siren import Siren
from avgdt.data.worlds.actions.stamp import Stamp
from avgdt.data.worlds.actions.swing import Swing

ACTIONS: tuple[type[Action], ...] = (
    Bellows,
    Bounce,
    Chimes,
    Engine,
    Hammer,
    Rain,
    Rocket,
    Roll,
    Saw,
    Siren,
    Stamp,
    Swing,
)
"""Every class; its name in lower case is the label."""

__all__ = ["ACTIONS", "Action", "Setting"]
