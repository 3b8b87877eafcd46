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
