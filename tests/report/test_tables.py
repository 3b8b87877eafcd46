from __future__ import annotations

from avgdt.report.tables import Figure, table


def test_sounds_in_folds_with_what_was_not_measured() -> None:
    layer = {"accuracy": 0.62, "interval": [0.57, 0.67]}
    told = table(
        {
            "protocol": "esc10",
            "title": "ESC-10",
            "options": {"seed": 0},
            "sizes": {"sounds": 400},
            "skipped": [],
            "pretrained": {"linear_layer": layer},
            "random": {"linear_layer": layer, "end_to_end": {"accuracy": 0.7}},
            "chance": {"linear_layer": {"accuracy": 0.1}, "end_to_end": {"accuracy": 0.1}},
        }
    )
    assert told.title == "ESC-10"
    assert [row.name for row in told.rows] == ["linear layer: right", "trained end to end: right"]
    assert told.rows[0].pretrained.interval == "57 – 67"
    assert told.rows[1].pretrained == Figure("–")
    assert told.rows[1].random.share == 0.7
