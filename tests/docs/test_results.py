"""Tests that the result tables in the documentation agree with docs/results/*.json."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_results", DOCS / "make_results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_pages_equal_the_output_of_the_script(script: ModuleType) -> None:
    changed = [str(page) for page in script.PAGES if script.rendered(page) != page.read_text()]
    assert not changed, f"run python docs/make_results.py: {changed}"


def test_every_table_is_shown_with_all_of_its_seeds(script: ModuleType) -> None:
    text = "".join(page.read_text() for page in script.PAGES)
    for file in sorted((DOCS / "results").glob("*.json")):
        for name, table in json.loads(file.read_text()).items():
            assert f"<!-- table: {file.stem}.{name}" in text
            assert table["seeds"]
            assert {len(row) for row in table["rows"]} == {len(table["columns"])}


def test_no_result_table_is_written_by_hand(script: ModuleType) -> None:
    for page in (DOCS / "results").glob("*.md"):
        by_hand = script.MARKED.sub("", page.read_text())
        assert "\n| ---" not in by_hand, page


def test_means_are_computed_from_unrounded_values(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = {
        "columns": ["seed", "R@1 (%)", "fold"],
        "seeds": [0, 1, 2],
        "recordings": 3,
        "rows": [
            ["0", [33.3, 66.7], "33.3 ± 9.9"],
            ["1", [66.7, 66.7], "[100.0](results/y.md) ± 0.0"],
            ["2", None, None],
            ["mean", {"mean": "a", "rows": [0, 2]}, {"mean": "a", "rows": [0, 2], "column": "fold"}],
        ],
    }
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "x.json").write_text(json.dumps({"a": table}))
    monkeypatch.setattr(script, "DOCS", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table: x.a rows 1 2 3 columns 1 2 -->\nold\n<!-- end -->\nafter\n")
    assert script.rendered(page) == (
        "before\n<!-- table: x.a rows 1 2 3 columns 1 2 -->\n| R@1 (%) | fold |\n| --- | --- |\n"
        "| 66.7 / 66.7 | [100.0](results/y.md) ± 0.0 |\n| to be measured | to be measured |\n"
        "| 50.0 ± 23.6 / 66.7 ± 0.0 | 66.7 ± 47.1 (2) |\n<!-- end -->\nafter\n"
    )
