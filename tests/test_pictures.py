"""The pictures of the documentation, compared with what they show."""

from __future__ import annotations

from xml.etree import ElementTree

from portside.findings.templates.assembly import assembly_of
from portside.report.architecture import architecture_of
from portside.report.architecture_picture import drawn
from portside.testing.synthesis import read_app, synthesized
from tests.unit.documents import ROOT, blocks
from tools import terminal_picture


def test_the_picture_of_dev_is_that_of_its_templates() -> None:
    app = ROOT / "app.py"
    made = synthesized(app, read_app(app).first)
    shown = architecture_of(assembly_of(made.templates, made.environment.account, made.environment.region))
    picture = (ROOT / "docs" / "pictures" / "dev.svg").read_text(encoding="utf-8")
    assert picture.rstrip() == drawn(shown, f"{made.environment.identity.title} {made.environment.name}").rstrip(), (
        "docs/pictures/dev.svg is out of date. Run: ./agora diagram dev -o docs/pictures/dev.svg"
    )


def test_the_terminal_picture_is_that_of_its_recording() -> None:
    recording = terminal_picture.RECORDING.read_text(encoding="utf-8")
    expected = terminal_picture.drawn(recording, terminal_picture.TITLE)
    assert terminal_picture.PICTURE.read_text(encoding="utf-8") == expected, "Run: python tools/terminal_picture.py"
    text = " ".join("".join(ElementTree.fromstring(expected).itertext()).split())
    # As docs/failures.md shows it.
    found = [each for each in blocks("docs/failures.md") if each.section == "Missing secret"]
    (shown,) = [each.text for each in found if each.language == "text"]
    assert shown.partition(";")[0] in text


def test_a_session_is_replayed_with_its_colors_as_the_terminal_showed_it() -> None:
    session = "one\r\n\x1b[31mtwo\x1b[0m\r\n\x1b[1A\x1b[2Kthree\r\n"
    assert terminal_picture.replayed(session) == ["one", "three", ""]
    assert terminal_picture.replayed("\x1b[31m<b>\x1b[0m") == ["\x1b[31m<b>\x1b[0m"]
    assert '<tspan class="red">&lt;b&gt;</tspan>' in terminal_picture.drawn("\x1b[31m<b>\x1b[0m", "title")
