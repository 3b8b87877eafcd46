"""Top of the report page: the verdict on the run, and its main metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avgdt.evaluation.chance import recall_rank
from avgdt.evaluation.results import Result, at
from avgdt.evaluation.verdict import verdict
from avgdt.evaluation.verdict_texts import Verdict
from avgdt.report.formatting import percent
from avgdt.report.run_folder import RunFolder
from avgdt.report.tables import main_row, row_name

INPUTS = {"esc10": "audio", "esc50": "audio", "dcase2014": "audio", "ucf101": "video", "hmdb51": "video"}
"""Mapping from benchmark to the modality of the evaluated network."""


@dataclass(frozen=True)
class Headline:
    """One main metric of a run as text, with the value for random weights and the chance level for comparison."""

    name: str
    modality: str
    """Modality of the metric, which determines its colour: video, audio or both."""
    value: str
    random: str
    """Value for random weights; empty if it was not measured."""
    chance: str


def run_verdict(run: RunFolder) -> Verdict:
    """Return the verdict on a run.

    The verdict is based on retrieval among the run's examples if they are not from the training set, else on held-out
    retrieval.
    """
    unseen = _unseen(run)
    return verdict(run.recipe, run.train, run.heldout, unseen["pretrained"] if unseen else None)


def headlines(run: RunFolder) -> list[Headline]:
    """Return the main metrics of a run.

    These are retrieval in both directions on recordings outside the training set, the newest linear probe of each
    modality, and the newest result of each benchmark.
    """
    return [*_retrieval(run), *_probes(run.results), *_benchmarks(run.results)]


def _unseen(run: RunFolder) -> Mapping[str, Any] | None:
    """Return the retrieval metrics of the run's examples; None if missing or measured on training recordings."""
    retrieval: Mapping[str, Any] | None = (run.examples or {}).get("retrieval")
    return retrieval if retrieval and retrieval["split"] != "training" else None


def _retrieval(run: RunFolder) -> Iterator[Headline]:
    unseen = _unseen(run)
    if unseen is None and not run.heldout:
        return
    metrics = unseen["pretrained"] if unseen else run.heldout[-1]
    gallery = int(metrics["video_to_audio"]["gallery"])
    k = recall_rank(gallery)
    for direction, modality in (("video_to_audio", "video"), ("audio_to_video", "audio")):
        way = direction.replace("_", " ")
        name = f"recall at {k} of {way} retrieval among {gallery} recordings outside the training set"
        random = percent(unseen["random"][direction][f"r{k}"]) if unseen else ""
        yield Headline(name, modality, percent(metrics[direction][f"r{k}"]), random, percent(min(1.0, k / gallery)))


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
    """Yield the main row of each protocol that is a benchmark of the paper or has folds or splits."""
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
