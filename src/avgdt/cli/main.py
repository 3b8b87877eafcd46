"""Entry point of ``avgdt``, which calls the commands and converts errors to messages and exit codes."""

from __future__ import annotations

import importlib
import io
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from avgdt.cli.arguments import UsageError
from avgdt.errors import AvgdtError, suggestion
from avgdt.report.formatting import printable
from avgdt.training.signals import handled
from avgdt.tuning import tune_process

COMMANDS = {
    "demo": "render a synthetic data set, pretrain on it, evaluate and write the report",
    "scan": "inspect the files of a folder and write a manifest",
    "recipes": "list the recipes or print one as YAML",
    "composition": "print the views of a recipe and which pairs of them attract or repel",
    "cost": "predict operations, memory and hours of a training run",
    "pretrain": "train without labels",
    "evaluate": "compare pretrained weights with random weights in an evaluation protocol",
    "embed": "write features or embeddings of all recordings of a folder",
    "report": "write the report of a run as one HTML page",
    "ablate": "pretrain and evaluate a grid of recipes, such as an ablation of the paper",
    "curriculum": "measure re-identification by strength of augmentation during training (figure 3)",
    "search": "search for the composition with the best features",
    "table": "compare runs with the paper's tables",
}
"""Mapping from command to description; each command is a module of this package with a function ``run(arguments)``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    The exit code is 0 for success, 2 for an error that the user can correct, and 128 plus the number of the signal that
    stopped the command (130 after Ctrl-C).
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0
    if arguments[0] == "--version":
        from avgdt import __version__

        print(f"avgdt {__version__}")
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):  # otherwise, file names that the terminal cannot encode raise errors
        sys.stdout.reconfigure(errors="backslashreplace")
    tune_process()
    try:
        name, rest = arguments[0], arguments[1:]
        if name not in COMMANDS:
            raise UsageError(f"unknown command {name!r}; {suggestion(name, COMMANDS)}")
        with handled():
            importlib.import_module(f"avgdt.cli.{name}").run(rest)
    except AvgdtError as error:
        if not error.reported:
            print(f"avgdt: {printable(_one_line(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        if getattr(stop, "reported", False):
            return 128 + getattr(stop, "number", signal.SIGINT)
        with suppress(OSError):  # the terminal may be closed
            print(f"avgdt: {printable(_one_line(stop)) or 'interrupted'}", file=sys.stderr)
        return 128 + getattr(stop, "number", signal.SIGINT)
    except BrokenPipeError:
        return 0
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        print(
            "avgdt: out of memory; reduce the batch size, the clip size, the network width or the memory bank",
            file=sys.stderr,
        )
        return 2
    return 0


def _one_line(error: BaseException) -> str:
    """Return the message of ``error`` as one line.

    Spaces within its lines are not changed, since they may belong to a command or a file name.
    """
    return " ".join(line.strip() for line in str(error).splitlines())


def _is_out_of_memory(error: Exception) -> bool:
    """Return whether PyTorch or NumPy raised ``error`` because memory could not be allocated."""
    torch = sys.modules.get("torch")  # only a command that has imported torch can raise its errors
    on_device = torch is not None and isinstance(error, torch.OutOfMemoryError)
    return on_device or isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _help() -> str:
    lines = [f"  {name:<11} {description}" for name, description in COMMANDS.items()]
    return "\n".join(
        [
            "usage: avgdt COMMAND ...",
            "",
            "Audio-visual self-supervision from generalized data transformations.",
            "",
            *lines,
            "",
            "avgdt COMMAND --help lists the options of a command.",
        ]
    )
