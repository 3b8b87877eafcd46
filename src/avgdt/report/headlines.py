"""The few numbers at the top of the page."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.report.judging import places_counted
from avgdt.report.matching import Matches
from avgdt.report.run_folder import RunFolder
from avgdt.report.wording import percent


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
    """Retrieval both ways among recordings that were not learnt from, and the newest probe of each modality."""
    told = [*_found(matches)] if matches else [*_watched(run)]
    probed = set[str]()
    for result in run.results:
        options = result["options"]
        modality = str(options.get("modality"))
        if result["protocol"] != "linear" or modality in probed:
            continue
        probed.add(modality)
        seen = {"video": "picture", "audio": "sound"}[modality]
        name = f"of test {seen}s put into the right one of {len(result['classes'])} classes by a linear probe"
        values = (percent(result[source]["accuracy"]) for source in ("pretrained", "random", "chance"))
        told.append(Headline(name, seen, *values))
    return told


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
    count = int(last["video_to_audio"]["candidates"])
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
