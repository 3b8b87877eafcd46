"""An SVG of texts and pixel pictures as a PNG, for where SVGs are not shown."""

from __future__ import annotations

import base64
import io
from xml.etree import ElementTree

from PIL import Image, ImageDraw, ImageFont

SCALE = 2
"""Pixels of the PNG per unit of the SVG."""
_SPACE = "{http://www.w3.org/2000/svg}"


def rasterise(svg: str) -> bytes:
    """The PNG of an SVG that we made: ``text`` and ``image`` elements with data URIs, on white."""
    root = ElementTree.fromstring(svg)
    size = round(SCALE * float(root.attrib["width"])), round(SCALE * float(root.attrib["height"]))
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for element in root.iter():
        told = element.attrib
        if element.tag == f"{_SPACE}text":
            place = SCALE * float(told["x"]), SCALE * float(told["y"])
            font = ImageFont.load_default(SCALE * float(told["font-size"]))
            draw.text(place, element.text or "", fill=told["fill"], font=font, anchor="ls")
        elif element.tag == f"{_SPACE}image":
            left, top, width, height = (round(SCALE * float(told[name])) for name in ("x", "y", "width", "height"))
            pixels = Image.open(io.BytesIO(base64.b64decode(told["href"].split(",", 1)[1]))).convert("RGBA")
            if told["preserveAspectRatio"] != "none":
                share = min(width / pixels.width, height / pixels.height)
                width, height = round(share * pixels.width), round(share * pixels.height)
            pixels = pixels.resize((max(1, width), max(1, height)), Image.Resampling.NEAREST)
            canvas.paste(pixels, (left, top), pixels)
    content = io.BytesIO()
    canvas.save(content, "PNG")
    return content.getvalue()
