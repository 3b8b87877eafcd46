from __future__ import annotations

import os

import pytest

from avgdt.report.wording import count, duration, hours, millions, ordinal, percent, printable


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
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) in (words, words.replace("60 min", "1 h 00 min"))


def test_numbers() -> None:
    assert count(1234567) == "1\u202f234\u202f567"
    assert percent(0.1234) == "12.3\u202f%"
    assert millions(31_300_000) == "31.30 million"
    assert hours(7200) == "2.0 hours"
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112, 122)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "122nd",
    ]  # fmt: skip


def test_names_become_text_that_can_be_written() -> None:
    assert printable("naïve 録音.mp4") == "naïve 録音.mp4"
    assert printable(os.fsdecode(b"a\xffb")) == "a\ufffdb"
    assert printable("a\u202eb\x00\nc") == "a\ufffdb\ufffd\ufffdc"  # turned round, it would hide its ending
