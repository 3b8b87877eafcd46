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
from avgdt.models.pretrained import untrained
from avgdt.recipes.config import write_yaml
from avgdt.report.clip_picture import clip_picture
from avgdt.report.composition_picture import write_composition_picture
from avgdt.report.errors import ReportError
from tests.helpers.folders import write_folder
from tests.helpers.media_files import evenly, write_media
from tests.helpers.recipes import tiny

SVG = "{http://www.w3.org/2000/svg}"
RECIPE = tiny(composition=Composition(Modality(), Reversal(invariant=True), Speed((1.0, 1.5), distinctive=True)))


def drawn(path: Path) -> tuple[list[str], list[ElementTree.Element]]:
    """The texts and the pictures of a drawing."""
    root = ElementTree.parse(path).getroot()
    return [text.text or "" for text in root.iter(f"{SVG}text")], list(root.iter(f"{SVG}image"))


def test_every_view_of_the_recording_is_drawn_under_its_name(tmp_path: Path) -> None:
    film = write_folder(tmp_path / "films", 1) / "00.mkv"
    write_composition_picture(RECIPE, film, tmp_path / "views.svg")
    (title, notes, *names), images = drawn(tmp_path / "views.svg")
    assert title == "8 views of 00.mkv"
    assert notes == "pictures: 0.5 s, 4 of 4 frames; sounds: 0.5 s, 0 kHz below to 4 kHz above"
    assert sorted(names) == sorted(view.name for view in RECIPE.composition.views)
    assert len(images) == 8
    (entry,) = _scanned(film)
    shown = clip_picture(RECIPE, untrained(RECIPE, device="cpu").views, [entry])
    assert shown is not None
    assert [image.get("href") for image in images] == [one.image for row in shown.after for one in row]


def test_nothing_lies_over_another_or_outside(tmp_path: Path) -> None:
    film = write_folder(tmp_path / "films", 1) / "00.mkv"
    write_composition_picture(RECIPE, film, tmp_path / "views.svg")
    root = ElementTree.parse(tmp_path / "views.svg").getroot()
    boxes = [tuple(float(i.get(k, "")) for k in ("x", "y", "width", "height")) for i in root.iter(f"{SVG}image")]
    assert all(x + w <= float(root.get("width", "")) and y + h <= float(root.get("height", "")) for x, y, w, h in boxes)
    for place, (x, y, w, h) in enumerate(boxes):
        for left, top, width, height in boxes[place + 1 :]:
            assert x + w <= left or left + width <= x or y + h <= top or top + height <= y
    for text in root.iter(f"{SVG}text"):
        foot = float(text.get("y", ""))
        assert all(foot <= y or foot - float(text.get("font-size", "")) >= y + h - 0.1 for _, y, _, h in boxes)


def test_a_png_shows_what_the_svg_does(tmp_path: Path) -> None:
    film = write_folder(tmp_path / "films", 1) / "00.mkv"
    for name in ("views.svg", "views.png"):
        write_composition_picture(RECIPE, film, tmp_path / name)
    root = ElementTree.parse(tmp_path / "views.svg").getroot()
    with Image.open(tmp_path / "views.png") as opened:
        picture = np.asarray(opened.convert("RGB"))
    assert picture.shape == (round(2 * float(root.get("height", ""))), round(2 * float(root.get("width", ""))), 3)
    for image in root.iter(f"{SVG}image"):
        left, top = (round(2 * float(image.get(k, ""))) for k in ("x", "y"))
        held = Image.open(io.BytesIO(base64.b64decode((image.get("href") or "").split(",", 1)[1]))).convert("RGB")
        assert picture[top, left].tolist() == list(held.getpixel((0, 0)))  # type: ignore[arg-type]
    for text in root.iter(f"{SVG}text"):
        x, foot, size = (2 * float(text.get(k, "")) for k in ("x", "y", "font-size"))
        assert picture[int(foot - size) : int(foot), int(x) : int(x + 2 * size)].min() < 128


def test_sound_alone_is_drawn(tmp_path: Path) -> None:
    film = write_folder(tmp_path / "films", 1) / "00.mkv"
    composition = Composition(Modality(("audio",)), Reversal(invariant=True), partners="equal")
    write_composition_picture(tiny(composition=composition), film, tmp_path / "views.svg")
    (_, notes, *names), images = drawn(tmp_path / "views.svg")
    assert (names, len(images)) == (["audio", "audio reversed"], 2)
    assert "picture" not in notes


def test_the_first_usable_recording_of_a_folder_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write_media(films / "a <silent>.mkv", evenly(12, 8), size=(24, 32))
    write_folder(films, 2)
    (films / "00.mkv").rename(films / "b <&>.mkv")
    (films / "01.mkv").unlink()
    write_yaml(RECIPE, tmp_path / "tiny.yaml")
    out = tmp_path / "views.svg"
    options = ["--config", str(tmp_path / "tiny.yaml"), "--picture", str(out), "--data", str(films)]
    assert main(["composition", *options, "--composition.factors.2.levels", "1", "2"]) == 0
    printed = capsys.readouterr().out
    assert "8 audio" not in printed
    assert "7 audio reversed 2x" in printed
    assert drawn(out)[0][0] == "8 views of b <&>.mkv"


def test_what_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    silent = write_media(tmp_path / "silent.mkv", evenly(12, 8), size=(24, 32))
    with pytest.raises(ReportError, match=r"gives no clip of this composition; silent\.mkv: has no audio"):
        write_composition_picture(RECIPE, silent, tmp_path / "views.svg")
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(ReportError, match=r"text\.mp4: gives no clip"):
        write_composition_picture(RECIPE, tmp_path / "text.mp4", tmp_path / "views.svg")
    film = write_folder(tmp_path / "films", 1) / "00.mkv"
    with pytest.raises(ReportError, match="cannot be written"):
        write_composition_picture(RECIPE, film, tmp_path / "none" / "views.svg")
    assert not list(tmp_path.glob("*.svg"))


def _scanned(film: Path) -> list[Entry]:
    manifest = film.parent.parent / "list.csv"
    assert main(["scan", str(film.parent), "--out", str(manifest)]) == 0
    return read_manifest(manifest)
