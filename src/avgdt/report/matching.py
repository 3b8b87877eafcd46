"""Pictures and sounds of the shown recordings, compared by the networks and by random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.span import clip_span
from avgdt.data.windows import uniform
from avgdt.evaluation.features import Progress, Vectors, embeddings, extract
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.retrieval import chance, retrieve
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel, untrained
from avgdt.report.tables import NAMES, Figure, Row, Table, table
from avgdt.report.wording import percent

BOTH: tuple[ModalityName, ...] = ("video", "audio")


@dataclass(frozen=True)
class Matches:
    """One clip from the middle of each recording, in both modalities, ordered by label."""

    entries: tuple[Entry, ...]
    centres: tuple[float, ...]
    """The middle of each clip, in seconds of its recording."""
    names: tuple[str, ...]
    """The class of each recording; all empty where there are none."""
    similarity: NDArray[np.float64]
    """(n, n) cosines: rows are pictures, columns sounds."""
    random: NDArray[np.float64]
    """The same from random weights."""
    ways: dict[str, dict[str, float]]
    """Retrieval both ways, as the evaluation of that name gives it."""
    random_ways: dict[str, dict[str, float]]
    """The same from random weights."""
    table: Table
    """The same figures beside random weights and chance."""
    failures: tuple[str, ...]
    """Why recordings are not among them."""


def match(model: PretrainedModel, entries: Sequence[Entry], label: str, progress: Progress) -> Matches | None:
    """Match the recordings with each other; None where fewer than two can be read."""
    entries = sorted(entries, key=lambda entry: entry.extra.get(label, ""))  # stable, so that files stay in order
    plans = [
        Plan(Segment(index, ""), uniform(model.recipe.clip, clip_span(entry, BOTH), 1))
        for index, entry in enumerate(entries)
    ]
    at_random = untrained(model.recipe, device=str(model.device))
    found = extract([model, at_random], entries, plans, BOTH, embeddings, workers=0, progress=progress)
    if len(found.read) < 2:
        return None
    kept = [entries[i] for i in found.read]
    ways, random_ways = (_ways(vectors) for vectors in found.vectors)
    names = tuple(entry.extra.get(label, "") for entry in kept)
    similarity, by_chance = (_cosines(vectors) for vectors in found.vectors)
    return Matches(
        tuple(kept),
        tuple(plans[i].windows[0].video + model.recipe.clip.seconds / 2 for i in found.read),
        names,
        similarity,
        by_chance,
        ways,
        random_ways,
        _table(ways, random_ways, (similarity, by_chance), names),
        tuple(found.failures.values()),
    )


def order(similarity: NDArray[np.float64], way: str, query: int) -> NDArray[np.int64]:
    """The recordings from the nearest to the farthest, by the sounds' (``video``) or the pictures' similarity."""
    row = similarity[query] if way == "video" else similarity[:, query]
    return np.argsort(-row, kind="stable")


def _cosines(vectors: Vectors) -> NDArray[np.float64]:
    video, audio = (vectors[modality].astype(np.float64) for modality in BOTH)
    return np.asarray(video @ audio.T)


def _ways(vectors: Vectors) -> dict[str, dict[str, float]]:
    return {
        "video_to_audio": retrieve(vectors["video"], vectors["audio"]),
        "audio_to_video": retrieve(vectors["audio"], vectors["video"]),
    }


def _table(
    ways: dict[str, Any],
    random: dict[str, Any],
    similarities: tuple[NDArray[np.float64], NDArray[np.float64]],
    names: Sequence[str],
) -> Table:
    count = len(names)
    told = table(
        {
            "protocol": "retrieval",
            "options": {},
            "sizes": {"recordings": count},
            "pretrained": ways,
            "random": random,
            "chance": {way: chance(count) for way in ways},
        }
    )
    kinds = _kinds(similarities, names) if any(names) else ()
    return Table("On this page", "One clip from the middle of each recording.", told.about, (*told.rows, *kinds), "")


def _kinds(similarities: tuple[NDArray[np.float64], NDArray[np.float64]], names: Sequence[str]) -> list[Row]:
    """How often the nearest *other* recording is of the query's class: what is alike, beyond what is the same."""
    classes = np.array(names)
    same = classes[:, None] == classes[None, :]
    guessed = float((same.sum(1) - 1).mean() / (len(names) - 1))
    rows = []
    for way in ("video_to_audio", "audio_to_video"):
        shares = []
        for similarity in similarities:
            others = (similarity if way == "video_to_audio" else similarity.T).copy()
            np.fill_diagonal(others, -np.inf)
            shares.append(float(same[np.arange(len(names)), others.argmax(1)].mean()))
        figures = (Figure(percent(share), share=share) for share in (*shares, guessed))
        rows.append(Row(f"{NAMES[way]} nearest other one of the same class", *figures))
    return rows
