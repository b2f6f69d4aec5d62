"""The picture of an architecture as an SVG that loads nothing else."""

from __future__ import annotations

from portside.report.architecture import Architecture
from portside.report.architecture_layout import LINE, PADDING, Line, picture_of, sentence_of
from portside.report.rendering import render

_LEGEND = {
    "request": "requests to listeners, routes",
    "call": "allowed by security groups",
    "grant": "a role's rights",
    "use": "logs, firewall, dead letters",
}
_ARROW_WIDTH, _ARROW_HEIGHT = 3.5, 7.0


def drawn(architecture: Architecture, title: str) -> str:
    """The picture, with everything that it shows also as its description."""
    picture = picture_of(architecture)
    return render(
        "architecture.svg.j2",
        title=title,
        description=". ".join(sentence_of(edge, architecture) for edge in architecture.edges),
        width=round(picture.width),
        height=round(picture.height),
        frames=picture.frames,
        boxes=picture.boxes,
        lines=picture.lines,
        legend=_LEGEND,
        arrow=_arrow,
        step=LINE,
        padding=PADDING,
    )


def _arrow(line: Line) -> str:
    x, y = line.entry, line.target.y
    return (
        f"{x:.1f},{y:.0f} {x - _ARROW_WIDTH:.1f},{y - _ARROW_HEIGHT:.0f} {x + _ARROW_WIDTH:.1f},{y - _ARROW_HEIGHT:.0f}"
    )
