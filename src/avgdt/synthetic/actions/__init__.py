"""Classes of the synthetic data set, in one module each for impacts, machines and motions."""

from __future__ import annotations

from avgdt.synthetic.actions.action import Action
from avgdt.synthetic.actions.impacts import Bounce, Chimes, Hammer, Stamp
from avgdt.synthetic.actions.machines import Bellows, Engine, Saw, Siren
from avgdt.synthetic.actions.motions import Rain, Rocket, Roll, Swing

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
"""All action classes, in the order of their labels; a label is the name of the class in lower case."""
