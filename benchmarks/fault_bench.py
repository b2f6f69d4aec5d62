"""A deployed environment that faults are caused in, and what is done to it."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portside.emulator.client import control
from portside.emulator.client.process import LocalAws
from tests.e2e.aws import DEV, Clients
from tests.e2e.clone import Clone

LONGEST_SECONDS = 90
PAUSE_SECONDS = 0.1
_GAVE_UP = ") deployment failed"


@dataclass
class Bench:
    """A deployed dev, and the means to break and fix it."""

    clone: Clone
    aws: LocalAws
    of: Clients
    kept: dict[str, Any] = field(default_factory=dict)
    """The state that a fault removed, for restoring it."""

    def fault(self, container: str, name: str, value: str | None = None) -> None:
        """Let the tasks of a container fail from now on."""
        control.set_fault(DEV, container, name, value, aws=self.aws)

    def clear(self) -> None:
        """Fix what was broken by faults: the program, the registry, the network."""
        control.clear_faults(DEV, aws=self.aws)

    def resources(self, part: str, kind: str) -> list[str]:
        """The ids of what the stack of a part holds, by type."""
        found = self.of("cloudformation").describe_stack_resources(StackName=f"agora-dev-{part}")["StackResources"]
        return [each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind]

    def service(self, container: str) -> tuple[str, str]:
        """Cluster and name of a service in ECS."""
        _, cluster, name = self.resources(container.removeprefix("agora-"), "AWS::ECS::Service")[0].rsplit("/", 2)
        return cluster, name

    def described(self, container: str) -> dict[str, Any]:
        """A service as ECS describes it."""
        cluster, name = self.service(container)
        found: dict[str, Any] = self.of("ecs").describe_services(cluster=cluster, services=[name])["services"][0]
        return found

    def roll(self, container: str) -> bool:
        """Deploy a service again as it is, and wait for the end of that; whether it went well."""
        cluster, name = self.service(container)
        updated = self.of("ecs").update_service(cluster=cluster, service=name, forceNewDeployment=True)["service"]
        expected = next(each["id"] for each in updated["deployments"] if each["status"] == "PRIMARY")
        until = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < until:
            deployments = {each["id"]: each for each in self.described(container)["deployments"]}
            if "IN_PROGRESS" not in {each.get("rolloutState") for each in deployments.values()}:
                return expected in deployments and deployments[expected].get("rolloutState") == "COMPLETED"
            time.sleep(PAUSE_SECONDS)
        return False

    def wait_until_deleted(self, stack: str) -> None:
        """Wait until CloudFormation has deleted a stack."""
        self.of("cloudformation").get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})

    def deploy(self, *arguments: str) -> bool:
        """Deploy dev as a user does; whether it went well."""
        done = self.clone.agora("deploy", "dev", "--local", "--json", *arguments)
        self.kept |= {"said": done.stderr, "ended": datetime.now(UTC)}
        self.kept["verdicts"] = done.json().get("failure", {}).get("verdicts", []) if done.stdout else []
        return done.exit_code == 0

    def seconds_since_failure(self, container: str) -> float:
        """From ECS's word that a deployment of the service has failed to the end of `deploy`, which is its verdict."""
        events = self.described(container)["events"]
        failed: datetime = max(each["createdAt"] for each in events if _GAVE_UP in each["message"])
        ended: datetime = self.kept["ended"]
        return (ended - failed).total_seconds()

    def publish(self, container: str) -> None:
        """Publish another image of a container, so that a deployment starts its tasks again."""
        assert self.clone.agora("local", "publish", "edge", container).exit_code == 0

    def diagnose(self) -> tuple[dict[str, Any], int, float]:
        """The answer of `diagnose`, its exit code, and its duration in seconds."""
        began = time.monotonic()
        done = self.clone.agora("diagnose", "dev", "--local", "--json")
        answer = done.json() if done.stdout else {"verdicts": [], "said": done.stderr}
        return answer, done.exit_code, time.monotonic() - began

    def run_printed(self, fix: str) -> bool:
        """Run a fix that changes something on the embedded AWS, as it was printed; returns whether it worked."""
        command = fix.split("  # ")[0]
        if not command.startswith("./agora local env "):
            return False
        done = self.clone.paste(command)
        if done.exit_code:
            print(f"    the printed fix failed: {done.stderr[-600:]}", file=sys.stderr)
        return done.exit_code == 0
