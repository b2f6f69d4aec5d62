"""Where the picture of an architecture has what, in SVG units.

Nodes are in rows of three at most, so that the picture can be read on a phone. Edges to the same node are one line,
which runs between the rows and in the gutters between the columns: it crosses other lines, and never a box.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

from portside.report.architecture import OUTSIDE, PRIVATE, PUBLIC, REGIONAL, REQUEST, ROUTE, Architecture, Edge, Node

LINE, PADDING = 14.0, 8.0
"""The height of a line of text, and the space around the text of a box."""

_BOX, _COLUMNS, _MARGIN, _LANE, _TRACK, _LABELS, _GAP, _EDGE, _SHIFT = 136.0, 3, 12.0, 9.0, 9.0, 18.0, 8.0, 4.0, 4.0
_HEAD, _FOOT = 12.0, 52.0
_NAME_LETTERS, _LETTERS = 16, 21
_PLACES = {OUTSIDE: "", PUBLIC: "Public subnets", PRIVATE: "Private subnets", REGIONAL: "Outside of the VPC"}


@dataclass
class Box:
    """A node, and its lines of text."""

    node: Node
    name: list[str]
    lines: list[str]
    row: int = 0
    column: int = 0
    x: float = 0
    y: float = 0
    width: float = _BOX
    height: float = 0


@dataclass
class Line:
    """All edges of one kind to one node: `paths` in SVG's notation, dots where they join, and a label at the end."""

    kind: str
    target: Box
    sources: list[Box]
    label: str
    title: str
    gutter: int | None = None
    lane: int = 0
    lane_x: float = 0
    entry: float = 0
    is_labelled_left: bool = False
    exits: list[float] = field(default_factory=list)
    tracks: dict[int, int] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    joins: list[tuple[float, float]] = field(default_factory=list)

    @property
    def channels(self) -> list[int]:
        """The spaces above rows where it runs: those below its sources, and that above its target."""
        return sorted({self.target.row, *(each.row + 1 for each in self.sources)})

    def xs(self, channel: int) -> list[float]:
        """Where it leaves or enters a space."""
        found = [x for x, each in zip(self.exits, self.sources, strict=True) if each.row + 1 == channel]
        found += [self.entry] if channel == self.target.row else []
        return sorted([*found, *([self.lane_x] if self.gutter is not None else [])])


@dataclass
class Frame:
    """The border of subnets or of a VPC, with its title and lines."""

    title: str
    lines: list[str]
    x: float
    y: float
    width: float
    height: float = 0


@dataclass(frozen=True)
class Picture:
    """The whole picture."""

    width: float
    height: float
    frames: list[Frame]
    boxes: list[Box]
    lines: list[Line]


def picture_of(architecture: Architecture) -> Picture:
    """The picture, which is the same for the same architecture."""
    boxes = _boxes(architecture)
    lines = _lines(architecture, boxes)
    rows = _rows(architecture, boxes)
    _choose_lanes(lines)
    width = _place_columns(rows, lines)
    _place_ends(lines)
    _choose_tracks(lines)
    frames, tracks, height = _place_rows(architecture, rows, lines, width)
    for line in lines:
        _draw(line, tracks)
    return Picture(width, height, frames, list(boxes.values()), lines)


def _boxes(architecture: Architecture) -> dict[str, Box]:
    """The boxes by the ids of their nodes. Requests and routes are written in the box of their target."""
    found = {}
    inside = {each.id: each for each in architecture.nodes if each.kind == "network" and each.place == PRIVATE}
    for node in architecture.nodes:
        if node.id in inside:
            continue
        incoming = [each for each in architecture.edges if each.target == node.id]
        accepted = [f"{each.port} {each.label}" for each in incoming if each.kind == REQUEST]
        accepted += [each.label for each in incoming if each.kind == ROUTE]
        accepted += [f"{each.port} from {inside[each.source].name}" for each in incoming if each.source in inside]
        lines = [part for each in (*node.details, *dict.fromkeys(accepted)) for part in textwrap.wrap(each, _LETTERS)]
        found[node.id] = Box(node, textwrap.wrap(node.name, _NAME_LETTERS), lines)
    return found


