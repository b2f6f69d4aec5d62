"""Rules over templates: each finds the fault it is for, and none finds anything in sound templates."""

from __future__ import annotations

import copy

import pytest

from portside.findings.finding import Finding
from portside.findings.templates import references
from portside.findings.templates.assembly import Assembly, assembly_of
from portside.findings.templates.check import check
from portside.findings.templates.rule import rows
from tests.earlier_app import templates as earlier_templates
from tests.unit.faulty_templates import FaultyTemplates
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    Json,
    configuration,
    environment,
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


def _variables(count: int) -> Put:
    """With the four existing ones and the secret: `count` and five."""
    more = [{"Name": f"V{number}", "Value": "1"} for number in range(count - 1)]
    return lambda of: of.container("api").update(Environment=more + of.container("api")["Environment"])


def _alarm(**changes: object) -> Put:
    return lambda of: of.of("api", "CloudWatch::Alarm").update(changes)


def _scaling(**changes: object) -> Put:
    return lambda of: of.of("api", "ScalableTarget").update(changes)


def _targets(**changes: object) -> Put:
    return lambda of: of.of("apex", "TargetGroup").update(changes)


def _cluster(window: str) -> Put:
    return lambda of: of.of("docdb-v8", "DocDB::DBCluster").update(PreferredBackupWindow=window)


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
def test_nothing_is_found_in_the_templates_of_the_previous_app(name: str) -> None:
    earlier = earlier_templates(environment(name), configuration().services_of(name))
    assert check(assembly(earlier, name)) == []


EDGES: list[tuple[str, Put, Put]] = [
    ("VARIABLES", _variables(95), _variables(96)),
    ("ALARM_PERIOD", _alarm(Period=60, EvaluationPeriods=1440), _alarm(Period=60, EvaluationPeriods=1441)),
    ("ALARM_PERIOD", _alarm(Period=20), _alarm(Period=40)),
    ("SCALING_BOUNDS", _scaling(MinCapacity=2), _scaling(MinCapacity=3)),
    ("HEALTH_TIMEOUT", _targets(HealthCheckTimeoutSeconds=9), _targets(HealthCheckTimeoutSeconds=10)),
    ("BACKUP_WINDOW", _cluster("01:00-01:30"), _cluster("01:00-01:29")),
]


@pytest.mark.parametrize(("name", "inside", "beyond"), EDGES)
def test_a_limit_lets_pass_its_edge_and_nothing_beyond(name: str, inside: Put, beyond: Put) -> None:
    assert rows()[name].code not in {each.code for each in found_with(inside)}
    assert rows()[name].code in {each.code for each in found_with(beyond)}


@pytest.mark.parametrize("value", [None, "", 1.5, [], {}, [[]], {"Ref": 3}, {"Fn::GetAtt": []}, {"Fn::Sub": 3}])
@pytest.mark.parametrize("key", ["Properties", "DependsOn", "Type", "ContainerDefinitions", "SecurityGroups"])
def test_a_value_of_another_form_ends_no_check(key: str, value: object) -> None:
    changed = copy.deepcopy(settled_templates("dev"))
    for template in changed.values():
        for resource in template["Resources"].values():
            for owner in (resource, resource.get("Properties", {})):
                if key in owner:
                    owner[key] = value
    check(assembly(changed))


@pytest.mark.parametrize(("outputs", "is_wrong"), [(200, False), (201, True)])
def test_a_stack_has_at_most_200_outputs(outputs: int, is_wrong: bool) -> None:
    template = {
        "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {f"Output{number}": {"Value": "x"} for number in range(outputs)},
    }
    found = [str(each.what) for each in references.sizes(assembly_of({"a-dev-ecs": template}))]
    assert found == ([f": has {outputs} outputs, at most 200 are accepted"] if is_wrong else [])
