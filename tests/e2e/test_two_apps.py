"""Two apps in one account: a portal that adopts stacks with different names, and another app that claims them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from portside.plan.replacement import STATEFUL
from tests import earlier_app
from tests.apps import HELLO, PORTAL, portal
from tests.e2e.aws import Clients, clients, inventory
from tests.e2e.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]

PORTAL_DEV = portal().environment("dev")
# The bastion stays; its stack is in the way of the second step only.
EARLIER = {
    name: template
    for name, template in earlier_app.templates(PORTAL_DEV, portal().services_of("dev")).items()
    if not name.endswith(earlier_app.BASTION)
}


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """A clone with the portal's configuration, and the previous app's stacks in its embedded AWS."""
    made = Clone.at(tmp_path / "portal", app=PORTAL)
    prepared = made.agora("deploy", "dev", "--local", "--dry-run")
    assert prepared.exit_code == 0, prepared.stderr
    cloudformation = clients(made.exports("dev"))("cloudformation")
    for name, template in EARLIER.items():
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"], Tags=[]
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    yield made
    made.stop()


def _stateful(of: Clients) -> dict[tuple[str, str], str]:
    """The physical IDs of what the previous app's stacks have with state or an identity."""
    described = [of("cloudformation").describe_stack_resources(StackName=name)["StackResources"] for name in EARLIER]
    return {
        (each["StackName"], each["LogicalResourceId"]): each["PhysicalResourceId"]
        for resources in described
        for each in resources
        if each["ResourceType"] in STATEFUL and each["LogicalResourceId"] in EARLIER[each["StackName"]]["Resources"]
    }


def _passwords(of: Clients) -> list[str]:
    secrets = of("secretsmanager")
    return [
        secrets.get_secret_value(SecretId=each["ARN"])["SecretString"] for each in secrets.list_secrets()["SecretList"]
    ]


def _of_the_portal(of: Clients) -> set[str]:
    """All resources except certificates, which rehearsals create, and the last changes of its stacks and records."""
    parameters = of("ssm").describe_parameters()["Parameters"]
    stacks = of("cloudformation").describe_stacks()["Stacks"]
    return {
        *(each for each in inventory(of) if "other-" not in each and not each.startswith("acm ")),
        *(f"{each['Name']} {each['Version']}" for each in parameters if "other" not in each["Name"]),
        *(f"{each['StackName']} {each.get('LastUpdatedTime')}" for each in stacks if "other-" not in each["StackName"]),
    }


def _configure(clone: Clone, text: str) -> None:
    (clone.folder / "app.py").write_text(text)


def test_an_app_is_adopted_and_no_other_can_touch_its_stacks(clone: Clone) -> None:
    of = clients(clone.exports("dev"))
    kept, passwords = _stateful(of), _passwords(of)
    assert {"AWS::EC2::VPC", "AWS::DocDB::DBCluster"} <= {
        EARLIER[stack]["Resources"][name]["Type"] for stack, name in kept
    }
    for step in ("True", "False"):
        _configure(clone, (PORTAL / "app.py").read_text().replace('"KEEP_EXPORTS": True', f'"KEEP_EXPORTS": {step}'))
        deployed = clone.agora("deploy", "dev", "--local", "--yes")
        assert deployed.exit_code == 0, deployed.stderr
        assert (_stateful(of), _passwords(of)) == (kept, passwords)
    before = _of_the_portal(of)
    _claim_its_names(clone)
    _share_its_records(clone)
    assert _of_the_portal(of) == before
    _come_and_go_next_to_it(clone)
    assert _of_the_portal(of) == before


def _claim_its_names(clone: Clone) -> None:
    """Another app with the same prefix: every command refuses, also if it says that it adopts the stacks."""
    account = HELLO.joinpath("app.py").read_text().replace("111122223333", PORTAL_DEV.account)
    claiming = account.replace('APP = "hello"', 'APP = "other"\nSTACK_PREFIX = "model-ad-{environment}"')
    _configure(clone, claiming.replace('"VPC_CIDR"', '"ADOPTED_STACKS": "ours", "VPC_CIDR"'))
    for arguments in (
        ("deploy", "--yes", "--no-verify", "--prune"),
        ("destroy", "--yes", "--with-data"),
        ("destroy", "--yes", "--with-data", "--stack", "model-ad-dev-network"),
        ("rollback", "--yes"),
        ("dns",),
    ):
        refused = clone.agora(arguments[0], "dev", "--local", *arguments[1:])
        assert refused.exit_code == 1, arguments
        assert "belongs to mouse-portal/dev" in refused.stderr, arguments
    verified = clone.agora("verify", "dev", "--local")
    assert verified.exit_code == 1
    assert "--replace" not in verified.stdout + verified.stderr
    named = clone.agora("destroy", "dev", "--local", "--yes", "--with-data", "--stack", "model-ad-dev-docdb")
    assert (named.exit_code, "not ours" in named.stderr) == (2, True)


def _share_its_records(clone: Clone) -> None:
    """The same app and environment with another prefix."""
    _configure(
        clone, (PORTAL / "app.py").read_text().replace("model-ad-{", "other-{").replace("10.253.172", "10.253.7")
    )
    for arguments in (("deploy", "--no-verify"), ("destroy", "--with-data")):
        refused = clone.agora(arguments[0], "dev", "--local", "--yes", *arguments[1:])
        assert refused.exit_code == 1, arguments
        assert "mouse-portal/dev is already deployed with stacks of other names: model-ad-dev-apex" in refused.stderr


def _come_and_go_next_to_it(clone: Clone) -> None:
    account = HELLO.joinpath("app.py").read_text().replace("111122223333", PORTAL_DEV.account)
    _configure(clone, account.replace('"hello"', '"other"'))
    for arguments in (("deploy",), ("destroy", "--with-data")):
        done = clone.agora(arguments[0], "dev", "--local", "--yes", *arguments[1:])
        assert done.exit_code == 0, done.stderr
