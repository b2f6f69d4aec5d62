"""Loading Agora's data as a job of `app.py`, as docs/everyday.md shows it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from portside.config.configuration import Configuration
from portside.config.service_props import ServiceProps
from portside.findings.codes import Severity
from portside.findings.templates.check import check
from portside.findings.templates.folder import read_folder
from portside.stacks.synthesize import build_app
from tests.apps import agora
from tests.unit.documents import blocks
from tests.unit.stacks_support import Json, properties, read_templates

[SHOWN] = [each.text for each in blocks("docs/everyday.md") if "def data_loader" in each.text]


def loader(configuration: Configuration) -> ServiceProps:
    names: dict[str, object] = {}
    exec(SHOWN, names)  # nosec B102 # the code of the page
    made = names["data_loader"]
    assert callable(made)
    found = made(configuration.environment("dev"))
    assert isinstance(found, ServiceProps)
    return found


def templates(folder: Path, *more: ServiceProps) -> dict[str, Json]:
    services = (*agora().services_of("dev"), *more)
    build_app(dataclasses.replace(agora(), services={"dev": services}), "dev", outdir=str(folder)).synth()
    return read_templates(folder)


def test_the_job_adds_one_stack_and_changes_no_other(tmp_path: Path) -> None:
    before, after = templates(tmp_path / "before"), templates(tmp_path / "after", loader(agora()))
    assert after.keys() - before.keys() == {"agora-dev-data"}
    assert {name: after[name] for name in before} == before
    definition = properties(after["agora-dev-data"], "AWS::ECS::TaskDefinition")
    assert (definition["Cpu"], definition["Memory"]) == ("1024", "3072")
    errors = [each for each in check(read_folder(tmp_path / "after")) if each.severity is Severity.ERROR]
    assert [each for each in errors if "agora-dev-data" in each.stack] == []
