from __future__ import annotations

import base64
import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from avgdt.cli.main import main
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Reversal, Speed
from avgdt.data.manifest import Entry, read_manifest
from avgdt.files import WriteError
from avgdt.recipes.config import write_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.report import composition_diagram
from avgdt.report.errors import ReportError
from avgdt.report.views import recording_views
from tests.helpers.folders import write_folder
from tests.helpers.media_files import evenly, write_media
from tests.helpers.recipes import tiny

SVG = "{http://www.w3.org/2000/svg}"
RECIPE = tiny(composition=Composition(Modality(), Reversal(invariant=True), Speed((1.0, 1.5), distinctive=True)))


def write_diagram(recipe: Recipe, data: Path, path: Path) -> None:
    composition_diagram.write_composition_diagram(recipe, data, path, workers=1)


def drawn(path: Path) -> tuple[list[str], list[ElementTree.Element]]:
    """Return the texts and the images of a diagram."""
    root = ElementTree.parse(path).getroot()
    return [text.text or "" for text in root.iter(f"{SVG}text")], list(root.iter(f"{SVG}image"))


def test_every_view_of_the_recording_is_drawn_under_its_name(tmp_path: Path) -> None:
    video = write_folder(tmp_path / "videos", 1) / "00.mkv"
    write_diagram(RECIPE, video, tmp_path / "views.svg")
    (title, notes, *names), images = drawn(tmp_path / "views.svg")
    assert title == "8 views of 00.mkv"
    assert notes == "video: 0.5 s, 4 of 4 frames; audio: 0.5 s, log-mel spectrogram, 0 to 4 kHz"
    assert sorted(names) == sorted(view.name for view in RECIPE.composition.views)
    assert len(images) == 8
    (entry,) = _scanned(video)
    views = recording_views(RECIPE, [entry])
    assert views is not None
    assert [image.get("href") for image in images] == [one.image for row in views.views for one in row]


def test_texts_and_images_lie_inside_and_do_not_overlap(tmp_path: Path) -> None:
    video = write_folder(tmp_path / "videos", 1) / "00.mkv"
    write_diagram(RECIPE, video, tmp_path / "views.svg")
    root = ElementTree.parse(tmp_path / "views.svg").getroot()
    boxes = [tuple(float(i.get(k, "")) for k in ("x", "y", "width", "height")) for i in root.iter(f"{SVG}image")]
    assert all(x + w <= float(root.get("width", "")) and y + h <= float(root.get("height", "")) for x, y, w, h in boxes)
    for index, (x, y, w, h) in enumerate(boxes):
        for left, top, width, height in boxes[index + 1 :]:
            assert x + w <= left or left + width <= x or y + h <= top or top + height <= y
    for text in root.iter(f"{SVG}text"):
        foot = float(text.get("y", ""))
        assert all(foot <= y or foot - float(text.get("font-size", "")) >= y + h - 0.1 for _, y, _, h in boxes)


def test_the_png_shows_the_texts_and_images_of_the_svg(tmp_path: Path) -> None:
    video = write_folder(tmp_path / "videos", 1) / "00.mkv"
    for name in ("views.svg", "views.png"):
        write_diagram(RECIPE, video, tmp_path / name)
    root = ElementTree.parse(tmp_path / "views.svg").getroot()
    with Image.open(tmp_path / "views.png") as opened:
        pixels = np.asarray(opened.convert("RGB"))
    assert pixels.shape == (round(2 * float(root.get("height", ""))), round(2 * float(root.get("width", ""))), 3)
    for image in root.iter(f"{SVG}image"):
        left, top = (round(2 * float(image.get(k, ""))) for k in ("x", "y"))
        embedded = Image.open(io.BytesIO(base64.b64decode((image.get("href") or "").split(",", 1)[1]))).convert("RGB")
        assert pixels[top, left].tolist() == list(embedded.getpixel((0, 0)))  # type: ignore[arg-type]
    for text in root.iter(f"{SVG}text"):
        x, foot, size = (2 * float(text.get(k, "")) for k in ("x", "y", "font-size"))
        assert pixels[int(foot - size) : int(foot), int(x) : int(x + 2 * size)].min() < 128


def test_a_composition_of_audio_views_is_drawn(tmp_path: Path) -> None:
    video = write_folder(tmp_path / "videos", 1) / "00.mkv"
    composition = Composition(Modality(("audio",)), Reversal(invariant=True), partners="equal")
    write_diagram(tiny(composition=composition), video, tmp_path / "views.svg")
    (_, notes, *names), images = drawn(tmp_path / "views.svg")
    assert (names, len(images)) == (["audio", "audio reversed"], 2)
    assert "video" not in notes


def test_the_first_usable_recording_of_a_folder_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    write_media(videos / "a <silent>.mkv", evenly(12, 8), size=(24, 32))
    write_folder(videos, 2)
    (videos / "00.mkv").rename(videos / "b <&>.mkv")
    (videos / "01.mkv").unlink()
    write_yaml(RECIPE, tmp_path / "tiny.yaml")
    out = tmp_path / "views.svg"
    options = ["--config", str(tmp_path / "tiny.yaml"), "--diagram", str(out), "--data", str(videos)]
    assert main(["composition", *options, "--composition.factors.2.levels", "1", "2"]) == 0
    printed = capsys.readouterr().out
    assert "8 audio" not in printed
    assert "7 audio reversed 2x" in printed
    assert drawn(out)[0][0] == "8 views of b <&>.mkv"


def test_unusable_recordings_and_files_are_named(tmp_path: Path) -> None:
    silent = write_media(tmp_path / "silent.mkv", evenly(12, 8), size=(24, 32))
    with pytest.raises(ReportError, match=r"no recording fits this composition; silent\.mkv: has no audio"):
        write_diagram(RECIPE, silent, tmp_path / "views.svg")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ReportError, match=r"text\.mp4: no recording fits"):
        write_diagram(RECIPE, tmp_path / "text.mp4", tmp_path / "views.svg")
    video = write_folder(tmp_path / "videos", 1) / "00.mkv"
    with pytest.raises(WriteError, match="could not be written"):
        write_diagram(RECIPE, video, tmp_path / "text.mp4" / "views.svg")
    assert not list(tmp_path.glob("*.svg"))


def _scanned(video: Path) -> list[Entry]:
    manifest = video.parent.parent / "list.csv"
    assert main(["scan", str(video.parent), "--out", str(manifest)]) == 0
    return read_manifest(manifest)
