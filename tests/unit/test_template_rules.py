"""Rules over templates: each finds the fault it is for, and none finds anything in sound templates."""

from __future__ import annotations

import copy

import pytest

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, assembly_of
from portside.findings.templates.check import check
from portside.findings.templates.rule import rows
from tests.earlier_app import templates as earlier_templates
from tests.unit.faulty_templates import FaultyTemplates
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    Json,
    environment,
    form,
    moving_templates,
    settled_templates,
    templates,
)
from tests.unit.template_rule_faults import FAULTS, Put


def assembly(of: dict[str, Json], name: str = "dev") -> Assembly:
    return assembly_of(of, environment(name).account, environment(name).region)


def found_with(put: Put) -> list[Finding]:
    changed = copy.deepcopy(settled_templates("dev"))
    put(FaultyTemplates(changed))
    return check(assembly(changed))


def test_every_rule_has_a_fault_that_shows_it() -> None:
    assert list(FAULTS) == list(rows())


@pytest.mark.parametrize("name", rows())
def test_a_fault_is_found_by_its_rule(name: str) -> None:
    found = found_with(FAULTS[name])
    assert rows()[name].code in {each.code for each in found}, found
    assert all(each.what and each.look and each.fix and each.stack for each in found)


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("step", [templates, moving_templates, settled_templates], ids=lambda step: step.__name__)
def test_nothing_is_found_in_our_templates_in_any_step(name: str, step: object) -> None:
    assert callable(step)
    assert check(assembly(step(name), name)) == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_is_found_in_the_templates_of_the_earlier_app(name: str) -> None:
    earlier = earlier_templates(environment(name), form().services_of(name))
    assert check(assembly(earlier, name)) == []
