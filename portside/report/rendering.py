"""The templates of pages and pictures. All have one palette, and load nothing else."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

_FOLDER = Path(__file__).parent


def render(template: str, **values: Any) -> str:
    """A template of this folder with these values. Values are escaped."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> jinja2.Environment:
    # Few commands need it, and importing it takes a while.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["palette"] = (_FOLDER / "palette.css").read_text()
    environment.globals["style"] = (_FOLDER / "report_page.css").read_text()
    return environment
