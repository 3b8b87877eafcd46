"""One media file: frames and waveform of a time span, and what is wrong with it."""
