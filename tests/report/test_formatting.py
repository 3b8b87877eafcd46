from __future__ import annotations

import os

import pytest

from avgdt.report.formatting import count, duration, hours, millions, percent, printable


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (59, "59 s"),
        (90, "2 min"),
        (3599, "60 min"),
        (3600, "1 h 00 min"),
        (9000, "2 h 30 min"),
        (190_000, "2 days 5 h"),
    ],
)
def test_durations_are_formatted_with_their_unit(seconds: float, words: str) -> None:
    assert duration(seconds) in (words, words.replace("60 min", "1 h 00 min"))


def test_numbers_are_formatted_with_few_digits() -> None:
    assert count(1234567) == "1\u202f234\u202f567"
    assert percent(0.1234) == "12.3\u202f%"
    assert millions(31_300_000) == "31.30 million"
    assert hours(7200) == "2.0 hours"


def test_undecodable_and_control_characters_are_replaced() -> None:
    assert printable("naïve 録音.mp4") == "naïve 録音.mp4"
    assert printable(os.fsdecode(b"a\xffb")) == "a\ufffdb"
    assert (
        printable("a\u202eb\x00\nc") == "a\ufffdb\ufffd\ufffdc"
    )  # U+202E reverses the text and would hide the suffix of the file name
