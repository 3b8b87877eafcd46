"""When, where and by which command a run was learnt: one line in ``sittings.jsonl`` for its start and each resume."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from avgdt.files import naming
from avgdt.models.precision import Precision
from avgdt.training.provenance import command, machine

NAME = "sittings.jsonl"


def write_sitting(folder: Path, step: int, precision: Precision) -> None:
    """Append the sitting that begins at ``step``; raise ``WriteError`` where it cannot be."""
    sitting = {
        "step": step,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": command(),
        "machine": machine(precision),
    }
    with naming(folder / NAME, "free some space"), (folder / NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(sitting) + "\n")
