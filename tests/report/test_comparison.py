from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avgdt.report import comparison
from avgdt.report.comparison import as_latex, as_text, compare_runs
from avgdt.report.errors import ReportError
from tests.helpers.recipes import tiny
from tests.report.evaluated import esc50, ucf101

Make = Callable[..., Path]


def test_the_standard_deviation_over_splits_is_computed_if_it_is_not_recorded(make: Make) -> None:
    (action,) = compare_runs([make("one", ucf101(0, [0.2, 0.3, 0.4], 0.1))], "action")
    assert action.runs[0] == ("one", "30.0 ± 10.0", "–", "measured here")
    assert action.runs[1] == ("one, random weights", "–", "–", "measured here")
    assert action.notes == ("± is the standard deviation over 3 splits: one",)


def test_only_tables_with_values_are_listed(make: Make) -> None:
    run = make("one", ucf101(0, [0.2], 0.1))
    assert [table.title.split(". ")[0] for table in compare_runs([run])] == ["Table 2", "Table A.1"]
    assert compare_runs([run], "1a")[0].published[0][1:3] == ("73.1", "42.7")


def test_runs_with_equal_random_weights_count_once(make: Make) -> None:
    runs = [make(f"grid-{seed}", esc50(7, accuracy), seed=seed) for seed, accuracy in enumerate((0.5, 0.54))]
    (table,) = compare_runs(runs, "sound")
    assert [row[2] for row in table.runs] == ["52.0 ± 2.8", "30.0 ± 1.0"]
    assert table.notes[1] == "± is the standard deviation over 5 folds: grid, random weights"


def test_different_recipes_are_different_rows(make: Make) -> None:
    longer = replace(tiny().schedule, epochs=9)
    runs = [make(f"a/{seed}/grid", esc50(0, 0.5), seed=seed) for seed in (0, 1)]
    runs += [make(f"grid-{seed}", esc50(0, 0.6), seed=seed, schedule=longer) for seed in (0, 1)]
    (table,) = compare_runs(runs)
    assert [row[0] for row in table.runs[::2]] == ["grid, grid", "grid-0, grid-1"]


def test_results_on_own_data_have_a_table_without_published_rows(make: Make) -> None:
    def result(protocol: str, seed: int, pretrained: dict[str, Any], random: dict[str, Any]) -> dict[str, Any]:
        return {
            "protocol": protocol,
            "options": {"seed": seed},
            "sizes": {},
            "pretrained": pretrained,
            "random": random,
            "chance": random,
        }

    def run(seed: int, linear: float, recall: float) -> Path:
        recalls = {"video_to_audio": {"r1": recall}, "audio_to_video": {"r1": 2 * recall}}
        chance = {"video_to_audio": {"r1": 0.01}, "audio_to_video": {"r1": 0.01}}
        results = (
            result("linear", seed, {"accuracy": linear}, {"accuracy": 0.25}),
            result("retrieval", seed, recalls, chance),
        )
        return make(f"mine-{seed}", *results, seed=seed)

    (table,) = compare_runs([run(0, 0.5, 0.125), run(1, 0.75, 0.25)])
    assert table.title == "Own data: accuracy of probes, and retrieval across modalities, %"
    assert table.published == ()
    assert table.runs == (
        ("mine", "62.5 ± 17.7", "–", "18.8 ± 8.8", "37.5 ± 17.7", "measured here"),
        ("mine, random weights", "25.0 ± 0.0", "–", "1.0 ± 0.0", "1.0 ± 0.0", "measured here"),
    )
    assert as_latex(table).count(r"\midrule") == 1
    assert "mine, random weights" in as_text(table)
    assert compare_runs([run(2, 0.5, 0.5)], "own")[0].runs[0][1] == "50.0"


def test_published_values_appear_in_their_columns() -> None:
    for table in comparison.TABLES:
        names = {column.name for column in table.columns}
        for row in table.rows:
            assert row.source
            assert row.values.keys() <= names
            assert all(0 < float(value) < 100 for value in row.values.values())


def test_invalid_runs_and_table_names_raise_errors(make: Make, tmp_path: Path) -> None:
    run = make("grid-0", esc50(0, 0.5))
    for paths, name, words in (
        ([tmp_path / "none"], "", "none: no such run"),
        ([tmp_path], "", "not a run, since it has no config.yaml"),
        ([make("empty")], "", "empty: no results yet"),
        ([run], "sounds", "table: 'sounds' is unknown; did you mean 'sound'?"),
        ([run], "2", "no results for the table; run `avgdt evaluate` with one of ucf101, hmdb51 first"),
        ([run, make("b/grid-0", esc50(0, 0.5))], "", "the same recipe and seed as"),
        (
            [run, make("grid-1", esc50(1, 0.5, epochs=9), seed=1)],
            "",
            "grid-1: esc50 was evaluated with epochs 9, but the other seeds with",
        ),
    ):
        with pytest.raises(ReportError, match=words.replace("?", r"\?")):
            compare_runs(paths, name)


