"""A run as one self-contained HTML page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup

import avgdt
from avgdt.models.pretrained import PretrainedModel, load, untrained
from avgdt.report.charts import HEIGHT, WIDTH
from avgdt.report.confusion import confusion
from avgdt.report.curves import curves
from avgdt.report.headlines import headlines
from avgdt.report.judging import judge
from avgdt.report.networks import networks
from avgdt.report.pictures import Pictures, pictures
from avgdt.report.run_folder import RunFolder, read_run
from avgdt.report.tables import table
from avgdt.report.templating import TEMPLATES, template, write


def write_report(
    run: Path, progress: Callable[[int, int], None] = lambda done, total: None, data: Path | None = None
) -> Path:
    """Write ``run/report.html`` and return its path; ``data`` is a manifest or folder in place of the run's own.

    Recordings or weights that are not there are told on the page. Raises :class:`ReportError` for a folder that is no
    run or has no metrics, and the errors of the project for weights and manifests that are broken.
    """
    told = read_run(run)
    model = load(run) if (run / "weights.safetensors").is_file() else None
    page = render(told, model, pictures(told, model, data, progress))
    path = run / "report.html"
    write(page, path)
    return path


def render(run: RunFolder, model: PretrainedModel | None, shown: Pictures) -> str:
    """The page's HTML."""
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    phi = model.phi if model else untrained(run.recipe, device="cpu").phi
    new = shown.matches if shown.chosen and not shown.chosen.seen else None
    page = template("page.html").render(
        version=avgdt.__version__,
        # Both are files of ours, no input.
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        run=run,
        recipe=run.recipe,
        config=(run.path / "config.yaml").read_text(encoding="utf-8"),
        networks=networks(phi),
        judgement=judge(run, new.ways if new else None),
        headlines=headlines(run, new),
        curves=curves(run),
        tables=[table(result) for result in run.results],
        confusions=[drawn for result in run.results if (drawn := confusion(result))],
        chart_size=(WIDTH, HEIGHT),
        shown=shown,
    )
    # What is left of a name whose bytes are no text, in paths of results and configurations.
    return page.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
