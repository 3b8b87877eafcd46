"""The top of the page: whether the run generalises to new recordings, and its main figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from avgdt.evaluation.metrics import wilson_interval
from avgdt.evaluation.results import Result, at
from avgdt.report.curves import chance_accuracy, recall_rank
from avgdt.report.formatting import percent
from avgdt.report.run_folder import RunFolder
from avgdt.report.tables import main_row, row_name

SUSPICIOUS = 0.25
"""Training accuracy from which held-out retrieval at chance level is called a shortcut."""
INPUTS = {"esc10": "audio", "esc50": "audio", "dcase2014": "audio", "ucf101": "video", "hmdb51": "video"}
"""Modality of the benchmarks of the paper."""

Outcome = Literal["generalises", "shortcut", "chance", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """Training accuracy compared with retrieval of held-out recordings."""

    outcome: Outcome
    """generalises: held-out retrieval is above chance; shortcut: it is at chance, training is not; chance: neither is
    clearly above chance; unknown: there is no held-out retrieval."""
    training: float
    """Mean re-identification accuracy of the last tenth of the training steps."""
    training_chance: float
    """Its chance level."""
    recall: float
    """Held-out recall at ``k``, mean of both directions."""
    k: int
    gallery: int
    """Number of held-out recordings."""

    @property
    def recall_chance(self) -> float:
        """Chance level of the recall."""
        return self.k / self.gallery if self.gallery else 0.0


@dataclass(frozen=True)
class Headline:
    """One main figure and what it must be compared with, as text."""

    name: str
    modality: str
    """video, audio or both: the colour."""
    value: str
    random: str
    """Of random weights; empty where it was not measured."""
    chance: str


def verdict(run: RunFolder) -> Verdict:
    """Whether training succeeded: retrieval among unseen examples above chance, else among held-out recordings."""
    last = run.train[-max(1, len(run.train) // 10) :]
    training = float(np.mean([line["accuracy"] for line in last]))
    training_chance = chance_accuracy(run.recipe, int(run.train[-1]["step"]))
    unseen = _unseen(run)
    ways = unseen["pretrained"] if unseen else run.heldout[-1] if run.heldout else None
    if ways is None:
        return Verdict("unknown", training, training_chance, 0.0, 1, 0)
    gallery = int(ways["video_to_audio"]["gallery"])
    k = recall_rank(gallery)
    recall = float(np.mean([ways[way][f"r{k}"] for way in ("video_to_audio", "audio_to_video")]))
    lower, _ = wilson_interval(round(recall * gallery), gallery)
    outcome: Outcome = "chance"
    if lower > k / gallery:
        outcome = "generalises"
    elif training >= SUSPICIOUS:
        outcome = "shortcut"
    return Verdict(outcome, training, training_chance, recall, k, gallery)


def headlines(run: RunFolder) -> list[Headline]:
    """Retrieval of unseen recordings in both directions, the newest linear probe of each modality, each benchmark."""
    return [*_retrieval(run), *_probes(run.results), *_benchmarks(run.results)]


def _unseen(run: RunFolder) -> Mapping[str, Any] | None:
    """Retrieval of the run's examples where they are not from its training set."""
    retrieval: Mapping[str, Any] | None = (run.examples or {}).get("retrieval")
    return retrieval if retrieval and retrieval["split"] != "training" else None


def _retrieval(run: RunFolder) -> Iterator[Headline]:
    unseen = _unseen(run)
    if unseen is None and not run.heldout:
        return
    ways = unseen["pretrained"] if unseen else run.heldout[-1]
    gallery = int(ways["video_to_audio"]["gallery"])
    k = recall_rank(gallery)
    for way, modality in (("video_to_audio", "video"), ("audio_to_video", "audio")):
        name = f"recall at {k} of {way.replace('_', ' ')} retrieval among {gallery} recordings outside the training set"
        random = percent(unseen["random"][way][f"r{k}"]) if unseen else ""
        yield Headline(name, modality, percent(ways[way][f"r{k}"]), random, percent(min(1.0, k / gallery)))


def _probes(results: Sequence[Result]) -> Iterator[Headline]:
    probed = set[str]()
    for result in results:
        modality = str(result["options"].get("modality"))
        if result["protocol"] != "linear" or modality in probed:
            continue
        probed.add(modality)
        yield _accuracy(
            result, (), f"accuracy of a linear probe, {modality}, {len(result['classes'])} classes", modality
        )


def _benchmarks(results: Sequence[Result]) -> Iterator[Headline]:
    """The main row of each protocol that is a benchmark of the paper or has folds or splits."""
    listed = set[str]()
    for result in results:
        protocol, path = str(result["protocol"]), main_row(result)
        row = None if path is None else at(result["pretrained"], path)
        if path is None or row is None or protocol in listed:
            continue
        if protocol not in INPUTS and "folds" not in row:
            continue
        listed.add(protocol)
        classifier = f", {row_name(path)}" if path else ""
        name = f"accuracy on {result.get('title', protocol.upper())}{classifier}, {len(result['classes'])} classes"
        yield _accuracy(result, path, name, INPUTS.get(protocol, "both"))


def _accuracy(result: Result, path: tuple[str, ...], name: str, modality: str) -> Headline:
    values = (at(result[source], (*path, "accuracy")) for source in ("pretrained", "random", "chance"))
    return Headline(name, modality, *("" if value is None else percent(value) for value in values))
