"""All of a report that takes the recordings: what can be shown of them, and what is told where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from avgdt.data.manifest import Entry, read_manifest
from avgdt.data.selection import list_recordings
from avgdt.models.pretrained import PretrainedModel, untrained
from avgdt.report.chosen import Chosen, choose
from avgdt.report.clip_picture import ClipPicture, clip_picture
from avgdt.report.gallery import Gallery, galleries
from avgdt.report.matching import Matches, match
from avgdt.report.run_folder import RunFolder
from avgdt.report.similarity import Similarity, similarity
from avgdt.report.wording import printable
from avgdt.training.run_data import default_workers

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pictures:
    """What was shown of the recordings; None for what could not be."""

    chosen: Chosen | None
    clip: ClipPicture | None
    matches: Matches | None
    similarity: Similarity | None
    galleries: tuple[Gallery, ...]
    lacking: tuple[str, ...]
    """What is left out and why, in sentences."""


def pictures(run: RunFolder, model: PretrainedModel | None, data: Path | None, progress: Progress) -> Pictures:
    """Show as much as the recordings of the run's manifest, or of ``data``, and its weights allow."""
    source = data or run.path / "manifest.csv"
    if data is None and not source.is_file():
        why = "The run has no manifest.csv, so its recordings are not known; name them with --data."
        return Pictures(None, None, None, None, (), (why,))
    chosen = choose(run.recipe, _entries(run, source, data), run.results, source)
    lacking = _missing(chosen)
    views = untrained(run.recipe, device="cpu").views
    clip = clip_picture(run.recipe, views, chosen.learn)
    matches, why = _matches(run, model, chosen, lambda done, total: progress(done, 2 * total))
    if matches is None:
        return Pictures(chosen, clip, None, None, (), (*lacking, why))
    if matches.failures:
        lacking += (f"{len(matches.failures)} could not be read, first: {printable(matches.failures[0])}.",)
    shown = galleries(matches, views.preprocessing.log_mel, lambda done, total: progress(total + done, 2 * total))
    return Pictures(chosen, clip, matches, similarity(matches), shown, lacking)


def _entries(run: RunFolder, source: Path, data: Path | None) -> list[Entry]:
    return read_manifest(source) if data is None else list_recordings(data, default_workers(run.recipe.run.workers) + 1)


def _missing(chosen: Chosen) -> tuple[str, ...]:
    if not chosen.missing:
        return ()
    first = printable(chosen.missing[0])
    are = "recording is" if len(chosen.missing) == 1 else "recordings are"
    return (
        f"{len(chosen.missing)} of the run's {are} not reachable any more (the first: {first}); "
        "name their new place with --data.",
    )


def _matches(
    run: RunFolder, model: PretrainedModel | None, chosen: Chosen, progress: Progress
) -> tuple[Matches | None, str]:
    """The matches, or why there are none."""
    if set(run.recipe.composition.modalities) != {"video", "audio"}:
        (modality,) = run.recipe.composition.modalities
        return None, f"The run learns from {modality} alone: there is no other modality to be found by it."
    if model is None:
        return None, "The run has no weights.safetensors yet, so nothing can be matched; finish it with --resume."
    if len(chosen.shown) < 2:
        return None, "Fewer than two recordings can be reached, so none can be matched with another."
    matches = match(model, chosen.shown, chosen.label, progress)
    return matches, "" if matches else "Fewer than two recordings could be read, so none can be matched with another."
