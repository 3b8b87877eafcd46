"""A small version of UCF101 in its official layout: short videos, with a different colour for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.helpers.coloured_videos import write_coloured

CLASSES = ("ApplyEyeMakeup", "HandstandPushups", "YoYo")
GROUPS = (1, 2, 8, 9)
"""Group numbers of each class; the videos of a group are cut from the same film, and each split tests on one group."""


def write_ucf101(
    folder: Path, classes: Sequence[str] = CLASSES, a_group: int = 2, subfolder: str = "UCF-101", frames: int = 3
) -> Path:
    """Write ``ucfTrainTestlist`` and the class folders in ``subfolder`` (which may be empty) of ``folder``.

    In each class, split n (1, 2 or 3) tests on the ``a_group`` videos of group n, and trains on the other three groups.
    """
    lists = folder / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    _write(lists / "classInd.txt", [f"{n} {name}" for n, name in enumerate(classes, start=1)])
    named = {
        group: [
            (n, f"{c}/v_{c}_g{group:02d}_c{take:02d}.avi") for n, c in enumerate(classes, start=1) for take in takes
        ]
        for group in GROUPS
        for takes in [range(1, a_group + 1)]
    }
    for group, videos in named.items():
        for number, name in videos:
            write_coloured(folder / subfolder / name, number, group, frames)
    for split in (1, 2, 3):
        tested = GROUPS[split - 1]
        train = [f"{name} {number}" for group in GROUPS if group != tested for number, name in named[group]]
        _write(lists / f"trainlist{split:02d}.txt", train)
        _write(lists / f"testlist{split:02d}.txt", [name for _, name in named[tested]])
    return folder


def _write(path: Path, lines: Sequence[str]) -> None:
    """Write lines that end with CRLF, as in the original lists."""
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
