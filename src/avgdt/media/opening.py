"""Safe opening of possibly malicious media files; the content of a file, not its suffix, determines the format."""

from __future__ import annotations

import os
import stat
from functools import cache
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from avgdt.media.errors import NotAFile, Unreadable, Unsupported

MAX_PIXELS = 2**26
"""Maximum accepted number of pixels in a frame: 8192 x 8192."""

# Excluded demuxers: playlists (which open other files), devices, and texts and still images (which FFmpeg would decode
# as video).
_PLAYLISTS = ("concat", "dash", "hls", "imf", "rtp", "rtsp", "sap", "sdp", "webm_dash_manifest")
_DEVICES = ("alsa", "fbdev", "kmsgrab", "lavfi", "oss", "video4linux2,v4l2", "x11grab", "xcbgrab")
_TEXTS = ("adf", "bin", "idf", "tty", "xbin")
_IMAGES = ("alias_pix", "brender_pix", "ico", "image2", "image2pipe")


@cache
def _demuxers() -> str:
    """Return the names of the allowed demuxers in the form of FFmpeg's ``format_whitelist``."""
    refused = {*_PLAYLISTS, *_DEVICES, *_TEXTS, *_IMAGES}
    return ",".join(sorted(av.formats_available - refused))


def open_container(path: Path) -> InputContainer:
    """Open a media file through its file descriptor.

    FFmpeg does not receive the file name, so the suffix has no effect. Protocols other than ``fd`` are disabled, so
    that a malicious file cannot make FFmpeg open further files. Raises ``NotAFile``, ``Unreadable`` or ``Unsupported``.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        raise NotAFile(path, f"cannot be opened ({getattr(error, 'strerror', None) or error})") from error
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise NotAFile(path, "not a regular file")
        if state.st_size == 0:
            raise Unreadable(path, "empty file")
        container = _open(path, descriptor)
    finally:
        os.close(descriptor)  # FFmpeg has its own duplicate
    if container.format.name.endswith("_pipe"):
        container.close()
        raise Unsupported(path, "a still image, not a recording")
    return container


def _open(path: Path, descriptor: int) -> InputContainer:
    try:
        return av.open(
            "fd:",
            mode="r",
            options={"max_pixels": str(MAX_PIXELS), "threads": "1"},
            container_options={
                "fd": str(descriptor),
                "protocol_whitelist": "fd",
                "format_whitelist": _demuxers(),
            },
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreadable(path, f"not a readable recording ({reason})") from error
