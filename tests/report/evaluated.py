"""Results of evaluations, for tests of tables."""

from __future__ import annotations

from typing import Any


def folds(accuracy: float, std: float = 0.02, count: int = 5) -> dict[str, Any]:
    return {"accuracy": accuracy, "accuracy_std": std, "folds": [{"fold": str(i)} for i in range(count)]}


def esc50(seed: int, accuracy: float, random: float = 0.3, **options: object) -> dict[str, Any]:
    rows = ("linear_layer", "logistic_regression")
    return {
        "protocol": "esc50",
        "options": {"epochs": 100, "seed": seed, **options},
        "sizes": {"sounds": 2000, "classes": 50, "folds": 5},
        "pretrained": dict(zip(rows, (folds(accuracy), folds(0.9)), strict=True)),
        "random": dict(zip(rows, (folds(random, 0.01), folds(0.8)), strict=True)),
        "chance": {row: {"accuracy": 0.02} for row in rows},
    }


def ucf101(seed: int, finetuned: list[float], first: float) -> dict[str, Any]:
    tested = {
        "accuracy": sum(finetuned) / len(finetuned),
        "folds": [{"fold": str(i + 1), "accuracy": one} for i, one in enumerate(finetuned)],
    }
    return {
        "protocol": "ucf101",
        "options": {"seed": seed},
        "sizes": {"recordings": 13320, "classes": 101, "splits": 3},
        "pretrained": {"finetuned": tested, "retrieval": {"r1": first, "r5": 0.5}},
        "random": {"retrieval": {"r1": 0.01, "r5": 0.05}},
        "chance": {"finetuned": {"accuracy": 1 / 101}, "retrieval": {"r1": 0.01, "r5": 0.05}},
    }
