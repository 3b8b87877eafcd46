"""Tests of the architecture: import directions, unique class names, and the imports of ``--help``."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import avgdt

ROOT = Path(avgdt.__file__).parent
TOP_TO_BOTTOM = (
    "cli",
    "api",
    "report",
    "experiments",
    "evaluation",
    "training",
    "objective",
    "models",
    "transforms",
    "synthetic",
    "data",
    "media",
    "recipes",
    "composition",
    "files",
    "progress",
    "processes",
    "tuning",
    "errors",
)
MAY_BE_IMPORTED_BY_ALL = {"avgdt"}  # imported for the version number


def imports(path: Path, package: str = "avgdt") -> set[str]:
    """Return the modules of ``package`` that a file imports, at any level of nesting."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return {name for name in found if name.split(".")[0] == package} - MAY_BE_IMPORTED_BY_ALL


def test_a_package_imports_only_packages_below_it() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        here = path.relative_to(ROOT).with_suffix("").parts[0]
        if here not in TOP_TO_BOTTOM:
            assert here in ("__init__", "__main__"), f"{path}: a package that is not in TOP_TO_BOTTOM"
            continue
        for name in imports(path):
            there = name.split(".")[1]
            if TOP_TO_BOTTOM.index(there) < TOP_TO_BOTTOM.index(here):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_names_of_public_classes_are_unique() -> None:
    names = [
        node.name
        for path in ROOT.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_the_report_imports_no_networks_and_no_training_code() -> None:
    forbidden = ("avgdt.models", "avgdt.training", "avgdt.objective")
    wrong = []
    for path in (ROOT / "report").rglob("*.py"):
        wrong += [f"{path.name} imports {name}" for name in imports(path) if name.startswith(forbidden)]
        wrong += [f"{path.name} imports torch" for name in imports(path, "torch")]
    assert not wrong


def test_the_report_is_imported_without_torch() -> None:
    modules = sorted(f"avgdt.report.{path.stem}" for path in (ROOT / "report").glob("*.py") if path.stem != "__init__")
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules}]; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


def test_help_imports_no_heavy_package() -> None:
    code = (
        "import sys; from avgdt.cli.main import main; main(['--help']);"
        "main(['recipes']); main(['composition', 'paper']);"
        "print(sorted({'torch', 'av', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_a_training_step_and_its_count_need_only_torch_and_numpy() -> None:
    code = (
        "import sys, avgdt.training.step, avgdt.training.step_count;"
        "print(sorted({'av', 'tyro', 'yaml', 'rich', 'safetensors', 'sklearn', 'jinja2', 'PIL'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
