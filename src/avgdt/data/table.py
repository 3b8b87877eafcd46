"""Reader of CSV files with the encodings, separators and white space that spreadsheet programs write."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from avgdt.data.errors import ManifestError, NotText

SEPARATORS = (",", ";", "\t", "|")
_HEAD = 8192  # number of initial bytes used to detect the encoding and binary files
_BLANK = r"[ \t\u00a0\u2007\u202f\u3000]"
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKED = re.compile(r'"?sep=([^\w"\'\r\n])"?[ ,;\t|]*(?=[\r\n]|\Z)', re.IGNORECASE)
_STRAIGHT = str.maketrans(dict.fromkeys("\u201c\u201d\u201e", '"'))
_LONGEST_HEADER = 120  # maximum number of characters of a header in a message


@dataclass(frozen=True)
class Table:
    """The header and the rows of a CSV file."""

    names: list[str]
    """Names of the columns, stripped and normalised to NFC."""
    rows: list[tuple[int, list[str]]]
    """Rows as pairs of a line number (the last line of the row) and cells, one per column."""
    separator: str
    """Character that separates cells."""


def stripped(cell: str) -> str:
    """Strip white space from both ends of a cell, including zero-width and no-break spaces."""
    text = cell.strip()
    return text if text.isascii() else text.strip(_INVISIBLE).strip()


def composed(text: str) -> str:
    """Return the text in the composed Unicode form (NFC), as some letters can be encoded in different ways."""
    return unicodedata.normalize("NFC", text)


def read_table(path: Path, key: Sequence[str]) -> Table:
    """Read a CSV file whose first line names its columns, at least one of ``key``.

    The separator is the comma, semicolon, tab or vertical bar that separates one of ``key`` from other cells in the
    first line. The quote character is ``"``, ``'`` or a curved quote, whichever the first line uses. The encoding is
    UTF-8, UTF-16, or UTF-32 with a byte order mark. Empty lines and empty trailing columns are ignored. Raises
    :class:`ManifestError` if the file cannot be read, and :class:`NotText` if it is binary.
    """
    text = _decoded(path).rstrip("\x1a")  # DOS end-of-file mark
    marked = _MARKED.match(text)  # declaration of the separator by Excel, such as sep=;
    text = text[marked.end() :] if marked else text  # an empty line remains
    first = next((line for line in text.splitlines() if stripped(re.sub(r'[,;\t|"]', "", line))), "")
    if not first:
        raise ManifestError(f"{path}: empty; its first line must name the columns, at least `{key[0]}`")
    if '"' not in first and any(quote in first for quote in "\u201c\u201d\u201e"):
        text, first = (part.translate(_STRAIGHT) for part in (text, first))
    try:
        separator, quote = _form(first, key, (marked[1],) if marked else ())
    except csv.Error as error:
        raise ManifestError(f"{path}, line 1: not CSV ({error})") from error
    tidy = io.StringIO(_tidied(text, separator, quote), newline="")
    rows = csv.reader(tidy, delimiter=separator, quotechar=quote, strict=True)
    try:
        filled = ((rows.line_num, row) for row in rows if any(map(stripped, row)))
        return _table(path, filled, key, separator)
    except csv.Error as error:
        raise ManifestError(f"{path}, line {rows.line_num}: not CSV ({error})") from error


def _table(path: Path, rows: Iterator[tuple[int, list[str]]], key: Sequence[str], separator: str) -> Table:
    head_line, head = next(rows)
    names = [composed(stripped(name)) for name in head]
    while not names[-1]:
        names.pop()
    if not set(key) & _folded(names):
        header = ", ".join(names)
        header = header if len(header) <= _LONGEST_HEADER else f"{header[:_LONGEST_HEADER]} ..."
        keys = " or ".join(f"`{name}`" for name in key)
        by = "" if separator == "," else f" (separated by `{separator}`)".replace("\t", "tabs")
        raise ManifestError(
            f"{path}, line {head_line}: no column {keys} among {header}{by}; the first line must name the columns, "
            f"such as {key[0]},label"
        )
    listed = []
    for line, row in rows:
        while len(row) > len(names) and not stripped(row[-1]):
            row.pop()
        if len(row) != len(names):
            raise ManifestError(
                f"{path}, line {line}: {len(row)} values for {len(names)} columns; "
                "quote cells that contain the separator"
            )
        listed.append((line, row))
    return Table(names, listed, separator)


def _decoded(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None) or _unmarked(path, head)
            data = head + file.read()
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        # File names may be any bytes: bytes that are not valid UTF-8 are preserved.
        return data.decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "strict")
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{path}: looks like {encoding.upper()}, but is not valid ({error.reason}); save it as UTF-8"
        ) from None


def _unmarked(path: Path, head: bytes) -> str:
    """Detect the encoding of a file without a byte order mark; raise :class:`NotText` if the file is binary."""
    half = len(head) // 2
    for encoding, zeros, letters in (("utf-16-le", head[1::2], head[0::2]), ("utf-16-be", head[0::2], head[1::2])):
        # In UTF-16, every second byte of ASCII text is zero, and column names are mostly ASCII.
        if half and zeros[:half].count(0) > 0.8 * half and 0 not in letters:
            return encoding
    # File names may contain control characters, but not null bytes.
    if 0 in head or len(_CONTROL.findall(head)) > len(head) // 20:
        raise NotText(f"{path}: not a text file; a manifest is a CSV file: save a spreadsheet as CSV")
    return "utf-8"


def _form(first: str, key: Sequence[str], marked: Sequence[str]) -> tuple[str, str]:
    """Return the separator and the quote character for which the first line has a column named in ``key``.

    If no combination fits, return the most frequent separator and ``"``.
    """
    for quote in "\"'":
        for separator in (*marked, *SEPARATORS):
            cells = next(csv.reader([first], delimiter=separator, quotechar=quote))
            if set(key) & _folded([stripped(cell) for cell in cells]):
                return separator, quote
    return max(SEPARATORS, key=first.count), '"'


def _folded(names: Sequence[str]) -> set[str]:
    return {folded for name in names for folded in (name, stripped(name.strip('"')).lower())}


def _tidied(text: str, separator: str, quote: str) -> str:
    """Return the text without white space around quoted cells, which Python's CSV reader does not accept."""
    if not re.search(f"{quote}{_BLANK}|{_BLANK}{quote}", text):
        return text
    blank = _BLANK.replace(r"\t", "") if separator == "\t" else _BLANK
    end = rf"(?=[{re.escape(separator)}\r\n]|\Z)"
    quoted = f"{quote}(?:[^{quote}]|{quote}{quote})*{quote}"
    cell = re.compile(rf"{blank}*({quoted}){blank}*{end}|[^{re.escape(separator)}\r\n]+")
    return cell.sub(lambda match: match[1] or match[0], text)
