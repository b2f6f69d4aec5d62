"""Draws the end of a recorded terminal session as an SVG, in light and dark colors.

script -q -c "./agora deploy dev --local --fault app=missing-secret" session.txt
python tools/terminal_picture.py record session.txt    replays it, and keeps the last screen in docs/pictures
python tools/terminal_picture.py                        draws the picture again
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDING = ROOT / "docs" / "pictures" / "failed-deployment.txt"
PICTURE = RECORDING.with_suffix(".svg")
TITLE = "A failed deployment and its cause"
PALETTE = ROOT / "portside" / "report" / "palette.css"

_CODE = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])")
_CLASSES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow"}
_LETTER, _LINE, _EDGE, _WIDTH = 7.25, 17, 14, 92


def replayed(session: str) -> list[str]:
    """The lines that a terminal shows at the end of a session, with their colors."""
    lines, row = [""], 0
    for part in re.split(r"(\x1b\[[\d;?]*[A-Za-z]|\r?\n|\r)", session):
        code = _CODE.fullmatch(part)
        if part.endswith("\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r":
            continue
        elif code and code[2] == "A":
            row = max(0, row - int(code[1] or 1))
        elif code and code[2] == "K":
            lines[row] = ""
        elif not code or code[2] == "m":
            lines[row] += part
    return lines


def drawn(recording: str, title: str) -> str:
    """A picture of a recording: text with colors, a line each."""
    lines = recording.rstrip("\n").splitlines()
    longest = max(len(_CODE.sub("", line)) for line in lines)
    width, height = round(longest * _LETTER) + 2 * _EDGE, len(lines) * _LINE + 2 * _EDGE
    texts = [
        f'<text x="{_EDGE}" y="{_EDGE + _LINE * number - 4}" xml:space="preserve">{_spans(line)}</text>'
        for number, line in enumerate(lines, 1)
    ]
    plain = html.escape("\n".join(_CODE.sub("", line).rstrip() for line in lines))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'role="img" aria-labelledby="title description">',
            f'<title id="title">{html.escape(title)}</title>',
            f'<desc id="description">{plain}</desc>',
            f"<style>\n{PALETTE.read_text(encoding='utf-8')}"
            "text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: var(--text); }\n"
            ".bold { font-weight: 600; } .dim { fill: var(--quiet); } .red { fill: var(--bad); }\n"
            ".green { fill: var(--good); } .yellow { fill: var(--busy); }\n</style>",
            f'<rect width="{width}" height="{height}" rx="8" style="fill: var(--box); stroke: var(--edge)"/>',
            *texts,
            "</svg>\n",
        ]
    )


def _spans(line: str) -> str:
    found, classes, end = "", list[str](), 0
    for code in [*_CODE.finditer(line), None]:
        text = html.escape(line[end : code.start() if code else len(line)])
        found += f'<tspan class="{" ".join(classes)}">{text}</tspan>' if classes and text else text
        if code:
            end = code.end()
            names = code[1].split(";")
            classes = [_CLASSES[each] for each in names if each in _CLASSES]
    return found


def main(arguments: list[str]) -> None:
    """Record, or draw."""
    if arguments[:1] == ["record"]:
        lines = replayed(Path(arguments[1]).read_bytes().decode())
        shown = [line for line in lines if line and not line.startswith("Script ")]
        begins = max(number for number, line in enumerate(shown) if "Deploying dev:" in line)
        # Where the clone is does not matter, and what the terminal wrapped is wrapped.
        clean = [re.sub(r"\S*/(?=\.agora/)", "", line) for line in shown[begins:]]
        wrapped = [
            part
            for line in clean
            for part in ([line] if "\x1b" in line else [line[at : at + _WIDTH] for at in range(0, len(line), _WIDTH)])
        ]
        command = "$ ./agora deploy dev --local --fault app=missing-secret"
        RECORDING.write_text("\n".join([command, *wrapped]) + "\n", encoding="utf-8")
    PICTURE.write_text(
        drawn(RECORDING.read_text(encoding="utf-8"), "A failed deployment and its cause"), encoding="utf-8"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
