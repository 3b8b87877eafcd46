from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.outcome import DataTable, Plot, PlotSeries, write_outcome
from avgdt.report.experiment import write_experiment
from avgdt.report.plots import draw
from tests.experiments.test_outcome import outcome

BARS = Plot(
    "bars", "Bars", "", "bars", "", "percentage", (PlotSeries("", ("a", "b"), (0.2, 0.4), (0.1, 0.3), (0.3, 0.5)),)
)
POINTS = Plot("points", "Points", "", "points", "x", "y (%)", (PlotSeries("s", ("a", "b"), (0.2, 0.4)),))


def test_page_plots_and_tables_are_written(tmp_path: Path) -> None:
    write_outcome(replace(outcome(), plots=(*outcome().plots, BARS, POINTS)), tmp_path)
    page = write_experiment(tmp_path).read_text()
    assert "Question?" in page
    assert "An answer." in page
    assert page.count("data:image/svg+xml;base64,") == 3
    assert "http" not in page.replace("Content-Security-Policy", "").replace("http-equiv", "")
    assert "Table 1a of the paper" in page
    assert "86.1" in page
    for name in ("accuracy", "bars", "points"):
        root = ElementTree.parse(tmp_path / "plots" / f"{name}.svg").getroot()
        assert root.tag.endswith("svg")
        with Image.open(tmp_path / "plots" / f"{name}.png") as image:
            assert image.width > 600
    with (tmp_path / "tables" / "runs.csv").open() as file:
        assert list(csv.reader(file)) == [["cell", "accuracy"], ["x", "12.5"], ["y", ""]]


def test_equal_outcomes_give_equal_files(tmp_path: Path) -> None:
    assert draw(BARS) == draw(BARS)
    assert draw(BARS)[0] != draw(replace(BARS, y_label="other"))[0]


def test_names_are_escaped_in_html_and_for_spreadsheets(tmp_path: Path) -> None:
    table = DataTable("t", "<script>alert(1)</script>", ("a",), (("=cmd()",), ("<b>",), (3.0,)))
    write_outcome(replace(outcome(), title="<i>&", tables=(table,)), tmp_path)
    page = write_experiment(tmp_path).read_text()
    assert "<script" not in page
    assert "&lt;i&gt;&amp;" in page
    assert (tmp_path / "tables" / "t.csv").read_text() == "a\n'=cmd()\n<b>\n3\n"


def test_a_folder_without_an_outcome_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"contains no experiment\.json"):
        write_experiment(tmp_path)
