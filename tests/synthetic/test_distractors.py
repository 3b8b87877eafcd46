from __future__ import annotations

import numpy as np
import pytest

from avgdt.synthetic.canvas import Canvas
from avgdt.synthetic.distractors import DISTRACTORS, Distractor, Leaves, draw_distractor
from avgdt.synthetic.nuisances import draw_background
from avgdt.synthetic.painting import Image, patches
from avgdt.synthetic.scene import Scene
from tests.synthetic.conftest import TINY

BACKGROUND = draw_background(0, 0, np.random.default_rng(0))
SKY = np.array(BACKGROUND.palette.sky, np.float32).reshape(3, 1, 1)


def rendered(distractor: Distractor, time: float) -> np.ndarray:
    canvas, image = Canvas(96, 128), Image(96, 128)
    image.pixels[:] = SKY
    distractor.draw(canvas, time)
    image.paint(patches(canvas.strokes, 96, 128))
    return image.pixels


@pytest.mark.parametrize("kind", DISTRACTORS)
def test_a_distractor_depends_on_time_and_covers_a_small_part_of_the_frame(kind: type[Distractor]) -> None:
    distractor = kind(np.random.default_rng(1), BACKGROUND, 4 / 3)
    now, later = rendered(distractor, 1.0), rendered(distractor, 1.4)
    drawn = np.abs(now - SKY).max(0) > 2
    assert 0.002 < drawn.mean() < 0.4
    assert (np.abs(later - now).max(0) > 2).mean() > 0.002
    assert np.array_equal(rendered(distractor, 1.0), now)


def test_all_kinds_of_distractors_occur() -> None:
    generator = np.random.default_rng(0)
    assert {type(draw_distractor(generator, BACKGROUND, 4 / 3)) for _ in range(40)} == set(DISTRACTORS)


def test_a_distractor_changes_the_frames_and_not_the_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(TINY, 0)
    frame, waveform = next(scene.frames([0.5])), scene.audio()
    monkeypatch.setattr(Leaves, "draw", lambda distractor, canvas, time: None)
    monkeypatch.setattr("avgdt.synthetic.scene.draw_distractor", Leaves)
    without = Scene(TINY, 0)
    assert not np.array_equal(next(without.frames([0.5])), frame)
    assert np.array_equal(without.audio(), waveform)
