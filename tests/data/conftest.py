from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.folders import write_folder


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("films"), 4, seconds=4)
