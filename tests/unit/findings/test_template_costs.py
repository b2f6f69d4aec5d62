"""The cost of a deployed stack, by its template."""

from __future__ import annotations

from typing import Any

import pytest

from portside.costs.estimate import Line, standing, total
from portside.costs.template_costs import template_costs
from tests.apps import agora
from tests.unit.operations_support import resource
from tests.unit.stacks_support import ENVIRONMENTS, templates


def costs(**resources: dict[str, Any]) -> dict[str, float]:
    return {line.name: line.quantity for line in template_costs({"Resources": resources}).lines}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_stacks_of_an_environment_cost_together_what_the_configuration_says(name: str) -> None:
    configuration = agora()
    lines = [line for template in templates(name).values() for line in template_costs(template).lines]
    # Secrets that the services read are made outside the stacks; the database's own is in its stack.
    found = total([line for line in lines if line.name != "secret"])
    expected = standing(configuration.environment(name), configuration.services_of(name))
    assert found == pytest.approx(total([line for line in expected if line.name != "secret"]), abs=0.05)


def test_a_service_costs_what_its_fewest_tasks_cost() -> None:
    task = resource("AWS::ECS::TaskDefinition", Cpu="512", Memory="1024")
    scaled = {"Target": resource("AWS::ApplicationAutoScaling::ScalableTarget", MinCapacity=2)}
    service = resource("AWS::ECS::Service", DesiredCount=3)
    assert costs(Task=task, Service=service, **scaled) == {"Fargate, vCPU": 1, "Fargate, GB of memory": 2}
    assert costs(Task=task, Service=service) == {"Fargate, vCPU": 1.5, "Fargate, GB of memory": 3}
    assert costs(Task=task, Service=resource("AWS::ECS::Service"))["Fargate, vCPU"] == 0.5
    assert costs(Task=task) == {}, "nothing runs it"


def test_what_has_no_known_price_is_named_and_not_guessed() -> None:
    found = template_costs({"Resources": {"Host": resource("AWS::EC2::Instance", InstanceType="t3.micro")}})
    assert (found.dollars, found.unpriced) == (0, ("EC2 t3.micro",))
    assert found.sentence == "$0.00 a month, and EC2 t3.micro, whose price is unknown"


def test_a_sum_is_shown_to_the_cent() -> None:
    found = template_costs(
        {"Resources": {"Key": resource("AWS::KMS::Key"), "Secret": resource("AWS::SecretsManager::Secret")}}
    )
    assert found.lines == (Line("key", 1), Line("secret", 1))
    assert found.sentence == "$1.40 a month"
    assert template_costs({}).sentence == "$0.00 a month"
