"""Retrieval examples with given similarities, in the format of ``results/examples.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.evaluation.examples import manifest_row, nearest_recordings, select_queries


def examples_of(entries: Sequence[Entry], cosines: NDArray[np.float64]) -> dict[str, Any]:
    """Return the entry ``retrieval`` of the examples; both networks have the cosine similarities ``cosines``.

    ``cosines`` has the shape (n, n): rows are videos, columns are audios.
    """
    classes = [entry.extra["label"] for entry in entries]
    queries = select_queries(classes)
    return {
        "split": "test",
        "recordings": [
            {"row": manifest_row(entry), "class": name, "time": 0.75}
            for entry, name in zip(entries, classes, strict=True)
        ],
        "similarity": {"pretrained": cosines.tolist(), "random": cosines.tolist()},
        "pretrained": {},
        "random": {},
        "chance": {},
        "queries": {
            "video": [nearest_recordings(cosines[query], query) for query in queries],
            "audio": [nearest_recordings(cosines[:, query], query) for query in queries],
        },
        "skipped": [],
    }
