"""Where a command acts: one environment, on AWS or on the embedded AWS."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portside.aws.clients import Clients, made_once
from portside.aws.retries import Retries
from portside.aws.session import open_session
from portside.commands import Commands
from portside.config.configuration import state_dir
from portside.config.environment import Environment
from portside.emulator.client.child_environment import child_environment
from portside.emulator.client.process import LocalAws

_RETRY_SECONDS = 15 * 60


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
    """The identity of the credentials, as AWS names it."""
    is_renewable: bool = False
    """Whether the user can renew the credentials while a command runs."""

    @property
    def place(self) -> str:
        """How to call the place in a sentence."""
        return "on this machine" if self.is_local else f"in AWS account {self.environment.account}"

    @property
    def polling_seconds(self) -> float:
        """How often to ask: AWS limits the calls of an account."""
        return 0.2 if self.is_local else 3.0

    @property
    def commands(self) -> Commands:
        """How messages write commands that act on this environment."""
        environment = self.environment
        return Commands(environment.name, environment.account, environment.region, self.is_local)

    @property
    def assembly_dir(self) -> Path:
        """The folder for the deployed templates, separate from the `cdk.out` of a manual `cdk`."""
        return state_dir() / "cdk.out" / self.key

    @property
    def key(self) -> str:
        """Identifies this target in file names."""
        return f"{self.environment.name}{'-local' if self.is_local else ''}"


def tool_environment() -> dict[str, str]:
    """The environment variables for a tool of the virtual environment: its Node first, no telemetry."""
    # Only the image lookup needs the token for reading packages.
    inherited = {name: value for name, value in os.environ.items() if name != "GITHUB_TOKEN"}
    return inherited | {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }


def aws_target(environment: Environment, *, profile: str | None = None) -> Target:
    """The environment's real account, with the credentials of the current profile, or of `profile`.

    Raises `NoCredentials` if they are missing or for another account.
    """
    session = open_session(environment.account, environment.region, profile=profile, of=environment.name)
    region = {"AWS_REGION": environment.region, "AWS_DEFAULT_REGION": environment.region}
    chosen = {"AWS_PROFILE": profile} if profile else {}
    return Target(
        environment,
        False,
        made_once(session.client),
        tool_environment() | region | chosen,
        caller=session.caller,
        is_renewable=session.is_renewable,
    )


def with_retries(target: Target, *, wait: Callable[[float], object] = time.sleep) -> tuple[Target, Retries]:
    """The same target with retries, so that a running deployment is followed through transient errors."""
    from portside.terminal.console import say

    profile = target.process_environment.get("AWS_PROFILE")
    retries = Retries(
        lambda said: say(said, "yellow"),
        seconds=_RETRY_SECONDS,
        renew=f'Log in again in another terminal ("aws --profile {profile or "NAME"} sso login").'
        if target.is_renewable
        else "",
        # An embedded AWS that does not answer is no longer running.
        survives_lost_connections=not target.is_local,
        wait=wait,
    )
    return replace(target, clients=retries.clients(target.clients)), retries


def other_target(target: Target, environment: Environment, *, profile: str | None = None) -> Target:
    """The target of another environment, with the same credentials if both use the same account and region."""
    if target.is_local:
        return local_target(environment)
    here = target.environment
    if profile is None and (here.account, here.region) == (environment.account, environment.region):
        return replace(target, environment=environment)
    return aws_target(environment, profile=profile)


def local_target(environment: Environment) -> Target:
    """The environment on the embedded AWS that runs. Raises `UserError` when none does."""
    from portside.emulator.client import connection, process

    directory = local_state_dir()
    running = process.expect_running(directory)
    connection.use(running)
    from botocore.config import Config

    from portside.emulator.client.session import client_session

    account = environment.account
    variables = process.client_environment(running, account, environment.region, directory)
    session = client_session(account, running.account_secret(account), environment.region)
    # A proxy for the internet is not asked for this machine.
    config = Config(proxies={}, retries={"total_max_attempts": 3})

    def client(service: str) -> Any:
        made = session.client(service, endpoint_url=running.url, config=config)
        made.meta.events.register("before-send", connection.refuse_when_dead)
        return made

    return Target(environment, True, made_once(client), child_environment(tool_environment(), variables), running)


def local_state_dir() -> Path:
    """Where the embedded AWS of this clone keeps its state."""
    return state_dir() / "local"
