"""Tests of contradictory time stamps, as in damaged files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from avgdt.media.errors import Corrupt
from avgdt.media.recording import Recording
from tests.helpers.damage import drop_packets, late_packets
from tests.helpers.media_files import evenly, noise, write_media


@pytest.mark.parametrize("ticks", [2, 4, -5, -15])
def test_one_wrong_time_stamp_does_not_shift_the_surrounding_samples(tmp_path: Path, ticks: int) -> None:
    whole = write_media(tmp_path / "a.webm", None, noise(5, 48000) // 4, sample_rate=48000, audio_codec="libopus")
    path = late_packets(whole, lambda i: i == 120, ticks, tmp_path / "b.webm")
    with Recording(whole) as intact, Recording(path) as damaged:
        for start in (1.3, 2.1, 2.3, 2.9, 4.1):
            expected = intact.waveform(start, 0.6, 48000).samples
            assert np.array_equal(damaged.waveform(start, 0.6, 48000).samples, expected), start


def test_an_undecodable_packet_does_not_shift_earlier_samples(tmp_path: Path) -> None:
    whole = write_media(tmp_path / "a.avi", evenly(75), noise(3, 24000), sample_rate=24000, audio_codec="libmp3lame")
    with av.open(str(whole)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    data = bytearray(whole.read_bytes())
    damaged_packet = packets[110]
    data[damaged_packet.pos + 4 : damaged_packet.pos + damaged_packet.size] = b"\xff" * (damaged_packet.size - 4)
    path = tmp_path / "b.avi"
    path.write_bytes(bytes(data))
    with Recording(whole) as intact, Recording(path) as damaged:
        with pytest.raises(Corrupt, match="its audio is damaged"):
            damaged.waveform(2.4, 0.5, 24000)
        for start in (1.2, 1.9, 2.05):
            expected = intact.waveform(start, 0.5, 24000).samples
            assert np.array_equal(damaged.waveform(start, 0.5, 24000).samples, expected), start


@pytest.mark.parametrize("codec", ["mpeg1video", "mpeg2video"])
def test_unordered_frames_at_the_start_do_not_affect_later_frames(tmp_path: Path, codec: str) -> None:
    intact = write_media(tmp_path / "a.mkv", evenly(50), video_codec=codec, b_frames=2)
    path = drop_packets(intact, lambda i: i in (1, 2), tmp_path / "b.mkv")
    with av.open(str(path)) as container:
        oracle = {
            frame.pts: frame.to_ndarray(width=36, height=20, format="rgb24") for frame in container.decode(video=0)
        }
    assert list(oracle) != sorted(oracle)
    right = 0
    with Recording(path) as recording:
        zero = recording._zero
        for k in range(50):
            try:
                pixels = recording.frames([k / 25 + 0.001], 20, 36).pixels[0]
            except Corrupt:
                continue
            shown = max((at for at in oracle if at <= 1000 * (k / 25 + 0.001 + zero)), default=min(oracle))
            assert np.array_equal(pixels, oracle[shown]), k
            right += 1
    assert right > 30
