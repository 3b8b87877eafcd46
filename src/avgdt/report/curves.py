"""The curves of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from avgdt.recipes.recipe import Recipe
from avgdt.report.charts import Chart, Series, chart
from avgdt.report.guessing import guessed_accuracy, guessed_loss
from avgdt.report.judging import places_counted
from avgdt.report.run_folder import RunFolder


@dataclass(frozen=True)
class Curves:
    """Charts in the order of the page."""

    learning: tuple[Chart, ...]
    """What the networks learn."""
    diagnosis: tuple[Chart, ...]
    """Why they do or do not, on held-out recordings; empty where there are none."""
    running: tuple[Chart, ...]
    """How the run itself went."""


def curves(run: RunFolder) -> Curves:
    """All charts of ``run``."""
    learning = [_loss(run), _reidentified(run)]
    if run.heldout:
        learning.append(_found(run))
    running = [_spread(run), *([_rate(run)] if "lr" in run.train[-1] else []), _speed(run)]
    return Curves(tuple(learning), tuple(_diagnosis(run)), tuple(running))


def _diagnosis(run: RunFolder) -> Iterator[Chart]:
    if any("agreement" in line.get("diagnosis", {}) for line in run.heldout):
        lines = [_measured(run, "agreement of both networks", "agreement", "both")]
        if any("key_drift" in line["diagnosis"] for line in run.heldout):
            lines.append(_measured(run, "change of a key while it waits", "key_drift", "random"))
        note = "Cosine between query and key network, and 1 - cosine between a key and itself when it leaves the bank."
        yield chart("Keys", note, lines, from_zero=False)
    if any("batch_norm_share" in line.get("diagnosis", {}) for line in run.heldout):
        note = "Part of a positive's margin that is gone once its key is normalised in another batch: a shortcut."
        yield chart("Batch norm", note, [_measured(run, "share", "batch_norm_share", "both")], from_zero=False)
    if any("alignment" in line.get("diagnosis", {}) for line in run.heldout):
        note = "Alignment: squared distance of positives. Uniformity: 0 for a single point, near -4 for a full sphere."
        names = {"alignment": "both", "uniformity_video": "picture", "uniformity_audio": "sound"}
        lines = [_measured(run, name.replace("_", ", "), name, style) for name, style in names.items()]
        yield chart("Alignment and uniformity", note, lines, from_zero=False)


def _measured(run: RunFolder, name: str, key: str, style: str) -> Series:
    known = [line for line in run.heldout if key in line.get("diagnosis", {})]
    return Series(name, [line["epoch"] for line in known], [line["diagnosis"][key] for line in known], style)


def _loss(run: RunFolder) -> Chart:
    lines = [Series("loss", *_steps(run, "loss"), style="both", smooth=True)]
    if run.recipe.objective.loss == "nce":  # of the others, guessing has no loss of its own
        lines.append(_guess(run, guessed_loss))
    return chart("Loss", "Falls while the networks tell recordings apart better than before.", lines, from_zero=False)


def _reidentified(run: RunFolder) -> Chart:
    own = Series("recognised", *_steps(run, "accuracy"), style="both", smooth=True)
    note = "How often the right partner beats every rival in training. Alone it proves little: shortcuts raise it too."
    return chart("Recognised in training", note, [own, _guess(run, guessed_accuracy)], percent=True)


def _found(run: RunFolder) -> Chart:
    candidates = int(run.heldout[-1]["video_to_audio"]["gallery"])
    first = places_counted(candidates)
    epochs = [line["epoch"] for line in run.heldout]

    def way(name: str) -> list[float]:
        return [line[name][f"r{first}"] for line in run.heldout]

    lines = [
        Series("sound by picture", epochs, way("video_to_audio"), style="picture"),
        Series("picture by sound", epochs, way("audio_to_video"), style="sound"),
        Series("chance", [0.0, epochs[-1]], [first / candidates] * 2, style="chance"),
    ]
    places = "as the first" if first == 1 else f"among the first {first}"
    note = f"The judge: recordings never learnt from, found by their other half {places} of {candidates}."
    return chart("Found when held out", note, lines, percent=True)


def _spread(run: RunFolder) -> Chart:
    styles = {"video": ("pictures", "picture"), "audio": ("sounds", "sound")}
    lines = [
        Series(name, *_steps(run, f"spread_{modality}"), style=style, smooth=True)
        for modality, (name, style) in styles.items()
        if f"spread_{modality}" in run.train[-1]
    ]
    return chart("Spread of the embeddings", "Near 1 they use the whole sphere; at 0 all would be one point.", lines)


def _rate(run: RunFolder) -> Chart:
    own = Series("learning rate", *_steps(run, "lr"), style="both")
    return chart("Learning rate", "How large the steps are.", [own])


def _speed(run: RunFolder) -> Chart:
    own = Series("clips a second", *_steps(run, "clips_per_second"), style="both", smooth=True)
    return chart("Speed", "Clips learnt from in a second.", [own])


def _steps(run: RunFolder, name: str) -> tuple[list[float], list[float]]:
    lines = [line for line in run.train if name in line]  # an older version may have written some of them
    return [line["epoch"] for line in lines], [line[name] for line in lines]


def _guess(run: RunFolder, guess: Callable[[Recipe, int], float]) -> Series:
    epochs = [line["epoch"] for line in run.train]
    return Series("guessing", epochs, [guess(run.recipe, line["step"]) for line in run.train], style="chance")
