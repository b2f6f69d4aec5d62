"""The smallest app: an image of Docker Hub in one environment without a certificate, which it gets later."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.aws import Clients, clients
from tests.e2e.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

APP = """
if __name__ == "__main__":
    from src.synthesize import main

    main()

from src.environment import Environment
from src.service_props import ServiceProps

APP = "hello"
ENVIRONMENTS = {"dev": {"ACCOUNT": "111122223333", "VPC_CIDR": "10.20.0.0/24"}}


def services(environment: Environment) -> list[ServiceProps]:
    return [
        ServiceProps(
            container_name="web",
            container_port=80,
            container_memory_reservation=256,
            container_location="nginx:latest",
            public=True,
        )
    ]
"""
CERTIFICATE = '"FQDN": "hello-dev.example.org", "CERTIFICATE_ID": "1b2c3d4e-5f60-4a7b-8c9d-0e1f2a3b4c5d"'
NAMESPACE = '"NAMESPACE": "hello-dev.internal"'
CIDR = '"VPC_CIDR": "10.20.0.0/24"'


def _listeners(of: Clients) -> dict[int, tuple[str, str]]:
    """The ARN and the kind of action of each listener, by port."""
    elb = of("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    found = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    return {each["Port"]: (each["ListenerArn"], each["DefaultActions"][0]["Type"]) for each in found}


def _target_groups(of: Clients) -> list[str]:
    return [each["TargetGroupArn"] for each in of("elbv2").describe_target_groups()["TargetGroups"]]


def _tasks(of: Clients) -> list[str]:
    ecs = of("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    tasks: list[str] = ecs.list_tasks(cluster=cluster)["taskArns"]
    return tasks


def _deployed(clone: Clone) -> dict[str, Any]:
    answer = clone.agora("deploy", "dev", "--local", "--json")
    assert answer.exit_code == 0, answer.stderr
    deployment: dict[str, Any] = answer.json()["deployment"]
    return deployment


def test_the_smallest_app_runs_and_a_certificate_comes_and_goes_without_a_replacement(
    new_clone: Callable[[], Clone],
) -> None:
    clone = new_clone()
    (clone.folder / "app.py").write_text(APP)
    answer = clone.agora("deploy", "dev", "--local")
    assert answer.exit_code == 0, answer.stderr
    assert "dev serves HTTP only" in answer.stderr
    url = answer.stdout.split("Stub")[1].split()[0]
    with urllib.request.urlopen(url) as response:
        assert response.status == 200
    of = clients(clone.exports("dev"))
    (port_80, action), groups, tasks = _listeners(of)[80], _target_groups(of), _tasks(of)
    assert action == "fixed-response", "a rule forwards"
    assert _listeners(of).keys() == {80}

    clone.edit_configuration(CIDR, f"{CIDR}, {CERTIFICATE}")
    refused = clone.agora("deploy", "dev", "--local")
    assert refused.exit_code == 1
    assert "set NAMESPACE in app.py to the deployed name" in refused.stderr

    clone.edit_configuration(CERTIFICATE, f"{CERTIFICATE}, {NAMESPACE}")
    _deployed(clone)
    assert _listeners(of)[80] == (port_80, "redirect")
    assert _listeners(of)[443][1] == "fixed-response"
    assert (_target_groups(of), _tasks(of)) == (groups, tasks)

    clone.edit_configuration(f", {CERTIFICATE}", "")
    _deployed(clone)
    assert _listeners(of) == {80: (port_80, "fixed-response")}
    assert (_target_groups(of), _tasks(of)) == (groups, tasks)
