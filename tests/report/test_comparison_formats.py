from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from avgdt.report import comparison
from avgdt.report.comparison import as_latex, as_markdown, as_text, compare_runs
from avgdt.report.published import Column, PaperTable, Published
from tests.report.evaluated import esc50, ucf101

Make = Callable[..., Path]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the tables of the paper by a single small one."""
    columns = (Column("ESC-50", "esc50"), Column("UCF101 R@1", "ucf101", "retrieval", "r1"))
    rows = (Published("A & B_{50%} | C*", {"ESC-50": "78.6"}, "~somebody, $1"), Published("D", {}, "x^2\\#1"))
    monkeypatch.setattr(comparison, "TABLES", (PaperTable("9", "small", "Sounds & more", columns, rows),))


@pytest.fixture
def runs(make: Make) -> list[Path]:
    return [
        make("grid-seed0", esc50(0, 0.50, 0.30), seed=0),
        make("grid-seed1", esc50(1, 0.54, 0.34), ucf101(1, [0.2], 0.125), seed=1),
        make("other_1", esc50(0, 0.6)),
    ]


@pytest.mark.usefixtures("small")
def test_the_comparison_is_formatted_as_text(runs: list[Path]) -> None:
    (table,) = compare_runs(runs)
    assert as_text(table).splitlines() == [
        "Table 9. Sounds & more, %",
        "",
        "method                        ESC-50   UCF101 R@1   source",
        "─────────────────────────────────────────────────────────────────",
        "A & B_{50%} | C*                78.6            –   ~somebody, $1",
        "D                                  –            –   x^2\\#1",
        "",
        "grid                      52.0 ± 2.8         12.5   measured here",
        "grid, random weights      32.0 ± 2.8          1.0   measured here",
        "other_1                   60.0 ± 2.0            –   measured here",
        "other_1, random weights   30.0 ± 1.0            –   measured here",
        "",
        "± is the standard deviation over 2 seeds: grid; grid, random weights",
        "± is the standard deviation over 5 folds: other_1; other_1, random weights",
    ]


@pytest.mark.usefixtures("small")
def test_the_comparison_is_formatted_as_markdown(runs: list[Path]) -> None:
    (table,) = compare_runs(runs[2:])
    assert as_markdown(table) == (
        "**Table 9. Sounds & more, %**\n"
        "\n"
        "| method                   |     ESC-50 | UCF101 R@1 | source         |\n"
        "| ------------------------ | ---------: | ---------: | -------------- |\n"
        "| A & B\\_{50%} \\| C\\*      |       78.6 |          – | \\~somebody, $1 |\n"
        "| D                        |          – |          – | x^2\\\\\\#1       |\n"
        "| other\\_1                 | 60.0 ± 2.0 |          – | measured here  |\n"
        "| other\\_1, random weights | 30.0 ± 1.0 |          – | measured here  |\n"
        "\n"
        "± is the standard deviation over 5 folds: other\\_1; other\\_1, random weights\n"
    )


@pytest.mark.usefixtures("small")
def test_the_comparison_is_formatted_as_latex(runs: list[Path]) -> None:
    (table,) = compare_runs(runs[2:])
    assert as_latex(table).splitlines() == [
        r"\begin{table}",
        r"\caption{Table 9. Sounds \& more, \%}",
        r"\begin{tabular}{lrrl}",
        r"\toprule",
        r"method & ESC-50 & UCF101 R@1 & source \\",
        r"\midrule",
        r"A \& B\_\{50\%\} \textbar{} C* & 78.6 & -- & \textasciitilde{}somebody, \$1 \\",
        r"D & -- & -- & x\textasciicircum{}2\textbackslash{}\#1 \\",
        r"\midrule",
        r"other\_1 & 60.0 $\pm$ 2.0 & -- & measured here \\",
        r"other\_1, random weights & 30.0 $\pm$ 1.0 & -- & measured here \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\footnotesize $\pm$ is the standard deviation over 5 folds: other\_1; other\_1, random weights",
        r"\end{table}",
    ]
