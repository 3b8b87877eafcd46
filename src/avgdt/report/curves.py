"""Training curves of a run, with the chance levels of loss and accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from avgdt.evaluation.chance import chance_accuracy, chance_loss, recall_rank
from avgdt.recipes.recipe import Recipe
from avgdt.report.charts import Chart, Series, chart
from avgdt.report.run_folder import RunFolder


@dataclass(frozen=True)
class Curves:
    """Charts of the training curves of a run, in the order of the report page."""

    training: tuple[Chart, ...]
    """Charts of the training loss, the training accuracy, and held-out retrieval."""
    diagnosis: tuple[Chart, ...]
    """Charts of the diagnostics on held-out recordings; empty if none were measured."""
    running: tuple[Chart, ...]
    """Charts of the standard deviation of the embeddings, the gradient norm, the learning rate and the throughput."""


def curves(run: RunFolder) -> Curves:
    """Return the charts of the training curves of ``run``."""
    training = [_loss(run), _accuracy(run)]
    if run.heldout:
        training.append(_retrieval(run))
    # Metrics of older versions may lack these fields.
    optional = {"gradient_norm": _gradient_norm, "lr": _learning_rate}
    running = [_embedding_std(run), *(draw(run) for name, draw in optional.items() if name in run.train[-1])]
    running.append(_throughput(run))
    return Curves(tuple(training), tuple(_diagnosis(run)), tuple(running))


def _loss(run: RunFolder) -> Chart:
    lines = [Series("loss", *_steps(run, "loss"), style="both", smooth=True)]
    if run.recipe.objective.loss == "nce":  # only this loss has a chance level
        lines.append(_chance(run, chance_loss))
    return chart("Loss", "Training loss; lower is better.", lines, from_zero=False)


def _accuracy(run: RunFolder) -> Chart:
    series = Series("accuracy", *_steps(run, "accuracy"), style="both", smooth=True)
    note = (
        "Fraction of queries whose positive key is more similar than all negative keys. It also rises if the "
        "networks learn a shortcut; compare it with held-out retrieval."
    )
    return chart("Re-identification during training", note, [series, _chance(run, chance_accuracy)], percent=True)


def _retrieval(run: RunFolder) -> Chart:
    gallery = int(run.heldout[-1]["video_to_audio"]["gallery"])
    k = recall_rank(gallery)
    epochs = [line["epoch"] for line in run.heldout]

    def recall(way: str) -> list[float]:
        return [line[way][f"r{k}"] for line in run.heldout]

    lines = [
        Series("video to audio", epochs, recall("video_to_audio"), style="video"),
        Series("audio to video", epochs, recall("audio_to_video"), style="audio"),
        Series("chance", [0.0, epochs[-1]], [k / gallery] * 2, style="chance"),
    ]
    note = f"Recall at {k} of cross-modal retrieval among {gallery} held-out recordings."
    return chart("Held-out retrieval", note, lines, percent=True)


def _diagnosis(run: RunFolder) -> Iterator[Chart]:
    if any("agreement" in line.get("diagnosis", {}) for line in run.heldout):
        lines = [_diagnosed(run, "agreement", "agreement", "both")]
        if any("key_drift" in line["diagnosis"] for line in run.heldout):
            lines.append(_diagnosed(run, "key drift", "key_drift", "random"))
        note = (
            "Agreement: mean cosine similarity of the query and key embeddings of a clip. Key drift: 1 - mean cosine "
            "similarity of the keys of a clip when it enters and when it leaves the memory bank."
        )
        yield chart("Momentum encoder", note, lines, from_zero=False)
    if any("batch_norm_share" in line.get("diagnosis", {}) for line in run.heldout):
        note = (
            "Fraction of the similarity margin between positives and negatives that is lost if keys are normalised "
            "with the statistics of another batch."
        )
        yield chart("Batch norm leakage", note, [_diagnosed(run, "share", "batch_norm_share", "both")], from_zero=False)
    if any("alignment" in line.get("diagnosis", {}) for line in run.heldout):
        note = (
            "Alignment: mean squared distance between positives; lower is better. Uniformity: 0 if all embeddings are "
            "equal, about -4 if they cover the sphere."
        )
        names = {"alignment": "both", "uniformity_video": "video", "uniformity_audio": "audio"}
        lines = [_diagnosed(run, name.replace("_", ", "), name, style) for name, style in names.items()]
        yield chart("Alignment and uniformity", note, lines, from_zero=False)
    if any("effective_rank_video" in line.get("diagnosis", {}) for line in run.heldout):
        note = "RankMe: effective number of dimensions of a modality's embeddings; 1 if all lie on one line."
        lines = [_diagnosed(run, name, f"effective_rank_{name}", name) for name in ("video", "audio")]
        yield chart("Effective rank", note, lines)


def _diagnosed(run: RunFolder, name: str, key: str, style: str) -> Series:
    lines = [line for line in run.heldout if key in line.get("diagnosis", {})]
    return Series(name, [line["epoch"] for line in lines], [line["diagnosis"][key] for line in lines], style)


def _embedding_std(run: RunFolder) -> Chart:
    lines = [
        Series(modality, *_steps(run, f"std_{modality}"), style=modality, smooth=True)
        for modality in ("video", "audio")
        if f"std_{modality}" in run.train[-1]
    ]
    note = "Scaled to 1 for embeddings that cover the sphere; 0 if all embeddings are equal (collapse)."
    return chart("Standard deviation of the embeddings", note, lines)


def _gradient_norm(run: RunFolder) -> Chart:
    series = Series("gradient norm", *_steps(run, "gradient_norm"), style="both", smooth=True)
    return chart("Gradient norm", "Euclidean norm of the gradient of all parameters.", [series])


def _learning_rate(run: RunFolder) -> Chart:
    series = Series("learning rate", *_steps(run, "lr"), style="both")
    return chart("Learning rate", "Learning rate at the logged steps.", [series])


def _throughput(run: RunFolder) -> Chart:
    series = Series("clips per second", *_steps(run, "clips_per_second"), style="both", smooth=True)
    return chart("Throughput", "Number of training clips processed per second.", [series])


def _steps(run: RunFolder, name: str) -> tuple[list[float], list[float]]:
    lines = [line for line in run.train if name in line]  # lines written by older versions may lack the field
    return [line["epoch"] for line in lines], [line[name] for line in lines]


def _chance(run: RunFolder, level: Callable[[Recipe, int], float]) -> Series:
    epochs = [line["epoch"] for line in run.train]
    return Series("chance", epochs, [level(run.recipe, line["step"]) for line in run.train], style="chance")
