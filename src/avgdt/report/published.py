"""Published results and their sources: the paper's tables, with which runs are compared.

All results are percentages. Results whose source could not be checked are omitted and printed as a dash: AVTS, SoundNet
and L3-Net on DCASE2014, AVTS on ESC-50, XDC (Kinetics-400) and DPC on UCF101 and HMDB51, Shuffle & Learn (sources
differ), and most retrieval results.

The rows of MIL-NCE, XDC and AVID are not taken from the survey of Schiappa et al., which swaps some of their results or
states different pretraining data. The survey does not state from which version of the paper it takes the retrieval
results of GDT. The results of AVTS, CBT, SpeedNet and the older methods are taken from the survey alone: check the
original papers before citing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from avgdt.recipes.config import to_plain
from avgdt.recipes.finetuning import Finetuning
from avgdt.recipes.named import paper

PAPER = "Patrick et al. 2020"
"""Source of results from the paper itself: arXiv 2003.04298."""
COLLECTED = "in Schiappa et al. 2023"
"""Source of results from the survey Self-Supervised Learning for Videos (ACM Computing Surveys 55) and its companion
tables."""
XDC = "Alwassel et al. 2020, models"
"""Source of results from the released models of Self-Supervised Learning by Cross-Modal Audio-Video Clustering."""
AVID = "Morgado et al. 2021, models"
"""Source of results from the released models of Audio-Visual Instance Discrimination with Cross-Modal Agreement."""
LISTED = "in ESC-50's list"
"""Source of results from the list in the description of ESC-50."""


@dataclass(frozen=True)
class Column:
    """One column of a table, and the location of its metric in a result."""

    name: str
    """Heading of the column."""
    protocol: str
    """Evaluation protocol that measures the metric."""
    row: str = ""
    """Row of the result that contains the metric, such as ``finetuned``; empty for the main row."""
    metric: str = "accuracy"
    """Key of the metric in the row; the value is a fraction from 0 to 1."""
    parts: tuple[str, tuple[int, ...]] | None = None
    """Option that selects folds or splits, and the numbers of all folds or splits; results with fewer are not used."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the paper's evaluation, or defaults where the paper states none; results with other options are marked
    with a note."""
    input: Mapping[str, Any] = field(default_factory=dict)
    """Clips and augmentation of the paper's finetuning; results with different values are marked with a note."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Sizes of the complete data set; results on a smaller data set are marked with a note."""


@dataclass(frozen=True)
class Published:
    """One published row of a table."""

    method: str
    """Name of the method, with its pretraining data in brackets."""
    values: Mapping[str, str]
    """Mapping from column name to percentage, as printed."""
    source: str
    """Publication from which the values are taken."""


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper with published results, or a table without them for the user's own data."""

    number: str
    """Number of the table in the paper; empty for own data."""
    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Published, ...]
    ablation: bool = False
    """Whether the table is an ablation; ablations are printed only if requested by name or number."""


_SPLITS, _FOLDS = ("splits", (1, 2, 3)), ("folds", (1, 2, 3, 4, 5))
_FINETUNING = {"finetuning": to_plain(Finetuning())}
_SIZES = {"UCF101": {"recordings": 13320, "classes": 101}, "HMDB51": {"classes": 51}}
_CLIP = paper().clip
_INPUT = {
    **{name: getattr(_CLIP, name) for name in ("frames", "frame_rate", "height", "width")},
    "augmentation": to_plain(paper().composition.video),
}
_ACTION = tuple(
    Column(name, name.lower(), "finetuned", parts=_SPLITS, options=_FINETUNING, input=_INPUT, sizes=sizes)
    for name, sizes in _SIZES.items()
)
_RETRIEVAL = tuple(
    Column(f"{name} R@{k}", name.lower(), "retrieval", f"r{k}", _SPLITS, sizes=sizes)
    for name, sizes in _SIZES.items()
    for k in (1, 5, 20)
)


def _action(method: str, ucf101: str, hmdb51: str, source: str) -> Published:
    return Published(method, {"UCF101": ucf101, "HMDB51": hmdb51}, source)


def _first_five(method: str, ucf101: str, hmdb51: str = "") -> Published:
    values = {"UCF101 R@5": ucf101} | ({"HMDB51 R@5": hmdb51} if hmdb51 else {})
    return Published(method, values, COLLECTED)


