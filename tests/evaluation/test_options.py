from __future__ import annotations

import json

from avgdt.evaluation.options import told_options
from avgdt.evaluation.protocols.ucf101 import Ucf101
from avgdt.recipes.finetuning import FINETUNINGS


def test_options_are_as_json_reads_them_back() -> None:
    told = told_options(Ucf101(shots=(1, 0), finetuning=FINETUNINGS["released"]()))
    assert json.loads(json.dumps(told)) == told
    assert told["shots"] == [1, 0]
    assert [step["is"] for step in told["finetuning"]["video"]] == ["RandomResizedCrop", "Flip"]


def test_what_changes_nothing_is_left_out() -> None:
    assert told_options(Ucf101(jobs=3, cache=False)) == told_options(Ucf101())
