from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.synthetic.actions import ACTIONS
from avgdt.synthetic.dataset import render_dataset
from avgdt.synthetic.parameters import Parameters

TINY = Parameters(seed=3, seconds=1.6, height=48, width=64)


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render one short, small recording of each class."""
    folder = tmp_path_factory.mktemp("synthetic") / "dataset"
    render_dataset(folder, len(ACTIONS), workers=0, parameters=TINY)
    return folder
