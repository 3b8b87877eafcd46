"""From weights and labelled recordings to a result on disk."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

import avgdt
from avgdt.evaluation.digest import digest
from avgdt.evaluation.features import Progress
from avgdt.evaluation.options import told_options
from avgdt.evaluation.results import Result, check_place, read_results, write_result
from avgdt.models.pretrained import PretrainedModel, load, untrained
from avgdt.recipes.checks import seed
from avgdt.training.provenance import command, machine


class Evaluation(Protocol):
    """A protocol with its options chosen: one of the dataclasses of ``avgdt.evaluation.protocols``."""

    protocol: ClassVar[str]
    """Its name, that of the result's file."""

    @property
    def seed(self) -> int:
        """Seed of the random weights."""

    def measure(
        self,
        model: PretrainedModel,
        random: PretrainedModel,
        data: Path,
        out: Path,
        scanned: Progress | None,
        progress: Progress,
    ) -> dict[str, Any]:
        """Measure both networks on ``data``; what may be kept for another time goes to a folder of ``out``."""


def evaluate(
    evaluation: Evaluation,
    weights: Path,
    data: Path,
    out: Path,
    device: str = "auto",
    scanned: Progress | None = None,
    progress: Progress = lambda done, total: None,
) -> tuple[Result, Path]:
    """Measure ``weights`` (a run folder or a file) beside random ones on ``data`` (what the protocol takes).

    Returns the result and where it was written: ``out/results/PROTOCOL.json``. Raises the errors of the project.
    """
    seed("seed", evaluation.seed)
    began = time.monotonic()
    model = load(weights, device)
    check_place(evaluation.protocol, out)
    random = replace(untrained(model.recipe, evaluation.seed, device), store=model.store)
    measured = evaluation.measure(model, random, data, out, scanned, progress)
    result = {
        "protocol": evaluation.protocol,
        "weights": str(weights),
        "weights_digest": _digest(model),
        "data": str(data),
        "seed": evaluation.seed,
        **measured,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "machine": machine(model.precision),
        "command": command(),
    }
    return result, write_result(result, out)


def evaluated(evaluation: Evaluation, weights: Path, data: Path, out: Path, device: str = "auto") -> Result | None:
    """The result that :func:`evaluate` has written for these very weights, data and options; None where it has not."""
    path = out / "results" / f"{evaluation.protocol}.json"
    if not path.exists():
        return None
    wanted = told_options(evaluation), _digest(load(weights, device)), evaluation.seed, data.resolve()
    for result in read_results(path):
        if wanted == (result["options"], result.get("weights_digest"), result["seed"], Path(result["data"]).resolve()):
            return result
    return None


def _digest(model: PretrainedModel) -> str:
    """Digest of the weights and of all settings that change the outputs of the networks."""
    return digest(model, model.phi.modalities, avgdt.__version__)
