from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats
from avgdt.data.manifest import Entry
from avgdt.report.errors import ReportError
from avgdt.report.page import write_report
from tests.helpers.recipes import tiny
from tests.report.conftest import HOSTILE, RESULT
from tests.report.reading import Page, content, read_page


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    for name in ("src", "href", "poster", "srcset", "action", "data", "xlink:href"):
        assert all(value.startswith(("data:", "#")) for value in page.values(name))
    assert not re.search(r"url\(|@import|https?:", page.inside["style"])
    assert not re.search(r"fetch|import|XMLHttp|https?:", page.inside["script"])
    assert not page.all("link")
    assert not page.all("iframe")


def test_its_policy_lets_only_its_own_script_run(page: Page) -> None:
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    digest = base64.b64encode(hashlib.sha256(page.inside["script"].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_links_lead_somewhere(page: Page) -> None:
    assert {link["href"].removeprefix("#") for link in page.all("a")} <= set(page.values("id"))
    assert len(page.values("id")) == len(set(page.values("id")))


def test_hostile_names_are_words(page: Page) -> None:
    assert HOSTILE in page.words
    assert "<c>" in page.words
    assert "<i>gone</i>.mp4" in page.words
    assert "avgdt evaluate linear --data '<b>'" in page.words
    assert "\ufffd\ufffd.mkv" in page.words  # a name that is no UTF-8
    assert not page.values("onerror")
    assert not {"c", "i "} & {tag for tag, _ in page.elements}
    assert page.unclosed == []


def test_numbers_are_those_of_the_results(page: Page) -> None:
    rows = {row[0]: [cell.replace("\u202f", " ") for cell in row[1:4]] for row in page.rows}
    assert rows["right"] == ["68.8 % 53 – 81", "51.2 % 36 – 66", "50.0 %"]
    assert rows["right, mean over classes"] == ["65.4 %", "49.9 %", "50.0 %"]
    assert f"{RESULT['sizes']['test']} test" in page.words


def test_untrained_weights_are_their_own_random_weights(page: Page) -> None:
    """The run's networks and the random ones are drawn from one seed here, so every figure must agree."""
    rows = [row for row in page.rows if row[0].startswith(("sound by picture", "picture by sound"))]
    assert len(rows) == 10
    assert all(row[1] == row[2] for row in rows)
    chance = next(row[3] for row in rows if row[0] == "sound by picture: median place")
    assert chance == "3.5"  # of six


def test_the_diagnosis_is_drawn(page: Page) -> None:
    labels = " ".join(drawing.get("aria-label") or "" for drawing in page.all("svg"))
    for words in (
        "agreement of both networks ends at 0.75; change of a key while it waits ends at 0.0625",
        "Batch norm over 4 epochs: share ends at 0.4",
        "alignment ends at 1.5; uniformity, video ends at -2; uniformity, audio ends at -3",
    ):
        assert words in labels


def test_metrics_of_an_older_version_give_a_page(make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    metrics = folder / "metrics.jsonl"
    metrics.write_text(metrics.read_text().replace('"lr"', '"rate"').replace('"diagnosis"', '"other"'))
    words = read_page(write_report(folder)).words
    assert "Learning rate" not in words
    assert "Spread of the embeddings" in words


def test_what_the_run_is(page: Page) -> None:
    for words in ("2 recordings, 0 minutes", "4 of 3", "2 min, 12 steps of 4", "A processor, fp32", "up to 10 earlier"):
        assert words in page.words
    assert tiny().composition.describe() in page.words


def test_films_play(page: Page) -> None:
    films = page.all("video")
    assert len(films) == 2 * 6 * (1 + 5)  # both ways, six queries, five answers each
    for source in {film["src"] for film in films}:
        with av.open(io.BytesIO(content(source, "video/mp4"))) as file:
            frames = list(file.decode(video=0))
            assert (len(frames), frames[0].height, frames[0].width) == (22, 24, 32)
        with av.open(io.BytesIO(content(source, "video/mp4"))) as file:
            samples = sum(frame.samples for frame in file.decode(audio=0))
            assert samples == pytest.approx(1.5 * 24000, abs=2048)
            assert {stream.codec_context.name for stream in file.streams} == {"h264", "aac"}


def test_pictures_have_words_and_films_have_posters(page: Page) -> None:
    assert len(page.all("img")) == 2 + 4  # a picture and a sound before, two draws of each after
    assert all(image["alt"] for image in page.all("img"))
    assert all(content(image["src"], "image/png") for image in page.all("img"))
    assert all(drawing.get("aria-label") or drawing.get("aria-hidden") for drawing in page.all("svg"))
    kinds = [film["poster"].split(";")[0] for film in page.all("video")]
    asked_by_picture = ["data:image/jpeg"] + 5 * ["data:image/png"]
    assert kinds[:6] == asked_by_picture
    assert kinds[36:42] == ["data:image/png"] + 5 * ["data:image/jpeg"]
    assert all("controls" in film and film["aria-label"] for film in page.all("video"))


def test_one_heading_above_all(page: Page) -> None:
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert [attributes["lang"] for attributes in page.all("html")] == ["en"]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert all(after - now <= 1 for now, after in pairwise(levels))


def test_missing_recordings_are_told(make_run: Callable[..., Path], entries: list[Entry]) -> None:
    gone = [replace(entry, path=Path("/nowhere") / entry.path.name) for entry in entries]
    page = read_page(write_report(make_run(among=gone)))
    assert "8 of the run's recordings are not reachable any more (the first: /nowhere/0.mkv)" in page.words
    assert "Fewer than two recordings can be reached" in page.words
    assert not page.all("video")
    assert not page.all("img")
    assert "Found when held out" in page.words


def test_recordings_that_moved_are_found_by_data(
    make_run: Callable[..., Path], entries: list[Entry], run: Path
) -> None:
    gone = [replace(entry, path=Path("/nowhere") / entry.path.name) for entry in entries]
    page = read_page(write_report(make_run(among=gone), data=run / "manifest.csv"))
    assert len(page.all("video")) == 72
    assert "not reachable" not in page.words


def test_a_run_without_weights_shows_what_there_is(make_run: Callable[..., Path]) -> None:
    page = read_page(write_report(make_run(weights=False)))
    assert "no weights.safetensors yet" in page.words
    assert "Nothing was evaluated yet" in page.words
    assert not page.all("video")
    assert len(page.all("img")) == 6


def test_a_run_of_one_modality(make_run: Callable[..., Path]) -> None:
    alone = Composition(Modality(levels=("audio",)), Repeats(2), partners="equal")
    page = read_page(write_report(make_run(tiny(composition=alone))))
    assert "learns from audio alone" in page.words
    assert len(page.all("img")) == 1 + 2


def test_recordings_learnt_from_are_called_so(make_run: Callable[..., Path], entries: list[Entry]) -> None:
    page = read_page(write_report(make_run(among=entries[:2])))
    assert "2 learnt-from recordings, which the networks learnt from" in page.words


def test_progress_ends_where_it_should(run: Path) -> None:
    told: list[tuple[int, int]] = []
    write_report(run, lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize(("name", "words"), [("metrics.jsonl", "no metrics"), ("config.yaml", "no config.yaml")])
def test_no_run(name: str, words: str, make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    (folder / name).unlink()
    with pytest.raises(ReportError, match=words) as error:
        write_report(folder)
    assert str(folder) in str(error.value)
    assert not (folder / "report.html").exists()
