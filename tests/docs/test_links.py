"""Every link in the documentation points to an existing file and heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub writes them behind a #."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = [title.replace("`", "").lower() for title in re.findall(r"^#+ (.*)$", prose, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\((?!http)([^)]+)\)", prose):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_source_files_exist(page: Path) -> None:
    """In `a/b.py` of the prose, ``a`` may stand for the repository, for src/avgdt or for src; NAME is a placeholder."""
    for name in re.findall(r"`((?:[\w.]+/)+[\w.]+\.py)`", page.read_text()):
        assert "NAME" in name or any((ROOT / base / name).exists() for base in ("", "src/avgdt", "src")), name
