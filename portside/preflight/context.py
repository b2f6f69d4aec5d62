"""The context of pre-flight checks: an environment, and values that several checks share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from portside.aws.clients import Clients
from portside.aws.errors import is_expired, why_unanswered
from portside.aws.model import Stack as DeployedStack
from portside.aws.ownership import Owner, others, owner_of
from portside.aws.reader import Look, Reader
from portside.aws.stack_reading import physical_ids, read_templates
from portside.aws.target import Target
from portside.commands import Commands
from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, only_stack, service_stack, stacks_for
from portside.errors import UserError
from portside.findings.check import fail, skip
from portside.findings.finding import Finding
from portside.images.resolution import Resolution
from portside.images.synthesis_images import references_of
from portside.plan.deployment_plan import context_of_groups, planned_groups
from portside.plan.images import access_to, locked_images
from portside.plan.unconfigured import read_unconfigured
from portside.records.deployment_record import DeploymentRecord, read_records
from portside.synthesis import cdk_cli
from portside.synthesis.assembly import Stack

Template = Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """Options of the command: `replace` names the resources that may be replaced or deleted."""

    drift: bool = False
    replace: frozenset[str] = frozenset()
    proof_profile: str | None = None


@dataclass(frozen=True)
class Context:
    """An environment, its configuration and images, and its deployed state.

    `stacks` are the templates that would be deployed, `deployed` by stack those that were. Stacks of another owner are
    in `theirs` only, so that nothing is compared with them.
    """

    target: Target
    configuration: Configuration
    options: Options
    client: Clients
    now: datetime
    states: Shared[dict[str, DeployedStack]]
    theirs: Shared[dict[str, DeployedStack]]
    deployed: Shared[dict[str, Template]]
    images: Shared[Resolution]
    stacks: Shared[Sequence[Stack]]
    records: Shared[list[DeploymentRecord]]
    look: Shared[Look]
    running: Shared[dict[str, int]]

    @property
    def environment(self) -> Environment:
        return self.target.environment

    @property
    def services(self) -> tuple[ServiceProps, ...]:
        return self.configuration.services_of(self.environment.name)

    @property
    def commands(self) -> Commands:
        return self.target.commands

    def stack_of(self, props: ServiceProps) -> str:
        return service_stack(self.environment, props.container_name).name

    def physical_ids(self, stack: str, kind: str) -> list[str]:
        """The ids of a deployed stack's resources of one type; none where there is no such stack."""
        return physical_ids(self.client("cloudformation"), stack, kind) if stack in self.states() else []

    def vpc(self) -> str | None:
        """The id of the environment's own VPC, where it has one already. Raises `NotKnown` where it is another's."""
        network = only_stack(self.environment, StackKind.NETWORK)
        deployed = {**self.states(), **self.theirs()}.get(network.name)
        if deployed and (refused := others([deployed], self.environment)):
            raise NotKnown("; ".join(refused))
        return next(iter(self.physical_ids(network.name, "AWS::EC2::VPC")), None)

    def known_images(self) -> Resolution:
        """The images that would be deployed. Raises `NotKnown` where they can't be looked up."""
        try:
            return self.images()
        except UserError as error:
            raise NotKnown("the images are not known") from error

    def new_templates(self) -> dict[str, Stack]:
        """The stacks that would be deployed, by name. Raises `NotKnown` where their templates can't be made."""
        try:
            return {stack.name: stack for stack in self.stacks()}
        except UserError as error:
            raise NotKnown("the new templates could not be made") from error


def context_of(
    target: Target,
    configuration: Configuration,
    images: Resolution | None,
    options: Options,
    *,
    stacks: Sequence[Stack] | None = None,
    folder: Path | None = None,
) -> Context:
    """The context, whose values are read when the first check needs them.

    Without `images` it asks the registry; without `stacks` they are synthesized into `folder`.
    """
    client = target.clients
    services = configuration.services_of(target.environment.name)
    reader = Reader(client, target.environment, services)
    look = Shared(reader.look)
    looked_up = Shared(lambda: images or choose_images(target, configuration))
    names = stack_names(target.environment, services)

    def of_owner(*, another: bool) -> Shared[dict[str, DeployedStack]]:
        def read() -> dict[str, DeployedStack]:
            found = {name: look().known_stacks[name] for name in names if name in look().known_stacks}
            return {
                name: state
                for name, state in found.items()
                if (owner_of(state, target.environment) is Owner.ANOTHER) is another
            }

        return Shared(read)

    states = of_owner(another=False)

    def made() -> Sequence[Stack]:
        return _synthesize(target, looked_up, folder, _kept(target, client, services))

    return Context(
        target=target,
        configuration=configuration,
        options=options,
        client=client,
        now=datetime.now(UTC),
        states=states,
        theirs=of_owner(another=True),
        deployed=Shared(lambda: _read_templates(client, states())),
        images=looked_up,
        stacks=Shared(lambda: stacks if stacks is not None else made()),
        records=Shared(lambda: read_records(client("ssm"), target.environment)),
        look=look,
        running=Shared(lambda: {each.name: each.running for each in look().whole().services}),
    )


