"""Evaluation of weights on a data set with a protocol; the result is written to disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from typing import Protocol as Contract

import avgdt
from avgdt.evaluation.cache import digest
from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.features import Progress
from avgdt.evaluation.results import Result, check_writable, plain_options, read_results, write_result
from avgdt.models.pretrained import PretrainedModel, load, untrained
from avgdt.recipes.checks import seed
from avgdt.training.provenance import command, machine


class Protocol(Contract):
    """Evaluation protocol: a frozen dataclass of :mod:`avgdt.evaluation.protocols` whose fields are its options."""

    name: ClassVar[str]
    """Name of the protocol on the command line and in the name of the result file."""
    title: ClassVar[str]
    """Title of the protocol in the report."""
    summary: ClassVar[str]
    """One-line description of the protocol, for ``avgdt evaluate --help`` and the report."""

    @property
    def seed(self) -> int:
        """Seed of the random weights used as a baseline."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Return the metrics of the pretrained and the random model, and their chance levels, as plain data.

        The keys are ``pretrained``, ``random``, ``chance``, ``sizes``, ``skipped`` and others that depend on the
        protocol. Raises :class:`EvaluationError` or ``DataError`` if the data cannot be evaluated.
        """


def evaluate(
    protocol: Protocol,
    weights: Path,
    data: Path,
    out: Path,
    device: str = "auto",
    on_scan: Progress | None = None,
    progress: Progress = lambda done, total: None,
    on_result: Callable[[str], None] = lambda line: None,
) -> tuple[Result, Path]:
    """Evaluate ``weights`` and, for comparison, random weights on ``data``; return the result and its file.

    ``weights`` is a run folder or a weights file; the required form of ``data`` depends on ``protocol``. For the
    callbacks ``on_scan``, ``progress`` and ``on_result``, see :class:`Comparison`. The file is
    ``out/results/PROTOCOL.json``.
    Raises subclasses of ``AvgdtError``.
    """
    seed("seed", protocol.seed)
    began = time.monotonic()
    model = load(weights, device)
    check_writable(protocol.name, out)
    random = replace(untrained(model.recipe, protocol.seed, device), store=model.store)
    metrics = protocol.measure(Comparison(model, random, data, out, on_scan, progress, on_result))
    result = {
        "protocol": protocol.name,
        "title": protocol.title,
        "summary": protocol.summary,
        "weights": str(weights),
        "weights_digest": _weights_digest(model),
        "data": str(data),
        "seed": protocol.seed,
        "options": plain_options(protocol),
        **metrics,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "machine": machine(model.precision),
        "command": command(),
    }
    return result, write_result(result, out)


def stored_result(protocol: Protocol, weights: Path, data: Path, out: Path, device: str = "auto") -> Result | None:
    """Return the stored result of :func:`evaluate` for the same weights, data and options; None if there is none."""
    path = out / "results" / f"{protocol.name}.json"
    if not path.exists():
        return None
    identity = plain_options(protocol), _weights_digest(load(weights, device)), protocol.seed, data.resolve()
    for result in read_results(path):
        if identity == (
            result["options"],
            result.get("weights_digest"),
            result["seed"],
            Path(result["data"]).resolve(),
        ):
            return result
    return None


def _weights_digest(model: PretrainedModel) -> str:
    """Return a digest of the weights and of all settings that change the outputs of the networks."""
    return digest(model, model.phi.modalities, avgdt.__version__)
