"""Diagram of all views that a composition creates from one recording, as SVG or PNG."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageDraw, ImageFont

from avgdt.data.selection import Progress, list_recordings
from avgdt.data.windows import unfit
from avgdt.recipes.recipe import Recipe
from avgdt.report.errors import ReportError
from avgdt.report.formatting import printable, template, write
from avgdt.report.views import MAX_FRAMES, RecordingViews, Strip, recording_views

MARGIN, HEAD, LABEL, GAP = 24, 76, 22, 14
FRAMES_WIDTH, SPECTROGRAM_WIDTH, MIN_HEIGHT = 760, 240, 88
"""Width of a strip of frames, width of a spectrogram, and minimum height of a row, in SVG units."""
PNG_SCALE = 2
"""Number of PNG pixels per SVG unit."""
_SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Placed:
    """One view and its rectangle in the diagram, in SVG units."""

    strip: Strip
    x: float
    y: float
    width: float
    height: float


def write_composition_diagram(
    recipe: Recipe,
    data: Path,
    path: Path,
    workers: int,
    progress: Progress = lambda done, total: None,
) -> None:
    """Write a diagram of all views of one recording as SVG or PNG, depending on the suffix of ``path``.

    ``data`` is a recording, or a folder or manifest whose first usable recording is drawn. Its files are inspected by
    ``workers`` processes. Raises :class:`ReportError` if the suffix is neither .svg nor .png or if no recording is
    usable, and ``WriteError`` if the diagram cannot be written.
    """
    if path.suffix not in (".svg", ".png"):
        raise ReportError(f"{path}: a diagram is an SVG or PNG file; use a name that ends in .svg or .png")
    entries = list_recordings(data, workers, progress)
    reasons = [unfit(entry, recipe.composition, recipe.clip) for entry in entries]
    usable = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
    if not usable:
        raise ReportError(f"{data}: no recording fits this composition; {entries[0].path.name}: {reasons[0]}")
    views = recording_views(recipe, usable)
    if views is None:
        raise ReportError(
            f"{data}: {usable[0].path.name} and the next recordings cannot be read; `avgdt scan` lists the reasons"
        )
    svg = _svg(recipe, views)
    write(svg if path.suffix == ".svg" else rasterise(svg), path)


def rasterise(svg: str) -> bytes:
    """Return the diagram ``svg`` as PNG on a white background.

    Only ``text`` elements, and ``image`` elements with data URIs, are rendered.
    """
    root = ElementTree.fromstring(svg)
    size = round(PNG_SCALE * float(root.attrib["width"])), round(PNG_SCALE * float(root.attrib["height"]))
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for element in root.iter():
        attributes = element.attrib
        if element.tag == f"{_SVG}text":
            position = PNG_SCALE * float(attributes["x"]), PNG_SCALE * float(attributes["y"])
            font = ImageFont.load_default(PNG_SCALE * float(attributes["font-size"]))
            draw.text(position, element.text or "", fill=attributes["fill"], font=font, anchor="ls")
        elif element.tag == f"{_SVG}image":
            box = (round(PNG_SCALE * float(attributes[name])) for name in ("x", "y", "width", "height"))
            left, top, width, height = box
            pixels = Image.open(io.BytesIO(base64.b64decode(attributes["href"].split(",", 1)[1]))).convert("RGBA")
            if attributes["preserveAspectRatio"] != "none":
                scale = min(width / pixels.width, height / pixels.height)
                width, height = round(scale * pixels.width), round(scale * pixels.height)
            pixels = pixels.resize((max(1, width), max(1, height)), Image.Resampling.NEAREST)
            canvas.paste(pixels, (left, top), pixels)
    content = io.BytesIO()
    canvas.save(content, "PNG")
    return content.getvalue()


def _svg(recipe: Recipe, views: RecordingViews) -> str:
    placed = [*_placed(views)]
    return template("composition.svg").render(
        name=printable(views.path.name),
        views=len(recipe.composition.views),
        notes=_notes(recipe),
        placed=placed,
        margin=MARGIN,
        width=max(view.x + view.width for view in placed) + MARGIN,
        height=max(view.y + view.height for view in placed) + MARGIN,
    )


def _notes(recipe: Recipe) -> list[str]:
    clip, mel = recipe.clip, recipe.log_mel
    notes = {
        "video": f"video: {clip.video_seconds:g} s, {min(MAX_FRAMES, clip.frames)} of {clip.frames} frames",
        "audio": f"audio: {clip.audio_seconds:g} s, log-mel spectrogram, {mel.low / 1000:g} to {mel.high / 1000:g} kHz",
    }
    return [notes[modality] for modality in recipe.composition.modalities]


def _placed(views: RecordingViews) -> Iterator[Placed]:
    """Yield each view with its rectangle, row by row: video on the left, audio on the right."""
    y: float = HEAD
    for row in views.views:
        heights = [FRAMES_WIDTH * strip.size[0] / strip.size[1] for strip in row if strip.modality == "video"]
        height = max([MIN_HEIGHT, *heights])
        x: float = MARGIN
        for strip in row:
            width = SPECTROGRAM_WIDTH if strip.modality == "audio" else FRAMES_WIDTH
            yield Placed(strip, x, y + LABEL, width, height)
            x += width + MARGIN
        y += LABEL + height + GAP
