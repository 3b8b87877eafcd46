"""Pages from templates, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from avgdt.report.errors import ReportError
from avgdt.report.wording import FILTERS

TEMPLATES = Path(__file__).parent / "templates"


def template(name: str) -> Template:
    """A file of :data:`TEMPLATES`; what is filled in is escaped, and nothing may be left out."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template(name)


def write(page: str | bytes, path: Path) -> None:
    """Write the text or the bytes; raise :class:`ReportError` where that cannot be, leaving what was there."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(page.encode("utf-8") if isinstance(page, str) else page)
        unfinished.replace(path)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written ({error.strerror}); make room or change its rights") from None
    finally:
        unfinished.unlink(missing_ok=True)
