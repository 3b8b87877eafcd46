"""Tests that the argument parser accepts every command line in the documentation."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avgdt.cli.main import COMMANDS, main
from avgdt.evaluation.protocols import protocols
from avgdt.recipes.config import write_yaml
from avgdt.recipes.named import named

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
PLACEHOLDERS = {
    "SEED": "0",
    "N": "1",
    "RECIPE": "small",
    "PROTOCOL": "linear",
    "RUN...": "RUN OTHER",
    "[NAME]": "demo",
    "FORMAT": "markdown",
}
"""Values that replace placeholders; any other word in capitals is a path, and NAME is the name of a composition."""
REQUIRED = {"evaluate": ["--weights", "RUN", "--data", "DATA"], "embed": ["--weights", "RUN", "--out", "VECTORS.npz"]}
"""Required options that commands in running text may omit."""


class Parsed(Exception):
    """Raised after a command line is parsed, in place of executing the command."""


def settings() -> str:
    """Return the options that SETTINGS stands for on the results pages."""
    return re.findall(r"SETTINGS: `([^`]+)`", (ROOT / "docs" / "results" / "grid.md").read_text())[0]


def arguments_of(command: str) -> list[str]:
    """Return the arguments of a command, with values for its placeholders and without redirections."""
    command = command.replace("SETTINGS", settings()).replace("--composition NAME", "--composition shift-distinctive")
    for placeholder, value in PLACEHOLDERS.items():
        command = re.sub(rf"(?<![\w.]){re.escape(placeholder)}(?![\w.])", value, command)
    return shlex.split(re.split(r"[>|;]|&&", command.replace("-SEED", "-0"))[0], comments=True)


def in_blocks(text: str) -> Iterator[str]:
    """Yield the arguments of each call of ``avgdt`` in fenced shell blocks, as written."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if match := re.match(r"\s*(?:\$ )?(?:\S*/)?avgdt (.*)", line):
                yield match[1]


def in_text(text: str) -> list[str]:
    """Return the texts in backticks outside fenced blocks."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [code.replace("\n", " ") for code in re.findall(r"`([^`]+)`", prose)]


def documented_commands() -> list[Any]:
    """Return every complete command of the documentation."""
    found = dict[tuple[str, str], None]()
    for page in PAGES:
        text = page.read_text()
        for command in in_blocks(text):
            found[page.name, command] = None
        for code in in_text(text):
            if not code.startswith("avgdt "):
                continue
            command = code.removeprefix("avgdt ")
            verb, options = command.split()[0], REQUIRED.get(command.split()[0], [])
            if len(command.split()) == 1 and verb in COMMANDS:
                continue  # the text is only the name of a command
            missing = [] if "--weights" in command else options
            found[page.name, " ".join([command, *missing])] = None
    return [pytest.param(command, id=f"{page}: {command}") for page, command in found]


@pytest.fixture
def only_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop commands after argument parsing, in a folder with recipe files; every run has the recipe ``small``."""
    from avgdt.training import pretrain

    def parse(name: str, real: Any) -> Any:
        def wrapped(*arguments: Any, **options: Any) -> None:
            real(*arguments, **options)
            raise Parsed

        return wrapped

    for name in COMMANDS:
        module = importlib.import_module(f"avgdt.cli.{name}")
        monkeypatch.setattr(module, "parse", parse(name, module.parse))
    monkeypatch.setattr(pretrain, "resumed_recipe", lambda out: named("small"))
    monkeypatch.chdir(tmp_path)
    for file in ("speed.yaml", "recipe.yaml"):
        write_yaml(named("demo"), tmp_path / file)


@pytest.mark.parametrize("command", documented_commands())
def test_documented_commands_are_accepted(command: str, only_parsed: None) -> None:
    if command != "--version":
        with pytest.raises(Parsed):
            main(arguments_of(command))


def test_commands_in_blocks_and_placeholders_are_extracted() -> None:
    lines = ["make demo", ".venv/bin/avgdt a --x NAME \\", "  --y  # why", "(echo b) > c", "avgdt d SEED > e"]
    text = "\n".join(["```sh", *lines, "```", "```python", "avgdt f", "```", ""])
    assert [arguments_of(command) for command in in_blocks(text)] == [["a", "--x", "NAME", "--y"], ["d", "0"]]
    assert len(documented_commands()) > 20


@pytest.fixture(scope="module")
def options() -> set[str]:
    """Return all options of all commands and benchmarks, written with hyphens."""
    commands = [
        ["pretrain", "small"],
        ["composition", "small"],
        ["cost", "small"],
        ["ablate", "jitter", "small"],
        ["curriculum", "small"],
        ["search", "small"],
        ["scan"],
        ["table"],
        ["report"],
        ["demo"],
        ["embed"],
    ]
    commands += [["evaluate", name] for name in protocols()]
    commands += [["evaluate", "finetune", "--setting", "released"]]
    found = {"--composition", "--config", "--setting", "--version", "--help"}
    for script in (ROOT / "benchmarks").glob("*.py"):
        found |= set(re.findall(r"\"(--[a-z][\w-]*)\"", script.read_text()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "300")
        for command in commands:
            with pytest.MonkeyPatch.context() as inner:
                text: list[str] = []
                inner.setattr("sys.stdout.write", text.append)
                with pytest.raises(SystemExit):
                    main([*command, "--help"])
            found |= {option.replace("_", "-") for option in re.findall(r"--[a-z][\w.-]*", "".join(text))}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_in_running_text_exist(page: Path, options: set[str]) -> None:
    lines = [
        line
        for line in page.read_text().splitlines()
        if "python " not in line and not line.startswith(("make ", "pip "))
    ]
    codes = [code for code in in_text("\n".join(lines)) if code.startswith("--")]
    named = {option for code in codes for option in re.findall(r"(?<!\S)--[a-z][\w.-]*", code)}
    assert {option for option in named if option.replace("_", "-") not in options} == set()
