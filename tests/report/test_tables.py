from __future__ import annotations

from avgdt.report.tables import Value, table


def test_a_missing_value_of_a_protocol_with_folds_is_shown_as_missing() -> None:
    layer = {"accuracy": 0.62, "interval": [0.57, 0.67]}
    shown_table = table(
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
    assert shown_table.title == "ESC-10"
    assert [row.name for row in shown_table.rows] == ["linear layer, accuracy", "trained end to end, accuracy"]
    assert shown_table.rows[0].pretrained.interval == "57 – 67"
    assert shown_table.rows[1].pretrained == Value("–")
    assert shown_table.rows[1].random.fraction == 0.7
