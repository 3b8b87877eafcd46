"""What each view of a recording looks like to the networks, as one picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from avgdt.data.selection import list_recordings
from avgdt.data.windows import unfit
from avgdt.recipes.recipe import Recipe
from avgdt.report.clip_picture import MOST_FRAMES, ClipPicture, Shown, clip_picture
from avgdt.report.errors import ReportError
from avgdt.report.rasterise import rasterise
from avgdt.report.templating import template, write
from avgdt.report.wording import printable
from avgdt.training.run_data import default_workers
from avgdt.transforms.views import Views

MARGIN, HEAD, LABEL, GAP = 24, 76, 22, 14
STRIP, SPECTRUM, LEAST = 760, 240, 88
"""Widths of frames and of sound, and the least height of either, in pixels."""


@dataclass(frozen=True)
class Placed:
    """One view and where it stands, in pixels."""

    shown: Shown
    x: float
    y: float
    width: float
    height: float


def write_composition_picture(
    recipe: Recipe, data: Path, path: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Draw the views of ``data``, a recording or the first usable one of a folder or manifest, into an SVG or PNG.

    Raises :class:`ReportError` where there is no such recording or the file cannot be written.
    """
    if path.suffix not in (".svg", ".png"):
        raise ReportError(f"{path}: the picture is an SVG or a PNG; give it a name that ends in .svg or .png")
    entries = list_recordings(data, default_workers(recipe.run.workers) + 1, progress)
    reasons = [unfit(entry, recipe.composition, recipe.clip) for entry in entries]
    usable = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
    if not usable:
        raise ReportError(f"{data}: gives no clip of this composition; {entries[0].path.name}: {reasons[0]}")
    picture = clip_picture(recipe, Views.of(recipe), usable)
    if picture is None:
        raise ReportError(f"{data}: {usable[0].path.name} and those after it cannot be read; `avgdt scan` tells why")
    svg = _svg(recipe, picture)
    write(svg if path.suffix == ".svg" else rasterise(svg), path)


def _svg(recipe: Recipe, picture: ClipPicture) -> str:
    placed = [*_placed(picture)]
    return template("composition.svg").render(
        name=printable(picture.name),
        views=len(recipe.composition.views),
        notes=_notes(recipe),
        placed=placed,
        margin=MARGIN,
        width=max(one.x + one.width for one in placed) + MARGIN,
        height=max(one.y + one.height for one in placed) + MARGIN,
    )


def _notes(recipe: Recipe) -> list[str]:
    clip, mel = recipe.clip, recipe.log_mel
    told = {
        "video": f"pictures: {clip.video_seconds:g} s, {min(MOST_FRAMES, clip.frames)} of {clip.frames} frames",
        "audio": f"sounds: {clip.audio_seconds:g} s, {mel.low / 1000:g} kHz below to {mel.high / 1000:g} kHz above",
    }
    return [told[modality] for modality in recipe.composition.modalities]


def _placed(picture: ClipPicture) -> Iterator[Placed]:
    """Frames on the left and sounds on the right, row by row."""
    y: float = HEAD
    for row in picture.after:
        strips = [STRIP * one.size[0] / one.size[1] for one in row if one.modality == "video"]
        height = max([LEAST, *strips])
        x: float = MARGIN
        for one in row:
            width = SPECTRUM if one.modality == "audio" else STRIP
            yield Placed(one, x, y + LABEL, width, height)
            x += width + MARGIN
        y += LABEL + height + GAP
