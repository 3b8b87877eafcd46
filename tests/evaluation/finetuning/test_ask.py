from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from avgdt.evaluation.finetuning.ask import ask
from avgdt.evaluation.finetuning.shown import for_training
from avgdt.evaluation.finetuning.task import Task
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning

# One clip is very sure of class 0, two are fairly sure of class 1. The mean softmax says 1 (0.63); the mean logit, the
# greatest softmax and the first clip say 0.
ONE, TWO = [8.0, 0.0], [0.0, 3.0]


class Opinion(nn.Module):
    """Logits by the clip's place among three, or by the square's."""

    def __init__(self, by_clip: bool) -> None:
        super().__init__()
        self.by_clip, self.squares = by_clip, list[torch.Tensor]()

    def forward(self, view: torch.Tensor) -> torch.Tensor:
        self.squares.append(view)
        if self.by_clip:
            return torch.tensor([ONE, TWO, TWO]).repeat(len(view) // 3, 1)
        return torch.tensor(ONE if len(self.squares) % 3 == 1 else TWO).repeat(len(view), 1)


@pytest.mark.parametrize("by_clip", [True, False])
def test_the_class_is_that_of_the_mean_softmax(
    model: PretrainedModel, task: Task, quick: Finetuning, by_clip: bool
) -> None:
    finetuning = replace(quick, test_clips=3, spatial_crops=1 if by_clip else 3)
    clips = [replace(one, windows=(one.windows[0],) * 3 if by_clip else one.windows[:1]) for one in task.test]
    opinion = Opinion(by_clip)
    guesses, unread = ask(
        for_training(model, finetuning, "video"),
        opinion,  # type: ignore[arg-type]
        replace(task, test=clips),
        finetuning,
    )
    assert unread == {}
    assert guesses.tolist() == [1, 1, 1, 1]
    if not by_clip:  # squares of 24 from pictures of 24 x 32, from left to right, a quarter of it further each
        left, middle, right = opinion.squares[:3]
        assert left.shape[-2:] == (24, 24)
        assert torch.equal(left[..., 4:], middle[..., :20])
        assert torch.equal(middle[..., 4:], right[..., :20])
