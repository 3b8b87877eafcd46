"""Tests of the typed errors for files that are not recordings or are incomplete."""

from __future__ import annotations

import os
import pickle
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avgdt.errors import AvgdtError
from avgdt.media import container
from avgdt.media.errors import (
    Corrupt,
    Encrypted,
    MediaError,
    NoAudio,
    NotAFile,
    NoVideo,
    RecordingTooLarge,
    Unreadable,
    Unsupported,
)
from avgdt.media.recording import Recording
from tests.helpers.media_files import board, board_indices, evenly, noise, write_media, write_wav


def test_the_file_name_suffix_does_not_matter(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(20), noise(1, 16000))
    for name in (
        "a.wav",
        "a.txt",
        "a.jpg",
        "a.m3u8",
        "a",
        "a%03d.png",
        "http:a.mp4",
        "-a.mp4",
        "a\udcff.mkv",
        "g.g723_1",
    ):
        lying = tmp_path / name
        lying.write_bytes(path.read_bytes())
        with Recording(lying) as recording:
            assert board_indices(recording.frames([0.5], 24, 32).pixels) == [12], name
            assert np.abs(recording.waveform(0, 1, 16000).samples).max() > 10000


def test_a_file_without_audio_raises_an_error(tmp_path: Path) -> None:
    with Recording(write_media(tmp_path / "a.mp4", evenly(10))) as recording:
        assert not recording.info.has_audio
        assert recording.info.audio_start is None
        with pytest.raises(NoAudio, match=r"a\.mp4: it has no audio"):
            recording.waveform(0, 1, 16000)


def test_a_file_without_video_raises_an_error(tmp_path: Path) -> None:
    with Recording(write_wav(tmp_path / "a.wav", noise(1, 16000), 16000)) as recording:
        assert not recording.info.has_video
        assert recording.info.video_end is None
        with pytest.raises(NoVideo, match=r"a\.wav: it has no video"):
            recording.frames([0], 24, 32)


def test_a_stream_may_be_omitted(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(10), noise(1, 16000), audio_start=0.2)
    with Recording(path, video=False) as recording:
        assert (recording.has_video, recording.has_audio) == (False, True)
    with Recording(path, audio=False) as recording:
        assert (recording.has_video, recording.has_audio) == (True, False)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", Unreadable),
        (b"Dear reader,\n" * 200, Unreadable),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.mp4\n#EXT-X-ENDLIST\n", Unreadable),
        (b"ffconcat version 1.0\nfile a.mp4\n", Unreadable),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n", Unreadable),
        (bytes(np.random.default_rng(0).integers(0, 256, 50000, dtype=np.uint8)), Unreadable),
        (b"path,label\na.mp4,dog\n" * 50, Unreadable),
    ],
)
def test_files_that_are_not_recordings_raise_errors(tmp_path: Path, content: bytes, error: type[MediaError]) -> None:
    write_media(tmp_path / "a.mp4", evenly(10))
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(error, match=r"x\.mp4: ") as raised:
        Recording(path)
    assert raised.value.path == path
    assert "\n" not in str(raised.value)


def test_a_still_image_is_not_a_recording(tmp_path: Path) -> None:
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = 32, 24, "rgb24", Fraction(1, 25)
    path = tmp_path / "a.mp4"
    path.write_bytes(b"".join(bytes(packet) for packet in codec.encode(av.VideoFrame.from_ndarray(board(5, 24, 32)))))
    with pytest.raises(Unsupported, match=r"a\.mp4: a still image"):
        Recording(path)


