from __future__ import annotations

import numpy as np
import pytest

from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.life import KINDS, Leaves, Life, draw_life
from avgdt.synthetic.painting import Picture, patches
from avgdt.synthetic.places import place_of
from avgdt.synthetic.scene import Scene
from tests.synthetic.conftest import TINY

PLACE = place_of(0, 0, np.random.default_rng(0))
SKY = np.array(PLACE.palette.sky, np.float32).reshape(3, 1, 1)


def picture(life: Life, time: float) -> np.ndarray:
    canvas, shown = Canvas(96, 128), Picture(96, 128)
    shown.pixels[:] = SKY
    life.draw(canvas, time)
    shown.paint(patches(canvas.strokes, 96, 128))
    return shown.pixels


@pytest.mark.parametrize("kind", KINDS)
def test_it_moves_by_the_time_alone_and_leaves_room_for_the_action(kind: type[Life]) -> None:
    life = kind(np.random.default_rng(1), PLACE, 4 / 3)
    now, later = picture(life, 1.0), picture(life, 1.4)
    drawn = np.abs(now - SKY).max(0) > 2
    assert 0.002 < drawn.mean() < 0.4
    assert (np.abs(later - now).max(0) > 2).mean() > 0.002
    assert np.array_equal(picture(life, 1.0), now)


def test_all_kinds_occur() -> None:
    generator = np.random.default_rng(0)
    assert {type(draw_life(generator, PLACE, 4 / 3)) for _ in range(40)} == set(KINDS)


def test_it_is_seen_and_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(TINY, 0)
    seen, heard = next(scene.frames([0.5])), scene.sound()
    monkeypatch.setattr(Leaves, "draw", lambda life, canvas, time: None)
    monkeypatch.setattr("avgdt.synthetic.scene.draw_life", Leaves)
    lifeless = Scene(TINY, 0)
    assert not np.array_equal(next(lifeless.frames([0.5])), seen)
    assert np.array_equal(lifeless.sound(), heard)