def _lines(architecture: Architecture, boxes: dict[str, Box]) -> list[Line]:
    grouped: dict[tuple[str, str], list[Edge]] = {}
    for edge in architecture.edges:
        if edge.source in boxes:
            grouped.setdefault((edge.target, edge.kind), []).append(edge)
    found = []
    for (target, kind), edges in grouped.items():
        sources = list(dict.fromkeys(edge.source for edge in edges))
        label = ", ".join(dict.fromkeys(edge.port or edge.label for edge in edges))
        title = "; ".join(dict.fromkeys(sentence_of(edge, architecture) for edge in edges))
        found.append(Line(kind, boxes[target], [boxes[each] for each in sources], label, title))
    return found


def sentence_of(edge: Edge, architecture: Architecture) -> str:
    """An edge in words."""
    names = {node.id: node.name for node in architecture.nodes}
    on = f" on port {edge.port}" if edge.port else ""
    about = f" ({edge.label})" if edge.label else ""
    return f"{names[edge.source]} to {names[edge.target]}{on}{about}"


def _rows(architecture: Architecture, boxes: dict[str, Box]) -> list[list[Box]]:
    """The boxes in rows by place, callers above their callees, and each in the column nearest to its callers."""
    edges = [(each.source, each.target) for each in architecture.edges if each.source in boxes]
    rows: list[list[Box]] = []
    for place in _PLACES:
        own = {key: box for key, box in boxes.items() if box.node.place == place}
        layers = _layers(list(own), [edge for edge in edges if set(edge) <= own.keys()])
        for layer in layers:
            above = {key: [boxes[source].column for source, target in edges if target == key] for key in layer}
            layer.sort(key=lambda key: (sum(above[key]) / len(above[key]) if above[key] else 1, boxes[key].node.name))
            # Rows of nearly the same length.
            count = -(-len(layer) // _COLUMNS)
            for number in range(count):
                keys = layer[number * len(layer) // count : (number + 1) * len(layer) // count]
                rows.append([own[key] for key in keys])
                for column, key in zip({1: (1,), 2: (0, 2)}.get(len(keys), (0, 1, 2)), keys, strict=True):
                    own[key].row, own[key].column = len(rows) - 1, column
    return rows


def _layers(keys: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The keys by the longest way to them, without the edges that close a circle."""
    depth: dict[str, int] = {}

    def visit(key: str, path: frozenset[str]) -> int:
        if key not in depth:
            callers = [source for source, target in edges if target == key and source not in path]
            depth[key] = max((visit(each, path | {key}) + 1 for each in callers if each != key), default=0)
        return depth[key]

    for key in keys:
        visit(key, frozenset())
    return [[key for key in keys if depth[key] == level] for level in sorted(set(depth.values()))]


def _choose_lanes(lines: list[Line]) -> None:
    """A gutter, and a lane in it, for each line that passes a row. Lines that don't meet share a lane."""
    taken: dict[tuple[int, int], list[range]] = {}
    for line in lines:
        if len(line.channels) == 1:
            continue
        middle = sum(each.column for each in line.sources) / len(line.sources)
        line.gutter = line.target.column + (middle > line.target.column)
        span = range(line.channels[0], line.channels[-1] + 1)
        while any(_meet(span, each) for each in taken.get((line.gutter, line.lane), ())):
            line.lane += 1
        taken.setdefault((line.gutter, line.lane), []).append(span)


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def _place_columns(rows: list[list[Box]], lines: list[Line]) -> float:
    """Place the columns, between gutters with their lanes. Returns the width of the picture."""
    x, lefts = _MARGIN, []
    for gutter in range(_COLUMNS + 1):
        lanes = 1 + max((each.lane for each in lines if each.gutter == gutter), default=0)
        for line in lines:
            if line.gutter == gutter:
                line.lane_x = x + _LANE * (line.lane + 1)
        x += _LANE * (lanes + 1)
        lefts.append(x)
        x += _BOX
    for row in rows:
        for box in row:
            box.x = lefts[box.column]
    return x - _BOX + _MARGIN


def _place_ends(lines: list[Line]) -> None:
    """Spread the lines over the upper and the lower edge of each box."""
    for box in {id(each): each for line in lines for each in (line.target, *line.sources)}.values():
        ends = sorted((each for each in lines if each.target is box), key=lambda each: each.kind)
        for number, line in enumerate(ends, 1):
            line.is_labelled_left = number < len(ends)
            line.entry = box.x + _BOX * number / (len(ends) + 1) - _SHIFT
    for line in lines:
        line.exits = [0.0] * len(line.sources)
    for box in {id(each): each for line in lines for each in line.sources}.values():
        starts = [line for line in lines if any(each is box for each in line.sources)]
        starts.sort(key=lambda each: (each.entry if each.gutter is None else each.lane_x, each.kind))
        for number, line in enumerate(starts, 1):
            place = next(index for index, each in enumerate(line.sources) if each is box)
            line.exits[place] = box.x + _BOX * number / (len(starts) + 1) + _SHIFT


def _choose_tracks(lines: list[Line]) -> None:
    """A track for each line in each space that it runs through."""
    taken: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for line in sorted(lines, key=lambda each: (each.target.row, each.entry), reverse=True):
        for channel in line.channels:
            first, *_, last = [*line.xs(channel), line.xs(channel)[-1]]
            track = 0
            while any(first < right + _LANE and left < last + _LANE for left, right in taken.get((channel, track), ())):
                track += 1
            taken.setdefault((channel, track), []).append((first, last))
            line.tracks[channel] = track


def _place_rows(
    architecture: Architecture, rows: list[list[Box]], lines: list[Line], width: float
) -> tuple[list[Frame], dict[tuple[int, int], float], float]:
    """Place the rows, with frames around those of subnets. Returns the frames, the tracks, and the height."""
    frames: list[Frame] = []
    tracks: dict[tuple[int, int], float] = {}
    vpc: Frame | None = None
    y, place = _HEAD, None
    for number, row in enumerate(rows):
        if row[0].node.place != place:
            if place in (PUBLIC, PRIVATE):
                y += _GAP
                frames[-1].height = y - frames[-1].y
            place = row[0].node.place
            if vpc and place == REGIONAL:
                vpc.height, y = y + _GAP - vpc.y, y + _GAP
        y = _place_tracks(tracks, lines, number, y)
        if number == 0 or rows[number - 1][0].node.place != place:
            if vpc is None and place in (PUBLIC, PRIVATE):
                vpc = Frame(f"VPC {', '.join(architecture.vpcs)}", [], _EDGE, y, width - 2 * _EDGE)
                frames.append(vpc)
                y += LINE + _GAP
            if place in (PUBLIC, PRIVATE):
                own = [each for each in architecture.subnets if each.place == place]
                ranges = [f"{each.cidr}, zone {each.zone}, {_out(each.way_out)}" for each in own]
                frames.append(Frame(_PLACES[place], ranges, 2 * _EDGE, y, width - 4 * _EDGE))
                y += LINE * (1 + len(ranges)) + _GAP
        y += _LABELS
        height = max(LINE * (len(box.name) + len(box.lines)) for box in row) + 2 * PADDING
        for box in row:
            box.y, box.height = y, height
        y += height
    # Lines that go up again, in a circle.
    y = _place_tracks(tracks, lines, len(rows), y)
    for frame in frames:
        frame.height = frame.height or y + _GAP * (2 if frame is vpc else 1) - frame.y
    return frames, tracks, y + _FOOT


def _place_tracks(tracks: dict[tuple[int, int], float], lines: list[Line], channel: int, y: float) -> float:
    """Place the tracks of a space below `y`. Returns where they end."""
    count = max((each.tracks[channel] + 1 for each in lines if channel in each.tracks), default=0)
    tracks |= {(channel, track): y + _GAP + _TRACK * track for track in range(count)}
    return y + _GAP + _TRACK * count


def _out(way_out: str) -> str:
    return f"out by {way_out}" if way_out else "no route to the internet"


def _draw(line: Line, tracks: dict[tuple[int, int], float]) -> None:
    """The paths of a line: its last part, which has the arrow, then those that join it."""
    target, last = line.target, tracks[line.target.row, line.tracks[line.target.row]]
    turns = {channel: tracks[channel, line.tracks[channel]] for channel in line.channels}
    line.paths.append(f"M{line.entry:.0f} {last:.0f}V{target.y:.0f}")
    for channel, y in turns.items():
        xs = line.xs(channel)
        line.paths.append(f"M{xs[0]:.0f} {y:.0f}H{xs[-1]:.0f}")
        inner = [*xs[1:-1], *([line.entry] if channel == target.row and len(xs) > 2 else [])]
        line.joins += [(x, y) for x in dict.fromkeys(inner) if xs[0] < x < xs[-1]]
    if line.gutter is not None:
        heights = sorted(turns.values())
        line.paths.append(f"M{line.lane_x:.0f} {heights[0]:.0f}V{heights[-1]:.0f}")
        line.joins += [(line.lane_x, y) for y in heights[1:-1]]
    for x, source in zip(line.exits, line.sources, strict=True):
        line.paths.append(f"M{x:.0f} {source.y + source.height:.0f}V{turns[source.row + 1]:.0f}")
