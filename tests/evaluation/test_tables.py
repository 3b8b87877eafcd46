from __future__ import annotations

from io import StringIO

from rich.console import Console

from avgdt.evaluation.tables import result_table


def test_pretrained_stands_beside_random_weights_and_chance() -> None:
    way = {"r1": 0.25, "median_rank": 3.0, "candidates": 50}
    table = result_table(
        {
            "protocol": "retrieval",
            "options": {"label": "", "split": "test"},
            "sizes": {"test": 50},
            "skipped": [{"path": "x", "reason": "y"}],
            "pretrained": {"video_to_audio": way, "interval": [0, 1]},
            "random": {"video_to_audio": {**way, "r1": 0.021}},
            "chance": {"video_to_audio": {"r1": 0.02, "median_rank": 25.5, "candidates": 50}},
        }
    )
    console = Console(width=100, record=True, file=StringIO())
    console.print(table)
    lines = [line.strip("│┃ ").split("│") for line in console.export_text().splitlines()]
    cells = [[cell.strip() for cell in line] for line in lines if len(line) == 4]
    assert cells == [
        ["video to audio r1", "25.0 %", "2.1 %", "2.0 %"],
        ["video to audio median rank", "3.0", "3.0", "25.5"],
    ]
    assert "50 test, 1 skipped" in str(table.caption)


def test_spread_over_folds_and_what_was_not_measured() -> None:
    table = result_table(
        {
            "protocol": "esc10",
            "options": {},
            "sizes": {"sounds": 400},
            "skipped": [],
            "unlisted": ["x", "y"],
            "pretrained": {"linear_layer": {"accuracy": 0.62, "accuracy_std": 0.045}},
            "random": {"linear_layer": {"accuracy": 0.6}, "end_to_end": {"accuracy": 0.7, "accuracy_std": 0.0}},
            "chance": {"linear_layer": {"accuracy": 0.1}, "end_to_end": {"accuracy": 0.1}},
        }
    )
    rows = list(zip(*(list(column.cells) for column in table.columns), strict=True))
    assert rows == [
        ("linear layer accuracy", "62.0 % ± 4.5", "60.0 %", "10.0 %"),
        ("end to end accuracy", "–", "70.0 % ± 0.0", "10.0 %"),
    ]
    assert "400 sounds, 2 unlisted" in str(table.caption)