def stack_names(environment: Environment, services: Sequence[ServiceProps]) -> list[str]:
    """The stacks that are configured for an environment."""
    return [stack.name for stack in stacks_for(environment, services)]


def _read_templates(client: Clients, states: Mapping[str, DeployedStack]) -> dict[str, Template]:
    return read_templates(client("cloudformation"), [name for name, state in states.items() if state.is_usable])


@dataclass(frozen=True)
class _ScratchTarget(Target):
    """A target whose templates are not written to the folder of the deployed ones."""

    folder: Path = Path()

    @property
    def assembly_dir(self) -> Path:
        return self.folder / self.key


def _kept(target: Target, client: Clients, services: Sequence[ServiceProps]) -> dict[str, str]:
    """The CDK context of the next deployment; empty if it can't be read, which another check reports."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = read_unconfigured(target, services)
        return context_of_groups(planned_groups(client("ssm"), target.environment, services, found))
    except (UserError, BotoCoreError, ClientError):
        return {}


def _synthesize(
    target: Target, images: Shared[Resolution], folder: Path | None, context: Mapping[str, str]
) -> Sequence[Stack]:
    assert folder is not None
    try:
        chosen = images()
    except UserError as error:
        raise NotKnown("the images are not known, and with them the templates") from error
    scratch = _ScratchTarget(**vars(target), folder=folder)
    stacks = cdk_cli.synthesize(scratch, chosen, context, lambda _: None, validate=False)
    for stack in stacks:
        # Read before the folder is deleted.
        assert stack.template
    return stacks


Value = TypeVar("Value")


class Shared(Generic[Value]):
    """A value that is read once, at the first call; later calls return it, or raise the same error."""

    def __init__(self, read: Callable[[], Value]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._outcome: Value | Exception | None = None
        self._is_read = False

    def __call__(self) -> Value:
        with self._lock:
            if not self._is_read:
                try:
                    self._outcome = self._read()
                except Exception as error:
                    self._outcome = error
                self._is_read = True
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome  # type: ignore[return-value]  # what `_read` gave


Ask = Callable[["Context"], Finding | Sequence[Finding]]


class NotKnown(Exception):
    """A check can't be made yet, and why."""


@dataclass(frozen=True)
class Question:
    subject: str
    ask: Ask


@dataclass(frozen=True)
class Answer:
    """The findings of a check. `expired` is whether the credentials had expired."""

    checks: tuple[Finding, ...]
    expired: bool = False


def answer(question: Question, context: Context) -> Answer:
    """Run a check; turn errors into findings."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = question.ask(context)
    except NotKnown as unknown:
        return Answer((skip(question.subject, str(unknown)),))
    except UserError as error:
        return Answer((fail(question.subject, error.message, error.hint),))
    except (BotoCoreError, ClientError) as error:
        why = why_unanswered(error, local=context.target.is_local)
        return Answer((skip(question.subject, why),), expired=is_expired(error))
    return Answer((found,) if isinstance(found, Finding) else tuple(found))


def choose_images(target: Target, configuration: Configuration) -> Resolution:
    """The images by the lock of their version, otherwise from the registry. Raises `UserError`."""
    environment = target.environment
    lock = locked_images(environment, configuration, local=target.is_local)
    if lock is not None:
        return lock
    references = references_of(configuration.services_of(environment.name))
    return ask_registry(target, configuration, references, environment.ghcr_package_version)


def ask_registry(target: Target, configuration: Configuration, references: Sequence[str], version: str) -> Resolution:
    """Look references up in the registry. Raises `ResolutionFailed` for those that are not found."""
    from portside.images.resolve import resolve

    return resolve(references, version, access=access_to(references, configuration, local=target.is_local))