def test_a_missing_file_raises_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    for name in ("missing.mp4", "pipe", "broken", ".", "a\0b"):
        with pytest.raises(NotAFile):
            Recording(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.mpg", "a.flv"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_read_up_to_its_end(tmp_path: Path, name: str, kept: float) -> None:
    codec = "mpeg1video" if name == "a.mpg" else "libx264"
    fast = {"movflags": "faststart"} if name == "a.mp4" else None
    draw = np.random.default_rng(0)
    images = [board(i, 96, 128) // 2 + draw.integers(0, 99, (96, 128, 1), dtype=np.uint8) for i in range(100)]
    intact = write_media(
        tmp_path / name,
        evenly(100),
        size=(96, 128),
        video_codec=codec,
        video_options={"b": "4000000"},
        container_options=fast,
        images=images,
    )
    path = tmp_path / f"cut_{name}"
    path.write_bytes(intact.read_bytes()[: int(intact.stat().st_size * kept)])
    with Recording(path) as recording:
        start = recording.info.video_start
        end, _ = recording.true_ends()
        count = round((end - start) * 25)
        times = [start + i / 25 + 0.001 for i in range(100)]
        assert board_indices(recording.frames(times[:count], 8, 32).pixels) == list(range(count))
        assert [board_indices(recording.frames([t], 8, 32).pixels)[0] for t in times[:count:13]] == [
            *range(0, count, 13)
        ]
        behind = recording.frames(times[-2:], 8, 32)  # the last frame is repeated, and the time of its end is returned
        assert behind.end == pytest.approx(end, abs=3 / 25)
        assert max(behind.times) < behind.end < times[-2]
    assert int(100 * kept * 0.75) < count < 100  # frames differ in size


def test_a_file_truncated_before_its_index_raises_an_error(tmp_path: Path) -> None:
    intact = write_media(tmp_path / "a.mp4", evenly(50))  # the index is at the end of the file
    path = tmp_path / "cut.mp4"
    path.write_bytes(intact.read_bytes()[: intact.stat().st_size // 2])
    with pytest.raises(Unreadable, match=r"cut\.mp4"):
        Recording(path)


def test_frames_after_damage_in_the_middle_are_read(tmp_path: Path) -> None:
    intact = write_media(tmp_path / "a.mkv", evenly(200), key_every=20)
    data = bytearray(intact.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 150] = bytes(150)
    path = tmp_path / "damaged.mkv"
    path.write_bytes(bytes(data))
    with Recording(path) as recording:
        assert board_indices(recording.frames([0.5, 1.0, 7.0, 7.5], 24, 32).pixels) == [12, 25, 175, 187]


def test_a_file_without_decodable_content_raises_an_error(tmp_path: Path) -> None:
    intact = write_media(tmp_path / "a.mp4", evenly(30), noise(1, 16000))
    data = bytearray(intact.read_bytes())
    begin = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[begin:end] = bytes(end - begin)
    path = tmp_path / "zeros.mp4"
    path.write_bytes(bytes(data))
    with Recording(path) as recording:
        with pytest.raises(Corrupt, match=r"zeros\.mp4: none of its video"):
            recording.frames([0.5], 24, 32)
        with pytest.raises(Corrupt, match=r"zeros\.mp4: .* of its audio"):
            recording.waveform(0, 1, 16000)


def test_an_encrypted_file_raises_an_error(tmp_path: Path) -> None:
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    path = write_media(tmp_path / "a.mp4", evenly(30), noise(1, 16000), audio_codec="aac", container_options=options)
    with Recording(path) as recording:
        with pytest.raises(Encrypted, match=r"a\.mp4: its video is encrypted"):
            recording.frames([0.5], 24, 32)
        with pytest.raises(Encrypted, match=r"a\.mp4: its audio is encrypted"):
            recording.waveform(0, 1, 16000)


def test_a_codec_without_a_decoder_raises_an_error(tmp_path: Path) -> None:
    intact = write_media(tmp_path / "a.avi", evenly(10), video_codec="mpeg4")
    path = tmp_path / "unknown.avi"
    path.write_bytes(intact.read_bytes().replace(b"FMP4", b"QQQQ"))
    with (
        pytest.raises(Unsupported, match=r"unknown\.avi: no decoder for its video codec"),
        Recording(path) as recording,
    ):
        recording.frames([0], 24, 32)


def test_too_large_frames_raise_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(2), size=(48, 64))
    monkeypatch.setattr(container, "MAX_PIXELS", 48 * 64 - 1)
    with pytest.raises(RecordingTooLarge, match="64 x 48"):
        Recording(path)


def test_media_errors_are_user_errors_and_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(NoAudio(Path("a.mp4"), "it has no audio")))
    assert isinstance(error, NoAudio)
    assert isinstance(error, AvgdtError)
    assert (error.path, error.reason, str(error)) == (Path("a.mp4"), "it has no audio", "a.mp4: it has no audio")
