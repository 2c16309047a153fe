"""Small sounds, pictures, pages and films for tests, made here and sent as data addresses."""

import base64
import io
import math
import struct
import wave
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Page


def address(kind: str, content: bytes) -> str:
    """Return content as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def picture(width: int = 320, height: int = 240, colour: str = "#dfe8ee") -> str:
    """Return a picture with a dark square in its upper left quarter."""
    image = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(image).rectangle((40, 30, 120, 90), fill="#23395b")
    file = io.BytesIO()
    image.save(file, "PNG")
    return address("image/png", file.getvalue())


def sound(seconds: float = 4.0, rate: int = 8000) -> str:
    """Return a tone that swells and fades."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        count = int(seconds * rate)
        swell = (math.sin(math.pi * at / count) for at in range(count))
        tone = (math.sin(2 * math.pi * 440 * at / rate) for at in range(count))
        out.writeframes(
            b"".join(
                struct.pack("<h", int(20_000 * loud * now))
                for loud, now in zip(swell, tone, strict=True)
            )
        )
    return address("audio/wav", file.getvalue())


def document(words: str = "A clause on a page.") -> str:
    """Return a PDF of one page."""
    text = f"BT /F1 24 Tf 40 120 Td ({words}) Tj ET".encode()
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(parts) + 1, table)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(parts) + 1, start)
    return address("application/pdf", out)


RECORD = """async ([seconds, width, height]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  const parts = [];
  const recorder = new MediaRecorder(canvas.captureStream(12), { mimeType: "video/webm" });
  recorder.ondataavailable = (event) => parts.push(event.data);
  const ended = new Promise((resolve) => { recorder.onstop = resolve; });
  let frame = 0;
  const draw = setInterval(() => {
    pen.fillStyle = "#dfe8ee";
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = "#23395b";
    pen.fillRect(20 + 4 * frame++, 40, 60, 50);
  }, 60);
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  recorder.stop();
  await ended;
  clearInterval(draw);
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}"""


def film(page: Page, seconds: float = 1.5) -> str:
    """Let Chromium record a film of a square that moves."""
    return f"data:video/webm;base64,{page.evaluate(RECORD, [seconds, 320, 180])}"


def series(count: int = 100) -> dict[str, Any]:
    """Return a series of measurements, one a second."""
    return {
        "time": list(range(count)),
        "load": [round(50 + 40 * math.sin(at / 8), 3) for at in range(count)],
    }
