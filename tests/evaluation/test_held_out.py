"""Tests of held-out metrics during training, compared with copies of the networks at the same steps."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avgdt.data.manifest import Entry
from avgdt.data.selection import Selection
from avgdt.data.windows import clip_span, uniform
from avgdt.evaluation import diagnosis
from avgdt.evaluation.diagnosis import MODALITIES
from avgdt.evaluation.features import Vectors, embeddings, extract
from avgdt.evaluation.held_out import monitors
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.recipe import Data, Recipe
from avgdt.recipes.training import Objective, Optimiser
from avgdt.training.learner import Learner
from avgdt.training.loop import Metrics
from avgdt.training.pretrain import Callbacks, pretrain
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


@dataclass
class MonitoredRun:
    """Record of a monitored run: its metrics, networks and held-out recordings."""

    lines: list[Any]
    """Metrics returned by the monitor, one entry per call."""
    runs: dict[int, list[PretrainedModel]]
    """Query and key network at each call of the monitor, by step."""
    learner: Learner
    entries: list[Entry]
    """Entries of the held-out recordings."""
    vectors: Callable[..., Vectors]
    """Function that embeds the held-out recordings, or a subset given by indices, with a network."""


def run(folder: Path, out: Path, recipe: Recipe) -> MonitoredRun:
    aside: dict[int, list[PretrainedModel]] = {}
    kept: list[Any] = []

    def watching(recipe: Recipe, collection: Selection, unread: Callable[[Path, str], None]) -> Any:
        (monitor,) = monitors(recipe, collection, unread)

        def watch(learner: Learner) -> Metrics | None:
            networks = [learner.phi, learner.key_encoder.phi] if learner.key_encoder else [learner.phi]
            aside[learner.step] = [
                PretrainedModel(recipe, copy.deepcopy(phi).eval(), learner.views, learner.precision) for phi in networks
            ]
            before = {name: tensor.clone() for name, tensor in learner.phi.state_dict().items()}
            measured = monitor(learner)
            assert all(torch.equal(tensor, before[name]) for name, tensor in learner.phi.state_dict().items())
            kept[:] = [learner, collection.held_out]
            return measured

        return [watch]

    pretrain(recipe, folder, out, callbacks=Callbacks(monitors=watching))
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    learner, entries = kept

    def vectors(network: PretrainedModel, order: Sequence[int] | None = None) -> Vectors:
        plans = [
            Plan(Segment(i, "held out"), uniform(recipe.clip, clip_span(entry, MODALITIES), 1))
            for i, entry in enumerate(entries)
        ]
        plans = [plans[i] for i in (range(len(plans)) if order is None else order)]
        return extract([network], entries, plans, MODALITIES, embeddings, workers=0).vectors[0]

    return MonitoredRun([line for line in lines if line["kind"] == "heldout"], aside, learner, entries, vectors)


def mean_cosine(first: Vectors, second: Vectors) -> float:
    return float(np.mean([(first[m].astype(np.float64) * second[m]).sum(1).mean() for m in MODALITIES]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings"), 24)


def test_drift_and_agreement_equal_those_of_the_copied_networks(folder: Path, tmp_path: Path) -> None:
    recipe = replace(tiny(), objective=Objective(bank=7, momentum=0.5))
    monitored = run(folder, tmp_path / "run", recipe)
    assert monitored.learner.key_lifetime == 2
    steps = monitored.learner.steps_per_epoch
    assert list(monitored.runs) == [step for k in (1, 2, 3) for step in (k * steps - 2, k * steps)]
    for line in monitored.lines:
        query, key = (monitored.vectors(network) for network in monitored.runs[line["step"]])
        earlier = monitored.vectors(monitored.runs[line["step"] - 2][1])
        measured = line["diagnosis"]
        assert measured["key_drift_steps"] == 2
        assert measured["key_drift"] == pytest.approx(1 - mean_cosine(key, earlier), abs=1e-5)
        assert measured["agreement"] == pytest.approx(mean_cosine(query, key), abs=1e-5)
        assert measured["key_drift"] > 1e-4


def test_drift_of_a_bank_larger_than_an_epoch_is_measured_between_two_measurements(
    folder: Path, tmp_path: Path
) -> None:
    recipe = replace(tiny(), objective=Objective(bank=4000, momentum=0.5))
    monitored = run(folder, tmp_path / "run", recipe)
    assert "key_drift" not in monitored.lines[0]["diagnosis"]
    assert [line["diagnosis"]["key_drift_steps"] for line in monitored.lines[1:]] == [
        monitored.learner.steps_per_epoch
    ] * 2


def test_batch_norm_share_compares_each_key_in_two_batches(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(tiny(), objective=Objective(negatives="batch"), optimiser=Optimiser(lr=1e-3))
    recipe = replace(recipe, data=Data(held_out_at_most=8))
    given: list[tuple[Any, ...]] = []
    monkeypatch.setattr(diagnosis, "batch_norm_share", lambda *vectors: given.append(vectors) or 0.25)
    monitored = run(write_folder(tmp_path / "many", 90), tmp_path / "run", recipe)
    assert len(monitored.entries) == 8
    assert monitored.lines[-1]["diagnosis"]["batch_norm_share"] == 0.25
    assert not {"agreement", "key_drift"} & monitored.lines[-1]["diagnosis"].keys()
    network = monitored.runs[monitored.learner.step][0]
    network.phi.train()
    same = monitored.vectors(network)  # batches of four recordings, in order
    moved = [int(i) for i in np.random.default_rng(0).permutation(8)]
    elsewhere = monitored.vectors(network, moved)
    for (query, key, other), (one, another) in zip(given[-2:], (MODALITIES, MODALITIES[::-1]), strict=True):
        np.testing.assert_allclose(query, same[one], atol=1e-5)
        np.testing.assert_allclose(key, same[another], atol=1e-5)
        for place, i in enumerate(moved):
            np.testing.assert_allclose(other[i], elsewhere[another][place], atol=1e-5)
    _, key, other = given[-2]  # audio, since all videos of this folder are alike
    assert np.abs(other - key).max() > 1e-3
