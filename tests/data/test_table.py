"""Tests of tables written by hand or by spreadsheets: unambiguous formats are read, others raise errors."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from avgdt.data.errors import DataError, ManifestError, NotText
from avgdt.data.manifest import read_manifest, write_manifest
from avgdt.data.scan import scan
from avgdt.data.selection import list_recordings
from avgdt.data.splits import split_name
from avgdt.evaluation.segments import labels, segments
from tests.helpers.folders import write_folder

TEXT = "path,label,split\na.mp4,dog,train\nsub/b.mp4,cat,test\n"
FORMS = {
    "plain": TEXT.encode(),
    "semicolons": TEXT.replace(",", ";").encode(),
    "tabs": TEXT.replace(",", "\t").encode(),
    "semicolons and a byte-order mark": codecs.BOM_UTF8 + TEXT.replace(",", ";").encode(),
    "Windows": codecs.BOM_UTF8 + TEXT.replace(",", ";").replace("\n", "\r\n").encode(),
    "old Macintosh": TEXT.replace("\n", "\r").encode(),
    "Excel": codecs.BOM_UTF8 + ("sep=;\r\n" + TEXT.replace(",", ";").replace("\n", "\r\n")).encode(),
    "Excel, saved again": ("sep=;;;\r\n" + TEXT.replace(",", ";").replace("\n", "\r\n")).encode(),
    "Excel, quoted": ('"SEP=;"\n' + TEXT.replace(",", ";")).encode(),
    "Excel for Macintosh, tabs": ("sep=\t\n" + TEXT.replace(",", "\t")).replace("\n", "\r").encode(),
    "Excel, wrong separator": ("sep=,\n" + TEXT.replace(",", ";")).encode(),
    "single quotes": b"'path','label' , 'split'\n'a.mp4', 'dog' ,'train'\nsub/b.mp4,'cat',test\n",
    "curved quotes": "\u201cpath\u201d,label,split\na.mp4,\u201edog\u201c,train\nsub/b.mp4,cat,test\n".encode(),
    "DOS": TEXT.replace("\n", "\r\n").encode() + b"\x1a",
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16, big-endian, semicolons": codecs.BOM_UTF16_BE + TEXT.replace(",", ";").encode("utf-16-be"),
    "UTF-16 without a byte-order mark": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "blanks": b"\n path , label,\tsplit \n  a.mp4 ,dog ,\xc2\xa0train\n sub/b.mp4,\xe3\x80\x80cat , test\xef\xbb\xbf\n",
    "quoted": b'"path","label","split"\n"a.mp4" , " dog ", "train"\n\xc2\xa0"sub/b.mp4" ,"cat\xc2\xa0",test\n',
    "empty cells": b"path,label,split,,\na.mp4,dog,train,,\n,,,,\n\nsub/b.mp4,cat,test,,\n,,,,\n",
    "capitals": TEXT.replace("path,label,split", "Path,Label,SPLIT").encode(),
    "backslashes": TEXT.replace("/", "\\").encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_a_list_give_the_same_entries(tmp_path: Path, form: str) -> None:
    (tmp_path / "list.csv").write_bytes(FORMS[form])
    (tmp_path / "sub").mkdir()
    for name in ("a.mp4", "sub/b.mp4"):
        (tmp_path / name).touch()
    assert [(entry.path, entry.extra) for entry in read_manifest(tmp_path / "list.csv")] == [
        (tmp_path / "a.mp4", {"label": "dog", "split": "train"}),
        (tmp_path / "sub" / "b.mp4", {"label": "cat", "split": "test"}),
    ]


def test_decimal_commas_and_quoted_separators_are_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('path;duration;start;end;label\na.mp4;1,5;0,25;1,0;"a;b, ""c"" , d"\n')
    (entry,) = read_manifest(path)
    assert entry.duration == 1.5
    assert entry.extra == {"start": "0.25", "end": "1.0", "label": 'a;b, "c" , d'}


@pytest.mark.parametrize("separator", ["\t", "|", ";"])
def test_decimal_commas_are_read_if_another_character_separates_columns(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "path,Start,Word_END,label\na.mp4,0.25,1.5,x".replace(",", separator).replace(".2", ",2").replace("1.5", "1,5")
    )
    (entry,) = read_manifest(path)
    assert entry.extra == {"start": "0.25", "Word_END": "1.5", "label": "x"}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("Start (s)", "End (s)"),
        ("Start Time [sec]", "end time [sec]"),
        ("ONSET", "Offset"),
        ("begin", "Stop_Time"),
        ("startSec", "endSec"),
        ("start_seconds", "stop_seconds"),
        ("START", "stop"),
    ],
)
def test_segment_columns_may_have_other_names(tmp_path: Path, start: str, end: str) -> None:
    (tmp_path / "list.csv").write_text(f"path,{start},{end}\na.mp4,0.5,1.5\n")
    (entry,) = read_manifest(tmp_path / "list.csv")
    assert entry.extra == {"start": "0.5", "end": "1.5"}


@pytest.mark.parametrize(
    ("start", "end"), [("start_ms", "end_ms"), ("Start Frame", "stop_frame"), ("start_timestamp", "stop_timestamp")]
)
def test_segments_in_other_units_raise_an_error(tmp_path: Path, start: str, end: str) -> None:
    (tmp_path / "list.csv").write_text(f"path,{start},{end}\na.mp4,500,1500\n")
    with pytest.raises(
        ManifestError, match=rf"line 1: the columns `{start}` and `{end}` look like segments, .* in seconds"
    ):
        read_manifest(tmp_path / "list.csv")
    (tmp_path / "list.csv").write_text(f"path,{start},{end},start,end\na.mp4,500,1500,0.5,1.5\n")
    assert read_manifest(tmp_path / "list.csv")[0].extra["start"] == "0.5"


def test_other_columns_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,offset,time_start,time_end,stop_frame\na.mp4,1,2,3,4\n")
    (entry,) = read_manifest(tmp_path / "list.csv")
    assert list(entry.extra) == ["offset", "time_start", "time_end", "stop_frame"]


@pytest.mark.parametrize(
    "columns", ["word,word_start,word_end", "word,Word_Start,WORD_END", "Word,word_start,word_end"]
)
def test_segment_columns_of_a_label_match_regardless_of_case(tmp_path: Path, columns: str) -> None:
    (tmp_path / "list.csv").write_text(f"path,{columns}\na.mp4,x,0.5,1.5\n")
    entries = read_manifest(tmp_path / "list.csv")
    assert [segment.seconds for segment in segments(entries, columns.split(",")[0])] == [(0.5, 1.5)]
    assert labels(entries) == [columns.split(",")[0]]


def test_a_list_in_windows_1252_is_read(tmp_path: Path) -> None:
    (tmp_path / "Gr\u00f6\u00dfe").mkdir()
    (tmp_path / "Gr\u00f6\u00dfe" / "a.mp4").touch()
    (tmp_path / "list.csv").write_bytes("path\nGr\u00f6\u00dfe\\a.mp4\n".encode("cp1252"))
    assert read_manifest(tmp_path / "list.csv")[0].path == tmp_path / "Gr\u00f6\u00dfe" / "a.mp4"


@pytest.mark.parametrize("name", ["C:\\films\\a.mp4", "d:/films/a.mp4", "\\\\server\\films\\a.mp4"])
def test_windows_paths_are_named_in_the_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "list.csv").write_text(f"path\n{name}\n")
    shown = name.replace("\\", "/")
    with pytest.raises(DataError, match=f"; {shown} is a Windows path; write paths relative to the folder of the list"):
        list_recordings(tmp_path / "list.csv", 1)


@pytest.mark.parametrize("name", [" a.mp4", "a.mp4 ", "back\\slash.mp4", "\x01control.mp4", '"q" .mp4', "\u00a0b.mp4"])
def test_unusual_file_names_are_read_back_unchanged(tmp_path: Path, name: str) -> None:
    (write_folder(tmp_path / "films", 1) / "00.mkv").rename(tmp_path / "films" / name)
    write_manifest(scan(tmp_path / "films", workers=1), tmp_path / "list.csv")
    assert [entry.path.name for entry in read_manifest(tmp_path / "list.csv")] == [name]
    assert not list_recordings(tmp_path / "list.csv", 1)[0].error


NFC, NFD = "Gr\u00f6\u00dfe/caf\u00e9.mp4", "Gro\u0308\u00dfe/cafe\u0301.mp4"


@pytest.mark.parametrize("there", [NFC, NFD, NFC[:5] + NFD[6:], NFD[:6] + NFC[5:]])
@pytest.mark.parametrize("listed", [NFC, NFD, f" {NFD} ", NFC.replace("/", "\\"), "absolute"])
def test_files_are_found_in_any_unicode_normalisation(tmp_path: Path, listed: str, there: str) -> None:
    (tmp_path / there).parent.mkdir()
    (tmp_path / there).touch()
    name = str(tmp_path / NFC) if listed == "absolute" else listed
    (tmp_path / "list.csv").write_text(f"path\n{name}\n")
    assert [entry.path for entry in read_manifest(tmp_path / "list.csv")] == [tmp_path / there]


def test_an_exact_name_takes_precedence_over_its_normalised_form(tmp_path: Path) -> None:
    for name in ("\u00e9.mp4", "e\u0301.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "list.csv").write_text("path\ne\u0301.mp4\n\u00e9.mp4\na\u0308.mp4\n")
    assert [entry.path.name for entry in read_manifest(tmp_path / "list.csv")] == [
        *("e\u0301.mp4", "\u00e9.mp4", "a\u0308.mp4")
    ]


def test_cells_and_column_names_are_normalised_to_nfc(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,gro\u0308\u00dfe\na.mp4,cafe\u0301\nb.mp4,caf\u00e9\n")
    entries = read_manifest(tmp_path / "list.csv")
    assert [entry.extra for entry in entries] == [{"gr\u00f6\u00dfe": "caf\u00e9"}] * 2
    for label in ("gro\u0308\u00dfe", "gr\u00f6\u00dfe"):
        assert {segment.label for segment in segments(entries, label)} == {"caf\u00e9"}
    assert split_name("e\u0301") == split_name("\u00e9")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name;label\na;b\n", "line 1: no column `path` or `file` among name, label (separated by `;`)"),
        ("a.mp4 0\nb.mp4 1\n", "line 1: no column `path` or `file` among a.mp4 0; the first line must name the col"),
        ("x" * 100_000, "among " + "x" * 120 + " ..."),
        (",,\n;;\n", "empty"),
        ("sep=;\n;;\n", "empty"),
        ('path,label\n"a.mp4 ,b\n', "not CSV"),
        ("x" * 200_000, "line 1: not CSV"),
    ],
)
def test_invalid_tables_raise_a_short_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(ManifestError) as raised:
        read_manifest(tmp_path / "list.csv")
    assert message in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_list_cut_off_within_a_character_raises_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(TEXT.encode("utf-16")[:-1])
    with pytest.raises(ManifestError, match=r"looks like UTF-16, but is not valid .*save it as UTF-8"):
        read_manifest(tmp_path / "list.csv")


def test_a_media_file_may_be_given_in_place_of_a_list(tmp_path: Path) -> None:
    film = write_folder(tmp_path, 1) / "00.mkv"
    with pytest.raises(NotText, match=r"00.mkv: not a text file"):
        read_manifest(film)
    (entry,) = list_recordings(film, 1)
    assert (entry.path, entry.error) == (film, "")
    film.rename(tmp_path / "list.csv")
    with pytest.raises(ManifestError, match="save a spreadsheet as CSV"):
        list_recordings(tmp_path / "list.csv", 1)


def test_a_list_without_existing_files_raises_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lists").mkdir()
    path = tmp_path / "lists" / "list.csv"
    path.write_text("path\nfilms\\00.mkv\nfilms\\01.mkv\n")
    with pytest.raises(
        DataError, match=r"none of its 2 files exists; the first is .*lists/films/00.mkv; paths are rel"
    ):
        list_recordings(path, 1)
    write_folder(tmp_path / "films", 2)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"films/00.mkv exists in the current folder: move the list here"):
        list_recordings(path, 1)
