"""Where a command acts: one environment, on AWS or on the embedded AWS."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local_aws.process import LocalAws
from src.environment import Environment
from src.errors import AgoraError, UsageError
from src.form import state_dir

Clients = Callable[[str], Any]
"""From the name of an AWS service to its boto3 client."""


@dataclass(frozen=True)
class Target:
    """An environment and the means to reach it; what acts on it is given clients, and never makes its own."""

    environment: Environment
    is_local: bool
    clients: Clients
    process_environment: Mapping[str, str]
    """The environment variables with which a child process, such as the CDK CLI, reaches the same place."""
    local_aws: LocalAws | None = None
    caller: str = ""
    """Whose credentials act, as AWS names them."""

    @property
    def place(self) -> str:
        """How to call the place in a sentence."""
        return "on this machine" if self.is_local else f"in AWS account {self.environment.account}"

    @property
    def assembly_dir(self) -> Path:
        """The folder for the templates that are deployed, apart from the `cdk.out` of a person's own `cdk`."""
        return state_dir() / "cdk.out" / self.key

    @property
    def key(self) -> str:
        """What tells this place from others in the names of files."""
        return f"{self.environment.name}{'-local' if self.is_local else ''}"


def tool_environment() -> dict[str, str]:
    """The environment variables for a tool of the virtual environment: its Node first, no telemetry."""
    # A token for reading packages is for nobody but the look-up of images.
    inherited = {name: value for name, value in os.environ.items() if name != "GITHUB_TOKEN"}
    return inherited | {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }


def aws_target(environment: Environment, *, profile: str | None = None) -> Target:
    """The environment's real account, with the credentials of the person's profile, or of the one that is named.

    Raises `UsageError` where there are none, or where they are for another account than the environment's.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        session: Any = boto3.Session(region_name=environment.region, profile_name=profile)
        identity = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise UsageError(
            f"no usable AWS credentials: {error}",
            'Log in ("aws --profile NAME sso login") and set AWS_PROFILE=NAME, or rehearse with --local.',
        ) from error
    if identity["Account"] != environment.account:
        raise UsageError(
            f"the credentials are for account {identity['Account']}, but {environment.name} is {environment.account}",
            f"Choose a profile of account {environment.account} with AWS_PROFILE. Nothing was changed.",
        )
    region = {"AWS_REGION": environment.region, "AWS_DEFAULT_REGION": environment.region}
    caller = str(identity.get("Arn", "")).partition(":assumed-role/")[2] or str(identity.get("Arn", ""))
    return Target(environment, False, session.client, tool_environment() | region, caller=caller)


def beside(target: Target, environment: Environment, *, profile: str | None = None) -> Target:
    """Another environment from where one is reached: with the same credentials where they serve both."""
    if target.is_local:
        return local_target(environment)
    here = target.environment
    if profile is None and (here.account, here.region) == (environment.account, environment.region):
        return replace(target, environment=environment)
    return aws_target(environment, profile=profile)


def local_target(environment: Environment) -> Target:
    """The environment on the embedded AWS that runs. Raises `AgoraError` when none does."""
    from local_aws import process

    directory = local_state_dir()
    running = process.running(directory)
    if running is None:
        raise AgoraError("the embedded AWS does not run", "Start it with: ./agora local up")
    import boto3
    from botocore.config import Config

    variables = process.client_environment(running, environment.account, environment.region, directory)
    session: Any = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=environment.region,
    )
    # A proxy for the internet is not asked for this machine.
    config = Config(proxies={}, retries={"total_max_attempts": 3})

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=running.url, config=config)

    inherited = {name: value for name, value in tool_environment().items() if name not in process.CLEARED_VARIABLES}
    return Target(environment, True, client, inherited | variables, running)


def local_state_dir() -> Path:
    """Where the embedded AWS of this clone keeps its state."""
    return state_dir() / "local"
