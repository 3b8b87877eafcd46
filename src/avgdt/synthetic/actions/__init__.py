"""The classes of the demo recordings, one file each."""

from __future__ import annotations

from avgdt.synthetic.actions.action import Action, Setting
from avgdt.synthetic.actions.bellows import Bellows
from avgdt.synthetic.actions.bounce import Bounce
from avgdt.synthetic.actions.chimes import Chimes
from avgdt.synthetic.actions.engine import Engine
from avgdt.synthetic.actions.hammer import Hammer
from avgdt.synthetic.actions.rain import Rain
from avgdt.synthetic.actions.rocket import Rocket
from avgdt.synthetic.actions.roll import Roll
from avgdt.synthetic.actions.saw import Saw
from avgdt.synthetic.actions.siren import Siren
from avgdt.synthetic.actions.stamp import Stamp
from avgdt.synthetic.actions.swing import Swing

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
