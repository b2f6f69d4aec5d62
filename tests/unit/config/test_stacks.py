"""One list of stacks: what the configuration says an environment has, and what synthesis makes of it."""

from __future__ import annotations

import pytest

from portside.config.configuration import Configuration
from portside.config.environment import DatabaseOrigin
from portside.config.stacks import StackKind, reserved_parts, stacks_for, stacks_of
from portside.deploy.destroy import kept_stacks
from portside.errors import UsageError
from portside.preflight.context import stack_names
from portside.synthesis.assembly import Stack, read_assembly
from tests.unit.configuration_support import check_configuration, environments, one_service
from tests.unit.stacks_support import (
    BASTION,
    ENVIRONMENTS,
    configuration,
    configuration_with,
    images_of,
    shared_synthesis_with,
)
from tests.unit.test_readme import template_configuration

RESTORED = {"docdb-v8-restored": DatabaseOrigin(cluster="agora-dev-docdb-v8", time="latest")}

CONFIGURATIONS: dict[str, tuple[Configuration, str]] = {
    **{name: (configuration(), name) for name in ENVIRONMENTS},
    **{
        f"{name}, moving, with a bastion": (configuration_with(name, keep_exports=True, bastion=BASTION), name)
        for name in ENVIRONMENTS
    },
    **{f"{name}, settled": (configuration_with(name, keep_exports=False), name) for name in ENVIRONMENTS},
    "dev, with a second database": (configuration_with("dev", databases=RESTORED), "dev"),
    "dev, on a restored database": (
        configuration_with("dev", databases=RESTORED, database_stack="docdb-v8-restored"),
        "dev",
    ),
    "the README's": (template_configuration(), "dev"),
    "one service": (
        check_configuration(environments(live={"KIND": "production", "PROVED_BY": None}), one_service),
        "live",
    ),
}

# A resource that is in stacks of one kind only.
OWN_RESOURCES = {
    StackKind.NETWORK: "AWS::EC2::VPC",
    StackKind.DATABASE: "AWS::DocDB::DBCluster",
    StackKind.ECS_CLUSTER: "AWS::ECS::Cluster",
    StackKind.LOAD_BALANCER: "AWS::ElasticLoadBalancingV2::LoadBalancer",
    StackKind.SERVICE: "AWS::ECS::Service",
    StackKind.MONITORING: "AWS::CloudWatch::Dashboard",
    StackKind.BASTION: "AWS::EC2::Instance",
}


def made_of(of: Configuration, name: str) -> dict[str, Stack]:
    images = images_of(name) if of.environments.get(name) == configuration().environments.get(name) else None
    return {stack.name: stack for stack in read_assembly(shared_synthesis_with(images, of, name))}


@pytest.mark.parametrize("which", CONFIGURATIONS)
def test_the_list_names_every_stack_that_is_synthesized_and_no_other(which: str) -> None:
    configuration, name = CONFIGURATIONS[which]
    listed = {stack.name: stack for stack in stacks_of(configuration, name)}
    made = made_of(configuration, name)
    assert set(listed) == set(made)
    for stack in listed.values():
        assert [kind for kind, own in OWN_RESOURCES.items() if made[stack.name].resources(own)] == [stack.kind]


def test_a_stack_of_a_service_says_which_container_it_runs() -> None:
    named = {stack.name: stack.container_name for stack in stacks_of(configuration(), "dev") if stack.container_name}
    assert named == {
        "agora-dev-api": "agora-api",
        "agora-dev-api-next": "agora-api-next",
        "agora-dev-api-docs": "agora-api-docs",
        "agora-dev-app": "agora-app",
        "agora-dev-apex": "agora-apex",
    }


def test_the_list_takes_an_environment_or_its_name() -> None:
    assert stacks_of(configuration(), configuration().environment("dev")) == stacks_of(configuration(), "dev")
    assert stacks_for(configuration().environment("dev"), configuration().services_of("dev")) == stacks_of(
        configuration(), "dev"
    )
    with pytest.raises(UsageError, match="no environment"):
        stacks_of(configuration(), "nowhere")


def test_verification_and_destruction_walk_the_same_list() -> None:
    environment = configuration_with("dev", bastion=BASTION, databases=RESTORED).environment("dev")
    listed = stacks_for(environment, configuration().services_of("dev"))
    assert stack_names(environment, configuration().services_of("dev")) == [stack.name for stack in listed]
    assert kept_stacks(environment) == ("agora-dev-network", "agora-dev-docdb-v8", "agora-dev-docdb-v8-restored")


def test_no_service_can_take_the_name_of_another_stack() -> None:
    environment = configuration_with("dev", bastion=BASTION, databases=RESTORED).environment("dev")
    others = {stack.part for stack in stacks_for(environment, ())}
    assert others == set(reserved_parts(environment))
    assert "bastion" in reserved_parts(configuration().environment("dev")), "it can be asked for later"
