"""The Python examples of the documentation, run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import pytest

from portside.config.configuration import Configuration
from portside.config.service_props import ServiceProps
from tests.unit.configuration_support import check_configuration
from tests.unit.documents import PAGES, Block, blocks

PAGE = "docs/configuration.md"
PYTHON_BLOCKS = [block for page in PAGES for block in blocks(page) if block.language == "python"]


def run(sections: Iterator[Block]) -> dict[str, Any]:
    """Run blocks one after the other, as a user would type them."""
    namespace: dict[str, Any] = {"__name__": "example"}
    for block in sections:
        exec(compile("\n" * block.line + block.text, block.page, "exec"), namespace)
    return namespace


def run_section(section: str) -> dict[str, Any]:
    return run(block for block in PYTHON_BLOCKS if block.page == PAGE and block.section == section)


def written_json(section: str) -> str:
    return next(block.text for block in blocks(PAGE) if block.language == "json" and block.section == section)


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that the container of the secrets' example runs in."""
    secret = written_json("Pass secrets to a container")
    monkeypatch.setenv("DATABASE", secret)
    monkeypatch.setenv("DATABASE_USER", json.loads(secret)["DATABASE_USER"])
    monkeypatch.setenv("PASSWORD", "correct-horse")


@pytest.mark.parametrize(
    "section",
    [list(group) for _, group in groupby(PYTHON_BLOCKS, key=lambda block: (block.page, block.section))],
    ids=lambda section: f"{section[0].page}: {section[0].section}",
)
@pytest.mark.usefixtures("container")
def test_the_python_of_a_section_runs_after_the_page_above_it(section: list[Block]) -> None:
    last = section[-1]
    run(block for block in PYTHON_BLOCKS if block.page == last.page and block.line <= last.line)


def test_there_are_examples() -> None:
    assert {block.section for block in PYTHON_BLOCKS if block.page == PAGE} >= {
        "Use it as a template",
        "Pass secrets to a container",
    }


def template_configuration() -> Configuration:
    example = run_section("Use it as a template")
    return check_configuration(example["ENVIRONMENTS"], example["services"])


def test_a_misspelt_import_is_reported_as_main_comes_before_the_imports() -> None:
    (example,) = [each.text for each in PYTHON_BLOCKS if each.section == "Use it as a template"]
    assert example.index("main()") < example.index("from src.environment")


def test_the_minimal_configuration_is_valid() -> None:
    assert [props.container_name for props in template_configuration().services_of("dev")] == ["web"]


@pytest.mark.slow
def test_the_minimal_configuration_makes_stacks(tmp_path: Any) -> None:
    from portside.stacks.synthesize import build_app

    assembly = build_app(template_configuration(), "dev", outdir=str(tmp_path)).synth()
    assert "agora-dev-web" in [stack.stack_name for stack in assembly.stacks]


@pytest.mark.usefixtures("container")
def test_the_example_reads_the_secrets_that_its_service_is_given() -> None:
    example = run_section("Pass secrets to a container")
    props: ServiceProps = example["app_service_props"]
    assert {secret.environment_key for secret in props.container_secrets} == {"DATABASE", "DATABASE_USER", "PASSWORD"}
    fields: Mapping[str, str] = json.loads(written_json("Pass secrets to a container"))
    assert {secret.json_field for secret in props.container_secrets} - {None} <= fields.keys()
    assert example["user"] == example["same_user"] == "maria"
    assert example["password"] == "correct-horse"
