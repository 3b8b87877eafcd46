"""The few numbers at the top of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from avgdt.evaluation.results import Result, at
from avgdt.report.headline_row import headline_row
from avgdt.report.judging import places_counted
from avgdt.report.matching import Matches
from avgdt.report.run_folder import RunFolder
from avgdt.report.tables import words
from avgdt.report.wording import percent

INKS = {"esc10": "sound", "esc50": "sound", "dcase2014": "sound", "ucf101": "picture", "hmdb51": "picture"}
"""What the data sets of the paper ask about."""


@dataclass(frozen=True)
class Headline:
    """One number and what it must be compared with."""

    name: str
    ink: str
    """picture, sound or both: the colour."""
    value: str
    random: str
    """Of random weights; empty where it was not measured."""
    chance: str


def headlines(run: RunFolder, matches: Matches | None) -> list[Headline]:
    """Retrieval both ways among what was not learnt from, the newest probe of each modality, and of each data set."""
    told = [*_found(matches)] if matches else [*_watched(run)]
    return [*told, *_probes(run.results), *_sets(run.results)]


def _probes(results: Sequence[Result]) -> Iterator[Headline]:
    probed = set[str]()
    for result in results:
        modality = str(result["options"].get("modality"))
        if result["protocol"] != "linear" or modality in probed:
            continue
        probed.add(modality)
        seen = {"video": "picture", "audio": "sound"}[modality]
        name = f"of test {seen}s put into the right one of {len(result['classes'])} classes by a linear probe"
        yield _shares(result, (), name, seen)


def _sets(results: Sequence[Result]) -> Iterator[Headline]:
    """The row that stands for each protocol of a data set of the paper, or with folds or splits."""
    told = set[str]()
    for result in results:
        protocol, path = str(result["protocol"]), headline_row(result)
        row = None if path is None else at(result["pretrained"], path)
        if path is None or row is None or protocol in told:
            continue
        if protocol not in INKS and "folds" not in row:
            continue
        told.add(protocol)
        by = f" ({words(path[0]).rstrip(':')})" if path else ""
        name = f"of {result.get('title', protocol.upper())} put into the right one of {len(result['classes'])} classes"
        yield _shares(result, path, name + by, INKS.get(protocol, "both"))


def _shares(result: Result, path: tuple[str, ...], name: str, ink: str) -> Headline:
    values = (at(result[source], (*path, "accuracy")) for source in ("pretrained", "random", "chance"))
    return Headline(name, ink, *("" if value is None else percent(value) for value in values))


def _found(matches: Matches) -> list[Headline]:
    first = places_counted(len(matches.names))
    return [
        _way(
            way,
            first,
            len(matches.names),
            matches.ways[way][f"r{first}"],
            percent(matches.random_ways[way][f"r{first}"]),
        )
        for way in ("video_to_audio", "audio_to_video")
    ]


def _watched(run: RunFolder) -> list[Headline]:
    """What the run itself last saw; random weights were not measured there."""
    if not run.heldout:
        return []
    last = run.heldout[-1]
    count = int(last["video_to_audio"]["gallery"])
    first = places_counted(count)
    return [_way(way, first, count, last[way][f"r{first}"], "") for way in ("video_to_audio", "audio_to_video")]


def _way(way: str, first: int, count: int, share: float, random: str) -> Headline:
    found, by, ink = ("sound", "picture", "picture") if way == "video_to_audio" else ("picture", "sound", "sound")
    places = "first" if first == 1 else f"among the first {first}"
    return Headline(
        f"of new recordings: their {found} found by the {by}, {places} of {count}",
        ink,
        percent(share),
        random,
        percent(min(1.0, first / count)),
    )