TABLES = (
    PaperTable(
        "2",
        "action",
        "Action recognition, finetuned: mean top-1 accuracy of the three splits",
        _ACTION,
        (
            _action("ImageNet, with labels", "84.0", "48.1", XDC),
            _action("Kinetics, with labels", "94.2", "65.1", XDC),
            _action("OPN (UCF101)", "59.8", "23.8", COLLECTED),
            _action("3D RotNet (Moments in Time)", "62.9", "33.7", COLLECTED),
            _action("3D ST-Puzzle (Kinetics)", "65.8", "33.7", COLLECTED),
            _action("ClipOrder (UCF101)", "72.4", "30.9", COLLECTED),
            _action("CBT (Kinetics)", "79.5", "44.6", COLLECTED),
            _action("SpeedNet (Kinetics)", "81.1", "48.8", COLLECTED),
            _action("AVTS (Kinetics)", "85.8", "56.9", COLLECTED),
            _action("AVID (Kinetics-400)", "86.9", "59.9", AVID),
            _action("AVID+CMA (Kinetics-400)", "87.5", "60.8", AVID),
            _action("AVID+CMA (AudioSet)", "91.5", "64.7", AVID),
            _action("XDC (AudioSet)", "93.0", "63.7", XDC),
            _action("XDC (IG-Kinetics)", "95.5", "68.9", XDC),
            _action("GDT (Kinetics-400)", "88.7", "57.8", f"{PAPER}, Table 2"),
        ),
    ),
    PaperTable(
        "3",
        "sound",
        "Sound classification on frozen features: accuracy",
        (
            Column("DCASE2014", "dcase2014", sizes={"train": 100, "test": 100}),
            Column("ESC-50", "esc50", parts=_FOLDS, options={"epochs": 100}, sizes={"sounds": 2000, "classes": 50}),
        ),
        (
            Published("Random forest, with labels", {"ESC-50": "44.3"}, f"Piczak 2015, {LISTED}"),
            Published("ConvNet, with labels", {"ESC-50": "64.5"}, f"Piczak 2015, {LISTED}"),
            Published("SoundNet (unlabelled videos)", {"ESC-50": "74.2"}, f"Aytar et al. 2016, {LISTED}"),
            Published("L3-Net (unlabelled videos)", {"ESC-50": "79.3"}, f"Arandjelović and Zisserman 2017, {LISTED}"),
            Published("GDT (Kinetics-400)", {"DCASE2014": "94", "ESC-50": "78.6"}, f"{PAPER}, Table 3"),
            Published("Human listeners", {"ESC-50": "81.3"}, f"Piczak 2015, {LISTED}"),
        ),
    ),
    PaperTable(
        "A.1",
        "retrieval",
        "Video retrieval: test videos with a video of the same class among the k nearest training videos (R@k)",
        _RETRIEVAL,
        (
            _first_five("OPN (UCF101)", "28.7"),
            _first_five("SpeedNet (Kinetics)", "28.1"),
            _first_five("ClipOrder (UCF101)", "30.3", "22.9"),
            _first_five("SeLaVi (Kinetics)", "68.6", "47.6"),
            _first_five("GDT (Kinetics)", "79.0", "51.7"),
        ),
    ),
    PaperTable(
        "1a",
        "jittering",
        "Temporal jittering, finetuned: top-1 accuracy",
        _ACTION,
        (
            _action("GDT without jittering, 50 epochs", "73.1", "42.7", f"{PAPER}, Table 1a"),
            _action("GDT without jittering, 100 epochs", "71.2", "44.4", f"{PAPER}, Table 1a"),
            _action("GDT with jittering, 50 epochs", "82.3", "49.4", f"{PAPER}, Table 1a"),
            _action("GDT with jittering, 100 epochs", "86.1", "54.3", f"{PAPER}, Table 1a"),
        ),
        ablation=True,
    ),
    PaperTable(
        "1b",
        "augmentation",
        "SpecAugment and synchronous or independent windows, finetuned: top-1 accuracy",
        _ACTION,
        (
            _action("GDT without SpecAugment, independent windows, 50 epochs", "77.7", "45.2", f"{PAPER}, Table 1b"),
            _action("GDT without SpecAugment, independent windows, 100 epochs", "83.2", "50.2", f"{PAPER}, Table 1b"),
            _action("GDT without SpecAugment, synchronous windows, 50 epochs", "82.3", "49.4", f"{PAPER}, Table 1b"),
            _action("GDT without SpecAugment, synchronous windows, 100 epochs", "86.1", "54.3", f"{PAPER}, Table 1b"),
            _action("GDT with mild SpecAugment, 50 epochs", "81.5", "51.4", f"{PAPER}, Table 1b"),
            _action("GDT with mild SpecAugment, 100 epochs", "86.1", "54.7", f"{PAPER}, Table 1b"),
            _action("GDT with strong SpecAugment, 50 epochs", "82.7", "49.7", f"{PAPER}, Table 1b"),
            _action("GDT with strong SpecAugment, 100 epochs", "86.5", "56.0", f"{PAPER}, Table 1b"),
        ),
        ablation=True,
    ),
    PaperTable(
        "",
        "own",
        "Own data: accuracy of probes, and retrieval across modalities",
        (
            Column("linear probe", "linear"),
            Column("nearest neighbours", "knn"),
            Column("R@1 video to audio", "retrieval", "video_to_audio", "r1"),
            Column("R@1 audio to video", "retrieval", "audio_to_video", "r1"),
        ),
        (),
    ),
)
"""Tables of the paper and the table for own data, in the order in which they are printed."""
