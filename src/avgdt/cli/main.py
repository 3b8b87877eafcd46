"""``avgdt``: one command, a few verbs."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Sequence

from avgdt.cli.arguments import UsageError
from avgdt.cli.memory import told_out_of_memory
from avgdt.errors import AvgdtError
from avgdt.recipes.nearest import nearest
from avgdt.report.wording import printable
from avgdt.tuning import tune_process

COMMANDS = {
    "demo": "watch a network learn from a little world of moving, sounding things",
    "scan": "list what is in a folder of media, file by file",
    "recipes": "list the recipes, or print one",
    "composition": "tell the views of a recipe, and who attracts and repels whom",
    "pretrain": "learn from recordings without labels",
    "evaluate": "measure what was learnt",
    "report": "tell a run as one HTML page",
    "table": "set runs beside the paper's tables",
}
"""Name and what it does; each is a module of this package with a function ``run(arguments)``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it went well, 2 for a mistake that the user can mend, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0
    if arguments[0] == "--version":
        from avgdt import __version__

        print(f"avgdt {__version__}")
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files that the terminal cannot show must not end a command
        sys.stdout.reconfigure(errors="backslashreplace")
