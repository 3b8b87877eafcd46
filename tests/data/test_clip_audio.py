from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avgdt.data.clips import AudioSpan, read_waveforms
from avgdt.media.recording import Recording
from tests.helpers.media_files import noise, write_wav


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("sounds") / "a.wav", noise(3, 8000), 8000)


@pytest.mark.parametrize("rate", [8000, 6000])
def test_spans_cut_from_one_read_equal_spans_read_separately(
    file: Path, rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The spans start before the audio, inside it, and between two samples; the last one ends after the audio.
    spans = [AudioSpan(start, rate, rate) for start in (-0.5, 0.0, 0.31415, 0.7, 1.5, 2.6)]
    with Recording(file) as recording:
        alone = [recording.waveform(span.start, 1.0, rate) for span in spans]
        calls = []
        read = Recording.waveform
        monkeypatch.setattr(Recording, "waveform", lambda *args: calls.append(args) or read(*args))
        together = read_waveforms(recording, spans)
    assert len(calls) == 1
    for waveform, expected in zip(together, alone, strict=True):
        np.testing.assert_allclose(waveform.samples, expected.samples, atol=1e-2)
        assert waveform.samples.shape == (rate,)
        assert waveform.start == expected.start


def test_distant_spans_and_spans_of_different_rates_are_read_separately(file: Path) -> None:
    with Recording(file) as recording:
        for spans in ([AudioSpan(0.0, 800, 8000), AudioSpan(2.5, 800, 8000)], [AudioSpan(0.0, 800, 8000)], []):
            for waveform, span in zip(read_waveforms(recording, spans), spans, strict=True):
                np.testing.assert_array_equal(waveform.samples, recording.waveform(span.start, 0.1, 8000).samples)
        fast, slow = read_waveforms(recording, [AudioSpan(0.5, 800, 8000), AudioSpan(0.5, 800, 4000)])
        assert (len(fast.samples), len(slow.samples)) == (800, 800)
        np.testing.assert_array_equal(slow.samples, recording.waveform(0.5, 0.2, 4000).samples)
