from __future__ import annotations

import re

import pytest

from avgdt.report.charts import BOTTOM, HEIGHT, LEFT, MAX_POINTS, RIGHT, TOP, WIDTH, Series, chart


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.-]+) ([\d.-]+)", path)]


def test_points_agree_with_the_ticks() -> None:
    figure = chart("t", "", [Series("s", [0, 2, 4], [0.0, 5.0, 10.0], "both")])
    assert points(figure.lines[0].path) == [
        (LEFT, HEIGHT - BOTTOM),
        ((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2),
        (WIDTH - RIGHT, TOP),
    ]
    assert [tick.text for tick in figure.up] == ["0", "2", "4", "6", "8", "10"]
    assert figure.up[-1].at == TOP
    assert figure.across[0].at == LEFT


@pytest.mark.parametrize("values", [[0.3, 0.1], [7.21, 5.57], [1e-5, 3e-5], [240.0, 13.0], [2.0, 2.0], [0.0, 0.0]])
@pytest.mark.parametrize("from_zero", [True, False])
def test_lines_lie_inside_the_chart_and_between_the_outer_ticks(values: list[float], from_zero: bool) -> None:
    figure = chart("t", "", [Series("s", [0.5, 1], values, "both")], from_zero=from_zero)
    assert all(TOP <= y <= HEIGHT - BOTTOM for _, y in points(figure.lines[0].path))
    numbers = [float(tick.text) for tick in figure.up]
    assert numbers[0] <= (0 if from_zero else min(values)) <= max(values) <= numbers[-1]
    assert 2 <= len(numbers) <= 8


def test_fractions_are_formatted_as_percentages() -> None:
    figure = chart("Recall", "", [Series("s", [0, 1], [0.0, 0.25], "both")], percent=True)
    assert figure.lines[0].last == "25.0\u202f%"
    assert figure.up[-1].text == "25\u202f%"
    assert "s ends at 25.0\u202f%" in figure.description


def test_smoothing_averages_and_keeps_the_raw_line() -> None:
    flat = chart("t", "", [Series("s", list(range(80)), [i % 2 for i in range(80)], "both", smooth=True)])
    line = flat.lines[0]
    assert len(points(line.path)) == len(points(line.faint)) == 80
    inner = [y for _, y in points(line.path)[2:-2]]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    assert max(abs(y - middle) for y in inner) < 0.11 * (HEIGHT - TOP - BOTTOM)  # 2 or 3 of 5 values are 1


def test_long_lines_are_subsampled_and_gaps_omitted() -> None:
    long = chart("t", "", [Series("s", list(range(5000)), [1.0] * 5000, "both")])
    assert len(points(long.lines[0].path)) == MAX_POINTS
    gap = chart("t", "", [Series("s", [0, 1, 2], [1.0, float("nan"), 2.0], "both")])
    assert len(points(gap.lines[0].path)) == 2