def test_damaged_results_are_named(make: Make) -> None:
    run = make("grid", esc50(0, 0.5))
    (run / "results" / "esc50.json").write_text("{")
    with pytest.raises(Exception, match=r"esc50\.json: not the result"):
        compare_runs([run])


def _options(result: dict[str, Any], **options: object) -> dict[str, Any]:
    return {**result, "options": {**result["options"], **options}}


def test_only_results_of_all_splits_are_listed(make: Make) -> None:
    one_split = _options(ucf101(0, [0.9], 0.5), splits=[1])
    with pytest.raises(ReportError, match="no results for the table"):
        compare_runs([make("run", one_split)], "action")
    whole = _options(ucf101(0, [0.5, 0.6, 0.7], 0.5), splits=[1, 2, 3])
    frozen = _options({**whole, "pretrained": {"linear_probe": {"accuracy": 0.1}}}, splits=[1, 2, 3], finetune=False)
    (table,) = compare_runs([make("other", whole, frozen, one_split)], "action")
    assert table.runs[0][1] == "60.0 ± 10.0"


def test_options_that_differ_from_the_paper_are_noted(make: Make) -> None:
    result = _options(esc50(0, 0.5), folds=[1, 2, 3, 4, 5], epochs=0)
    (table,) = compare_runs([make("run", {**result, "skipped": [{"path": "a.wav"}]})], "sound")
    assert table.notes[-2:] == (
        "ESC-50 with epochs 0, not 100: run; run, random weights",
        "ESC-50 without 1 of its recordings: run; run, random weights",
    )


def test_finetuning_inputs_that_differ_from_the_paper_are_noted(make: Make) -> None:
    flip = {"is": "Flip", "probability": 0.5}
    clip = {"frames": 30, "frame_rate": 30.0, "height": 128, "width": 171}
    papers = {**clip, "augmentation": [{"is": "RandomCrop", "size": 112}, flip]}
    others = {**clip, "frames": 16, "height": 86, "augmentation": [{"is": "RandomCrop", "size": 64}, flip]}
    for inputs, remarks in (
        (papers, []),
        (others, ["frames 16, not 30", "height 86, not 128", "a different augmentation from that in the paper"]),
    ):
        result = {**ucf101(0, [0.2, 0.3, 0.4], 0.1), "training_input": inputs}
        (table,) = compare_runs([make(f"run{len(remarks)}/a", result)], "action")
        assert [note for note in table.notes if "with" in note] == [f"UCF101 with {one}: a" for one in remarks]


def test_seeds_on_different_data_are_noted(make: Make) -> None:
    runs = [make(f"grid-{seed}", {**esc50(seed, 0.5), "data": f"/data/{seed}"}, seed=seed) for seed in (0, 1)]
    (table,) = compare_runs(runs, "sound")
    assert table.notes[-1] == "ESC-50: evaluated on different data (/data/0, /data/1): grid; grid, random weights"


def test_results_of_other_weights_in_the_folder_are_ignored(make: Make, tmp_path: Path) -> None:
    own = {**esc50(0, 0.5), "weights": str(tmp_path / "run" / "weights.safetensors")}
    other = {**esc50(0, 0.1), "weights": str(tmp_path / "other" / "weights.safetensors")}
    (table,) = compare_runs([make("run", own, other)], "sound")
    assert table.runs[0][2] == "50.0 ± 2.0"
    (moved,) = compare_runs([make("moved", own)], "sound")
    assert moved.runs[0][2] == "50.0 ± 2.0"


def test_an_incomplete_data_set_is_noted(make: Make) -> None:
    few = {**esc50(0, 0.5), "sizes": {"sounds": 45, "classes": 3, "folds": 5}}
    (table,) = compare_runs([make("run", few)], "sound")
    assert table.notes[-2:] == (
        "ESC-50 with 45 of 2000 sounds: run; run, random weights",
        "ESC-50 with 3 of 50 classes: run; run, random weights",
    )


def test_options_of_other_rows_do_not_separate_seeds(make: Make) -> None:
    runs = [make(f"grid-{seed}", esc50(seed, 0.5 + seed / 10, scratch=seed == 0), seed=seed) for seed in (0, 1)]
    (table,) = compare_runs(runs, "sound")
    assert table.runs[0][2] == "55.0 ± 7.1"
