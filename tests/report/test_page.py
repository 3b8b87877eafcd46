from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import sys
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
from avgdt.report.run_folder import read_run
from avgdt.report.summary import run_verdict
from tests.helpers.recipes import tiny
from tests.helpers.run_folders import HOSTILE
from tests.report.conftest import RESULT, report
from tests.report.reading import Page, content, read_page


def test_the_page_loads_no_external_resource(page: Page) -> None:
    for name in ("src", "href", "poster", "srcset", "action", "data", "xlink:href"):
        assert all(value.startswith(("data:", "#")) for value in page.values(name))
    assert not re.search(r"url\(|@import|https?:", page.inside["style"])
    assert not re.search(r"fetch|import|XMLHttp|https?:", page.inside["script"])
    assert not page.all("link")
    assert not page.all("iframe")


def test_the_content_security_policy_permits_only_the_pages_script(page: Page) -> None:
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    digest = base64.b64encode(hashlib.sha256(page.inside["script"].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_links_point_to_existing_elements(page: Page) -> None:
    assert {link["href"].removeprefix("#") for link in page.all("a")} <= set(page.values("id"))
    assert len(page.values("id")) == len(set(page.values("id")))


def test_names_with_markup_are_shown_as_text(page: Page) -> None:
    assert HOSTILE in page.words
    assert "<c>" in page.words
    assert "<i>gone</i>.mp4" in page.words
    assert "avgdt evaluate linear --data '<b>'" in page.words
    assert "\ufffd\ufffd.mkv" in page.words  # a name that is not valid UTF-8
    assert not page.values("onerror")
    assert not {"c", "i "} & {tag for tag, _ in page.elements}
    assert page.unclosed == []


def test_metrics_equal_the_results(page: Page) -> None:
    rows = {row[0]: [cell.replace("\u202f", " ") for cell in row[1:4]] for row in page.rows}
    assert rows["accuracy"] == ["68.8 % 53 – 81", "51.2 % 36 – 66", "50.0 %"]
    assert rows["mean class accuracy"] == ["65.4 %", "49.9 %", "50.0 %"]
    assert f"{RESULT['sizes']['test']} test" in page.words


def test_metrics_of_untrained_weights_equal_metrics_of_random_weights(page: Page) -> None:
    """The networks of the run and the random networks have the same seed, so their metrics must be equal."""
    rows = [row for row in page.rows if row[0].startswith(("video to audio", "audio to video"))]
    assert len(rows) == 10
    assert all(row[1] == row[2] for row in rows)
    chance = next(row[3] for row in rows if row[0] == "video to audio, median rank")
    assert chance == "3.5"  # the median rank of six


def test_the_diagnosis_is_drawn(page: Page) -> None:
    labels = " ".join(drawing.get("aria-label") or "" for drawing in page.all("svg"))
    for words in (
        "agreement ends at 0.75; key drift ends at 0.0625",
        "Batch norm leakage over 4 epochs: share ends at 0.4",
        "alignment ends at 1.5; uniformity, video ends at -2; uniformity, audio ends at -3",
    ):
        assert words in labels


def test_metrics_of_an_older_version_can_be_reported(make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    metrics = folder / "metrics.jsonl"
    metrics.write_text(metrics.read_text().replace('"lr"', '"rate"').replace('"diagnosis"', '"other"'))
    words = report(folder).words
    assert "Learning rate" not in words
    assert "Standard deviation of the embeddings" in words


def test_the_overview_describes_the_run(page: Page) -> None:
    for words in (
        "2 recordings, 0 minutes",
        "4 of 3",
        "2 min, 12 steps with batches of 4",
        "A processor, fp32",
        "memory bank of 10 keys",
    ):
        assert words in page.words
    assert tiny().composition.describe() in page.words


def test_snippets_can_be_decoded(page: Page) -> None:
    snippets = page.all("video")
    assert len(snippets) == 2 * 6 * (1 + 5)  # two directions, six queries, five retrieved recordings for each
    for source in {snippet["src"] for snippet in snippets}:
        with av.open(io.BytesIO(content(source, "video/mp4"))) as file:
            frames = list(file.decode(video=0))
            assert (len(frames), frames[0].height, frames[0].width) == (22, 24, 32)
        with av.open(io.BytesIO(content(source, "video/mp4"))) as file:
            samples = sum(frame.samples for frame in file.decode(audio=0))
            assert samples == pytest.approx(1.5 * 24000, abs=2048)
            assert {stream.codec_context.name for stream in file.streams} == {"h264", "aac"}


def test_images_have_texts_and_snippets_have_posters(page: Page) -> None:
    assert len(page.all("img")) == 2 + 4  # decoded video and audio, and two augmented versions of both
    assert all(image["alt"] for image in page.all("img"))
    assert all(content(image["src"], "image/png") for image in page.all("img"))
    assert all(drawing.get("aria-label") or drawing.get("aria-hidden") for drawing in page.all("svg"))
    kinds = [snippet["poster"].split(";")[0] for snippet in page.all("video")]
    video_query = ["data:image/jpeg"] + 5 * ["data:image/png"]
    assert kinds[:6] == video_query
    assert kinds[36:42] == ["data:image/png"] + 5 * ["data:image/jpeg"]
    assert all("controls" in snippet and snippet["aria-label"] for snippet in page.all("video"))


def test_headings_are_nested(page: Page) -> None:
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert [attributes["lang"] for attributes in page.all("html")] == ["en"]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert all(after - now <= 1 for now, after in pairwise(levels))


def test_the_verdict_is_shown_once(page: Page, run: Path) -> None:
    judged = run_verdict(read_run(run))
    (level,) = [one["class"] for one in page.all("div") if one.get("class", "").startswith("verdict ")]
    assert level == f"verdict {judged.level}"
    for sentence in (judged.headline, judged.evidence, judged.remedy):
        assert page.words.count(sentence) == 1


def test_missing_recordings_are_named(make_run: Callable[..., Path], entries: list[Entry]) -> None:
    gone = [replace(entry, path=Path("/nowhere") / entry.path.name) for entry in entries]
    page = report(make_run(among=gone))
    assert "8 of the run's recordings are missing (the first: /nowhere/0.mkv)" in page.words
    assert "Retrieval needs at least two recordings whose files exist" in page.words
    assert not page.all("video")
    assert not page.all("img")
    assert "Held-out retrieval" in page.words


def test_recordings_that_were_moved_are_read_from_data(
    make_run: Callable[..., Path], entries: list[Entry], run: Path
) -> None:
    gone = [replace(entry, path=Path("/nowhere") / entry.path.name) for entry in entries]
    page = report(make_run(among=gone), run / "manifest.csv")
    assert len(page.all("video")) == 72
    assert "recordings are missing" not in page.words


def test_a_run_without_weights_has_a_page_without_retrieval(make_run: Callable[..., Path]) -> None:
    page = report(make_run(weights=False))
    assert "no weights.safetensors yet" in page.words
    assert "The run has not been evaluated yet" in page.words
    assert not page.all("video")
    assert len(page.all("img")) == 6


def test_a_run_of_one_modality_has_a_page_without_retrieval(make_run: Callable[..., Path]) -> None:
    alone = Composition(Modality(levels=("audio",)), Repeats(2), partners="equal")
    page = report(make_run(tiny(composition=alone)))
    assert "trained on audio only" in page.words
    assert len(page.all("img")) == 1 + 2


def test_examples_of_the_training_set_are_labelled(make_run: Callable[..., Path], entries: list[Entry]) -> None:
    page = report(make_run(among=entries[:2]))
    assert "2 training recordings. Each pixel" in page.words


def test_progress_increases_to_the_total(run: Path) -> None:
    calls: list[tuple[int, int]] = []
    write_report(run, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (6, 6)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


@pytest.mark.parametrize(
    ("name", "words"), [("metrics.jsonl", "no training metrics"), ("config.yaml", "no config.yaml")]
)
def test_a_folder_without_a_run_raises_an_error(name: str, words: str, make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    (folder / name).unlink()
    with pytest.raises(ReportError, match=words) as error:
        write_report(folder)
    assert str(folder) in str(error.value)
    assert not (folder / "report.html").exists()


def test_a_page_is_written_without_loading_networks(run: Path, page: Page) -> None:
    code = (
        "import sys; from pathlib import Path; from avgdt.report.page import write_report;"
        "write_report(Path(sys.argv[1]));"
        "print([name for name in sys.modules if name.startswith(('avgdt.models', 'avgdt.training'))])"
    )
    out = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
    assert read_page(run / "report.html").words == page.words
