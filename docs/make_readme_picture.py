"""Draw docs/recording.png: frames and log-mel spectrogram of a demo recording, with arrows to their encoders.

python docs/make_readme_picture.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from avgdt.data.clips import ClipReader
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.recipes.clip import Clip, LogMel
from avgdt.report.images import PALETTE, spectrogram
from avgdt.synthetic.dataset import render_dataset
from avgdt.transforms.log_mel import LogMelSpectrogram

OUT = Path(__file__).parent / "recording.png"
RECORDING = 1
"""Index of the drawn recording in the demo's data set."""
CLIP = Clip(frames=4, frame_rate=4.0, height=96, width=128, audio_seconds=1.0)
WIDTH, HEIGHT, LEFT, GAP, TILE = 1600, 500, 20, 12, (212, 159)
INK, LINE, ATTRACT, VIDEO, AUDIO = "#222", "#777", "#2a7d3f", "#dbe9f6", "#fbe6cf"


def views() -> tuple[list[Image.Image], Image.Image]:
    """Return the frames of one second of the recording, and the log-mel spectrogram of the same second, as images."""
    with tempfile.TemporaryDirectory() as folder:
        render_dataset(Path(folder), recordings=RECORDING + 1, workers=0)
        reader = ClipReader(CLIP, ("video", "audio"), grey=False)
        clip = reader.read(0, Entry(Path(folder) / "recordings" / f"{RECORDING:05d}.mp4"), [Window(1.0)])
    assert clip.video is not None
    assert clip.audio is not None
    frames: NDArray[np.uint8] = torch.as_tensor(clip.video[0]).permute(1, 2, 3, 0).numpy()
    mel = LogMelSpectrogram(LogMel(), CLIP.sample_rate)(torch.as_tensor(clip.audio[0])[None])[0].numpy()
    tiles = [Image.fromarray(frame).resize(TILE, Image.Resampling.LANCZOS) for frame in frames]
    wide = len(tiles) * (TILE[0] + GAP) - GAP
    return tiles, Image.fromarray(PALETTE[spectrogram(mel)]).resize((wide, TILE[1]), Image.Resampling.BICUBIC)


def arrow(draw: ImageDraw.ImageDraw, x: int, y: int, to: int) -> None:
    """Draw a horizontal arrow from (x, y) to the right, up to ``x = to``."""
    draw.line((x, y, to - 10, y), fill=LINE, width=4)
    draw.polygon(((to, y), (to - 16, y - 9), (to - 16, y + 9)), fill=LINE)


def text(draw: ImageDraw.ImageDraw, x: float, y: float, words: str, size: int = 26, fill: str = INK) -> None:
    """Draw the text ``words``, centred at (x, y)."""
    draw.text((x, y), words, fill=fill, font=ImageFont.load_default(size), anchor="mm", align="center")


def main() -> None:
    """Draw the figure and write it to docs/recording.png."""
    frames, mel = views()
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    end = LEFT + mel.width
    for top, name, encoder, colour in ((50, "video", "R(2+1)D-18", VIDEO), (291, "audio", "ResNet-18", AUDIO)):
        middle = top + TILE[1] // 2
        title = {"video": "video: frames of one second", "audio": "audio: log-mel spectrogram of the same second"}[name]
        draw.text((LEFT, top - 22), title, fill=INK, font=ImageFont.load_default(24), anchor="lm")
        for i, tile in enumerate(frames if name == "video" else [mel]):
            image.paste(tile, (LEFT + i * (TILE[0] + GAP), top))
        arrow(draw, end + 14, middle, end + 84)
        draw.rounded_rectangle((end + 90, middle - 48, end + 290, middle + 48), 12, fill=colour, outline=LINE, width=2)
        text(draw, end + 190, middle, encoder, 28)
        arrow(draw, end + 296, middle, end + 366)
        draw.rounded_rectangle((end + 372, middle - 70, end + 412, middle + 70), 8, fill=colour, outline=LINE, width=2)
    x, top, bottom = end + 392, 50 + TILE[1] // 2 + 76, 291 + TILE[1] // 2 - 76
    draw.line((x, top + 12, x, bottom - 12), fill=ATTRACT, width=5)
    for y, back in ((top, 16), (bottom, -16)):
        draw.polygon(((x, y), (x - 10, y + back), (x + 10, y + back)), fill=ATTRACT)
    text(draw, x + 130, (top + bottom) / 2, "same recording:\nattract", 26, ATTRACT)
    text(draw, x + 150, bottom + 76, "other recordings:\nrepel", 26, "#b03a2e")
    image.quantize(256).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
