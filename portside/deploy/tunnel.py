"""A port of this machine that leads to an environment's database, through a machine or a container in its network."""

from __future__ import annotations

import errno
import shlex
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portside.aws.database_reading import describe_database
from portside.aws.errors import code_of, is_denied
from portside.aws.stack_reading import physical_ids, read_stack
from portside.aws.target import Target
from portside.commands import Commands
from portside.config.database_kinds import DATABASE_KINDS, DOCUMENTDB
from portside.config.database_values import KIND, add_kind_hint
from portside.config.service_props import DATABASE, ServiceProps
from portside.config.stacks import StackKind, database_stacks, only_stack
from portside.deploy.execute import choose_container
from portside.deploy.session_manager import Session
from portside.errors import UsageError, UserError
from portside.json_fields import JsonFields

# https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-sessions-start.html
DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"


@dataclass(frozen=True)
class Tunnel(JsonFields):
    """A tunnel from `local_port` through `through` (`target` in Systems Manager) to the host."""

    environment: str
    local_port: int
    through: str
    target: str
    host: str
    port: int
    user: str
    database: str
    secret: str
    kind: str = DOCUMENTDB.name

    @property
    def request(self) -> dict[str, Any]:
        """StartSession's parameters."""
        parameters = {"host": self.host, "portNumber": str(self.port), "localPortNumber": str(self.local_port)}
        return {
            "Target": self.target,
            "DocumentName": DOCUMENT,
            "Parameters": {key: [value] for key, value in parameters.items()},
        }

    @property
    def uri(self) -> str:
        """Where to connect, without the password."""
        kind = DATABASE_KINDS[self.kind]
        return kind.uri.format(user=self.user, port=self.local_port, name=self.database)

    @property
    def client(self) -> str:
        """The command that connects."""
        return f"{DATABASE_KINDS[self.kind].client} {shlex.quote(self.uri)}"

    def password_command(self, commands: Commands) -> str:
        """The command that shows the password."""
        return commands.aws(
            *("secretsmanager", "get-secret-value"), secret_id=self.secret, query="SecretString", output="text"
        )

    def as_json(self) -> dict[str, Any]:
        """The fields, the request and the address."""
        return super().as_json() | {"request": self.request, "uri": self.uri}


def plan(target: Target, services: Sequence[ServiceProps], local_port: int | None) -> Tunnel:
    """The tunnel to open, from the database's usual port without a `local_port`.

    Raises `UserError` or `UsageError` if something is missing.
    """
    environment = target.environment
    kind = environment.database_kind
    if kind is None:
        place = f'ENVIRONMENTS["{environment.name}"]'
        raise UserError(f"{environment.name} has no database: {place} has no {KIND}", add_kind_hint(place))
    expect_free_port(local_port or kind.port)
    stack = database_stacks(environment)[0].name
    cloudformation = target.clients("cloudformation")
    if read_stack(cloudformation, stack) is None:
        raise UserError(
            f"{environment.name} has no database {target.place}: there is no stack {stack}",
            f"Deploy it: {target.commands.tool('deploy')}",
        )
    databases = physical_ids(cloudformation, stack, kind.resource_type)
    secrets = physical_ids(cloudformation, stack, "AWS::SecretsManager::Secret")
    found = describe_database(target.clients(kind.service), kind, databases[0]) if databases else None
    if found is None or not secrets:
        raise UserError(f"the stack {stack} has no database {kind.noun} and secret", "Look at it in CloudFormation.")
    through, session_target = _way(target, services)
    return Tunnel(
        environment=environment.name,
        local_port=local_port or kind.port,
        through=through,
        target=session_target,
        host=found.host,
        port=found.port or environment.database_port,
        user=environment.database_username,
        database=environment.database_name,
        secret=secrets[0],
        kind=kind.name,
    )


def expect_free_port(port: int) -> None:
    """Raise `UsageError` if the port is in use on this machine, or privileged."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        # As the plugin will: a connection of an hour ago must not count.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            why = "is in use on this machine" if error.errno == errno.EADDRINUSE else f"can't be used: {error.strerror}"
            raise UsageError(f"port {port} {why}", f"Choose another one: --port {_another(port)}") from error


def open_session(target: Target, tunnel: Tunnel) -> Session:
    """Ask Systems Manager for the session. Raises `UserError` that says what is missing where it refuses."""
    from botocore.exceptions import ClientError

    try:
        opened = target.clients("ssm").start_session(**tunnel.request)
    except ClientError as error:
        raise _refused(error, tunnel) from error
    return Session({key: opened[key] for key in ("SessionId", "TokenValue", "StreamUrl")}, tunnel.request)


def _way(target: Target, services: Sequence[ServiceProps]) -> tuple[str, str]:
    """The bastion if the environment has one, or a container that can call the database."""
    cloudformation, name = target.clients("cloudformation"), only_stack(target.environment, StackKind.BASTION).name
    stack = read_stack(cloudformation, name)
    instances = physical_ids(cloudformation, name, "AWS::EC2::Instance") if stack else []
    if instances:
        _expect_online(target, instances[0])
        return f"the bastion {instances[0]}", instances[0]
    return _way_through_a_task(target, services)


def _way_through_a_task(target: Target, services: Sequence[ServiceProps]) -> tuple[str, str]:
    obstacles = []
    for props in services:
        if any(call.service == DATABASE for call in props.calls):
            try:
                container = choose_container(target, props)
            except UserError as error:
                obstacles.append(error)
                continue
            return f"task {container.task} of {props.container_name}", container.target
    if not obstacles:
        raise UserError(
            f"nothing in {target.environment.name} leads to the database: no bastion, and no service that calls it",
            f'Give it a bastion: ENVIRONMENTS["{target.environment.name}"]["BASTION"] in app.py.',
        )
    raise UserError(
        "\n".join(["there is no bastion, and no way through a container:", *(each.message for each in obstacles)]),
        "\n".join(dict.fromkeys(each.hint for each in obstacles)),
    )


def _expect_online(target: Target, instance: str) -> None:
    """Raise `UserError` where Systems Manager has no connection to a machine."""
    from botocore.exceptions import ClientError

    try:
        found = target.clients("ssm").describe_instance_information(
            Filters=[{"Key": "InstanceIds", "Values": [instance]}]
        )["InstanceInformationList"]
    except ClientError as error:
        if is_denied(error):  # the session itself needs no such right, and will tell
            return
        raise
    status = found[0].get("PingStatus", "unknown") if found else "unknown to it"
    if status != "Online":
        raise UserError(
            f"the bastion {instance} is not online in Systems Manager ({status})",
            "Start the instance if it is stopped. It needs its instance profile with AmazonSSMManagedInstanceCore, an "
            "agent of version 3.1.1374.0 or later, and a way to the internet.",
        )


def _refused(error: Exception, tunnel: Tunnel) -> UserError:
    if is_denied(error):
        return UserError(
            f"the credentials may not open a session: {error}",
            f"They need ssm:StartSession on the target and on the document {DOCUMENT}.",
        )
    if code_of(error) == "TargetNotConnected":
        return UserError(
            f"{tunnel.through} is not connected to Systems Manager: {error}",
            "An agent connects some seconds after its start. Try again, or look whether it runs.",
        )
    return UserError(f"Systems Manager opens no session to {tunnel.through}: {error}", "The reason is AWS's own.")


def _another(port: int) -> int:
    return port + 1 if 1024 <= port < 65535 else 27018
