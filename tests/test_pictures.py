"""The pictures of the documentation, compared with what they show."""

from __future__ import annotations

from portside.findings.templates.assembly import assembly_of
from portside.report.architecture import architecture_of
from portside.report.architecture_picture import drawn
from portside.testing.synthesis import read_app, synthesized
from tests.unit.documents import ROOT


def test_the_picture_of_dev_is_that_of_its_templates() -> None:
    app = ROOT / "app.py"
    made = synthesized(app, read_app(app).first)
    shown = architecture_of(assembly_of(made.templates, made.environment.account, made.environment.region))
    picture = (ROOT / "docs" / "pictures" / "dev.svg").read_text(encoding="utf-8")
    assert picture.rstrip() == drawn(shown, f"{made.environment.identity.title} {made.environment.name}").rstrip(), (
        "docs/pictures/dev.svg is out of date. Run: ./agora diagram dev -o docs/pictures/dev.svg"
    )
