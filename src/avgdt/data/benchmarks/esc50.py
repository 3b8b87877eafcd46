"""ESC-50 as it is distributed (Piczak 2015): a list of sounds with folds, and a folder of sounds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from avgdt.data.benchmarks.layout import SOUNDS, Files, Layout, check_some, lay_out
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry, read_manifest

NEEDED = ("fold", "category")
"""Columns of the list beside ``filename``; ESC-10 also needs ``esc10``."""
FOLDS = ("1", "2", "3", "4", "5")
"""As the list names them."""


def read_layout(folder: Path, esc10: bool) -> Layout:
    """The sounds of ESC-50 in ``folder``, or those of ESC-10 alone.

    Raises :class:`DataError` where this is no such folder, a column lacks, a sound is listed twice, in no fold or in
    another one than its name says, or no sound is there.
    """
    meta, audio = folder / "meta" / "esc50.csv", folder / "audio"
    for path, there in ((meta, meta.is_file()), (audio, audio.is_dir())):
        if not there:
            raise DataError(
                f"{path}: not there; --data takes ESC-50's folder as distributed, with meta/esc50.csv and audio/"
            )
    listed = read_manifest(meta, ("filename",))
    _check(listed, meta, (*NEEDED, "esc10") if esc10 else NEEDED)
    sounds = Files({path.name: path for path in sorted(audio.iterdir())})
    names = [
        Entry(Path(entry.path.name), extra={**entry.extra, "fold": entry.extra["fold"].strip()}) for entry in listed
    ]
    layout = lay_out(names, sounds, audio, SOUNDS, "meta/esc50.csv")
    entries = [entry for entry in layout.entries if not esc10 or entry.extra["esc10"].strip().lower() in ("true", "1")]
    check_some(entries, "sounds asked for", audio, str(meta))
    return Layout(entries, layout.unlisted)


def _check(listed: Sequence[Entry], meta: Path, needed: Sequence[str]) -> None:
    seen = set[str]()
    for line, entry in enumerate(listed, start=2):
        name = entry.path.name
        for column in needed:
            if not entry.extra.get(column, "").strip():
                raise DataError(
                    f"{meta}, line {line}, column `{column}`: missing or empty; take the list as distributed"
                )
        # Names are FOLD-SOURCE-TAKE-CLASS.
        told, fold = re.match(r"(\d+)-", name), entry.extra["fold"].strip()
        if fold not in FOLDS:
            raise DataError(f"{meta}, line {line}: {name} is in fold '{fold}'; there are {', '.join(FOLDS)}")
        if told and told[1] != fold:
            raise DataError(f"{meta}, line {line}: {name} is of fold {told[1]} by its name, but listed in fold {fold}")
        if name in seen:
            raise DataError(f"{meta}, line {line}: {name} is listed twice")
        seen.add(name)
