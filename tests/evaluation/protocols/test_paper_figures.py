"""Tests of the default settings of the protocols, and of the paper's results in the tables."""

from __future__ import annotations

from avgdt.evaluation import linear_layer, probes
from avgdt.evaluation.protocols import dcase2014, esc50
from avgdt.evaluation.protocols.actions import FROZEN_CLIPS, Hmdb51, Ucf101
from avgdt.evaluation.protocols.esc50 import Esc10, Esc50
from avgdt.evaluation.sub_clips import SubClips
from avgdt.recipes.config import to_plain
from avgdt.recipes.finetuning import FINETUNINGS
from avgdt.recipes.named import paper
from avgdt.report.published import TABLES

SGD = {"is": "Optimiser", "kind": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 0.005, "clip_norm": 0.0}
WARMED_UP = {"is": "Schedule", "warmup_epochs": 2, "warmup_from": 0.0025 / 0.02, "shape": "step"}
PAPER = {
    "is": "Finetuning",
    "optimiser": SGD,
    "schedule": {**WARMED_UP, "epochs": 10, "steps": [6, 8], "step_factor": 0.01},
    "encoder_lr": 1.0,
    "orthogonal": False,
    "batch": 32,
    "clips": 10,
    "test_clips": 10,
    "spatial_crops": 1,
    "frames": 0,
    "video": [],
}
RELEASED = {
    **PAPER,
    "schedule": {**WARMED_UP, "epochs": 12, "steps": [6, 10], "step_factor": 0.05},
    "encoder_lr": 0.1,
    "orthogonal": True,
    "spatial_crops": 3,
    "frames": 32,
    "video": [
        {"is": "RandomResizedCrop", "size": 128, "scale": [0.14, 1.0], "ratio": [3 / 4, 4 / 3]},
        {"is": "Flip", "probability": 0.5},
    ],
}


def test_action_recognition_has_the_settings_of_the_paper() -> None:
    assert {name: to_plain(make()) for name, make in FINETUNINGS.items()} == {"paper": PAPER, "released": RELEASED}
    for options in (Ucf101(), Hmdb51()):
        assert to_plain(options.finetuning) == PAPER
        assert (options.splits, options.shots) == ((1, 2, 3), (0,))
    assert (paper().clip.frames, paper().clip.frame_rate, paper().composition.crop) == (30, 30.0, 112)
    assert FROZEN_CLIPS == 10


def test_sound_classification_has_the_settings_of_the_paper() -> None:
    for esc in (Esc10(), Esc50()):
        assert (esc.epochs, esc.folds) == (100, (1, 2, 3, 4, 5))
    assert (linear_layer.LR, linear_layer.WEIGHT_DECAY, linear_layer.BATCH) == (1e-4, 5e-4, 512)
    assert (SubClips(10, 2.0), SubClips(60, 1.0)) == (esc50.SUB_CLIPS, dcase2014.SUB_CLIPS)
    assert probes.SVM_STRENGTH == 0.01


def test_published_results_equal_the_values_of_the_paper() -> None:
    ours = {table.number: {row.method: row.values for row in table.rows} for table in TABLES}
    assert ours["2"]["GDT (Kinetics-400)"] == {"UCF101": "88.7", "HMDB51": "57.8"}
    assert ours["3"]["GDT (Kinetics-400)"] == {"DCASE2014": "94", "ESC-50": "78.6"}
    pairs = {number: [(row["UCF101"], row["HMDB51"]) for row in ours[number].values()] for number in ("1a", "1b")}
    assert pairs == {
        "1a": [("73.1", "42.7"), ("71.2", "44.4"), ("82.3", "49.4"), ("86.1", "54.3")],
        "1b": [
            *[("77.7", "45.2"), ("83.2", "50.2"), ("82.3", "49.4"), ("86.1", "54.3")],
            *[("81.5", "51.4"), ("86.1", "54.7"), ("82.7", "49.7"), ("86.5", "56.0")],
        ],
    }
