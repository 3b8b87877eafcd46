"""Report of a run as one self-contained HTML page."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

import avgdt
from avgdt.data.selection import Progress
from avgdt.report.charts import HEIGHT, WIDTH
from avgdt.report.confusion import confusion
from avgdt.report.curves import curves
from avgdt.report.formatting import TEMPLATES, printable, template, write
from avgdt.report.gallery import Gallery, entry_of, galleries
from avgdt.report.retrieval import retrieval
from avgdt.report.run_folder import RunFolder, read_run
from avgdt.report.summary import headlines, run_verdict
from avgdt.report.tables import table
from avgdt.report.views import RecordingViews, recording_views


def write_report(run: Path, progress: Progress = lambda done, total: None) -> Path:
    """Write ``run/report.html`` from the files in the run folder, and return its path.

    Snippets and views are decoded from the recordings that :func:`avgdt.evaluation.examples.update_examples` selected.
    The page lists missing recordings. Raises :class:`ReportError` if the folder is not a run or has no training
    metrics.
    """
    folder = read_run(run)
    examples = folder.examples or {}
    views = recording_views(folder.recipe, [entry_of(row) for row in examples.get("viewed", ())])
    retrieved = examples.get("retrieval")
    page = render(folder, views, galleries(retrieved, folder.recipe, progress) if retrieved else ())
    path = run / "report.html"
    write(page, path)
    return path


def render(run: RunFolder, views: RecordingViews | None, snippets: tuple[Gallery, ...]) -> str:
    """Return the HTML of the report page."""
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    examples = run.examples or {}
    page = template("page.html").render(
        version=avgdt.__version__,
        # Style and script are files of the package, so they need no escaping.
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        run=run,
        recipe=run.recipe,
        config=(run.path / "config.yaml").read_text(encoding="utf-8"),
        examples=examples,
        verdict=run_verdict(run),
        headlines=headlines(run),
        curves=curves(run),
        tables=[table(result) for result in run.results],
        confusions=[matrices for result in run.results if (matrices := confusion(result))],
        chart_size=(WIDTH, HEIGHT),
        views=views,
        retrieval=retrieval(examples["retrieval"]) if examples.get("retrieval") else None,
        galleries=snippets,
        missing=_missing(run),
    )
    # Paths in results and configurations may hold bytes that are not UTF-8.
    return page.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _missing(run: RunFolder) -> list[str]:
    """Return sentences that state which parts of the examples are missing or unreadable, and why."""
    if run.examples is None:
        return ["The example recordings have not been embedded yet; run `avgdt report` with the run's folder."]
    sentences = []
    if count := run.examples.get("missing", {}).get("recordings"):
        are = "recordings is" if count == 1 else "recordings are"
        first = printable(run.examples["missing"]["first"])
        sentences.append(
            f"{count} of the run's {are} missing (the first: {first}); if they were moved, name their new location "
            "with --data."
        )
    if reason := run.examples.get("reason"):
        sentences.append(reason)
    if skipped := (run.examples.get("retrieval") or {}).get("skipped"):
        sentences.append(f"{len(skipped)} of the examples could not be read (the first: {printable(skipped[0])}).")
    return sentences
