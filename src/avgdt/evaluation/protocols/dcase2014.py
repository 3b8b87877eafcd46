"""DCASE2014 (section 4.2): acoustic scene classification by a linear SVM on frozen features.

In the paper, each scene is cut into sixty 1-second sub-clips. A one-vs-rest linear SVM with C = 0.01 is fitted on all
sub-clips of the development set, and the decision values are averaged over the sub-clips of a test scene. The paper
does not specify the features. Here, they are computed as for ESC-50: the output of the last convolution, max-pooled
over three time steps (1024 features of a ResNet-18 for one second of audio). k-nearest neighbours is evaluated as a
control, with k selected on a part of the training set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from avgdt.data.benchmarks.dcase2014 import read_layout
from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.folds import train_test_fold
from avgdt.evaluation.probes import linear_svm_fold, nearest_neighbours_fold
from avgdt.evaluation.sub_clips import SubClipOptions, SubClips, sub_clip_metrics

SUB_CLIPS = SubClips(60, 1.0)


@dataclass(frozen=True)
class Dcase2014(SubClipOptions):
    """DCASE2014 protocol: 30-second scenes of ten classes, with a linear SVM on frozen sub-clip features."""

    name: ClassVar[str] = "dcase2014"
    title: ClassVar[str] = "DCASE2014"
    summary: ClassVar[str] = "acoustic scene classification on frozen features of sixty sub-clips each"

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Fit the classifiers on the development set and test them on the private set.

        ``comparison.data`` is the folder that contains the two sets.
        """
        _, folds, result = sub_clip_metrics(
            self,
            comparison,
            read_layout(comparison.data),
            SUB_CLIPS,
            columns=("split", "label"),
            split=train_test_fold,
            probes={
                "linear_svm": linear_svm_fold,
                "nearest_neighbours": lambda x, folds, fold: nearest_neighbours_fold(x.mean(axis=1), folds, fold),
            },
            settings={},
        )
        (fold,) = folds.folds
        sizes = {"train": len(fold.train_val), "test": len(fold.test), "classes": len(folds.classes)}
        return {"sizes": sizes, **result}
