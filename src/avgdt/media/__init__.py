"""Decoding of one media file: frames and waveform of any time span, with typed errors."""
