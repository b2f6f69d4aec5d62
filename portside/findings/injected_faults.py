"""Faults that a rehearsal injects: verdicts caused by one name it, and how to switch it off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from portside.aws.target import Target
from portside.commands import Commands, local_tool, remark
from portside.errors import UserError
from portside.findings.finding import Finding

# Codes that no fault of a service's tasks causes.
_NEVER_INJECTED = frozenset({"BY_HAND", "STACK_STUCK", "EXPORT_IN_USE", "NO_TASK_WANTED", "NOT_DEPLOYED"})
# Codes that faults of AWS's API cause: denied or throttled calls, expired credentials.
_OF_CALLS = frozenset({"CREDENTIALS", "DEPLOY_DENIED", "UNKNOWN"})


@dataclass(frozen=True)
class InjectedFault:
    """A fault that is on: of a service's tasks, or without `service` of AWS's API."""

    service: str
    fault: str

    @property
    def named(self) -> str:
        """As `--fault` takes it, or the call that it is about."""
        return f"{self.service}={self.fault}" if self.service else self.fault


def read_injected(target: Target) -> tuple[InjectedFault, ...]:
    """The faults that are on for an environment; none on AWS, nor where the embedded AWS does not answer."""
    if not target.is_local or target.local_aws is None:
        return ()
    from portside.emulator.client import control

    account, aws = target.environment.account, target.local_aws
    try:
        tasks, calls = control.faults(aws=aws), control.api_faults(aws=aws)
    except UserError:
        return ()
    return (
        *(InjectedFault(each["container"], _with_value(each)) for each in tasks if each["account"] == account),
        *(
            InjectedFault("", f"{each['code']} for {each['service']}:{each['operation']}")
            for each in calls
            if each.get("account") in (None, account)
        ),
    )


def _with_value(fault: dict[str, str | None]) -> str:
    return f"{fault['fault']}:{fault['value']}" if fault.get("value") else str(fault["fault"])


def naming_injected(
    verdicts: Sequence[Finding], faults: Sequence[InjectedFault], commands: Commands
) -> Iterator[Finding]:
    """The verdicts; those caused by an injected fault name it."""
    for verdict in verdicts:
        own = [each for each in faults if _may_explain(each, verdict)]
        if not own or not verdict.is_wrong:
            yield verdict
            continue
        named = ", ".join(each.named for each in own)
        off = local_tool("faults", "--clear")
        without = f"without the fault: {verdict.fix}"
        yield replace(
            verdict,
            what=f"{verdict.what}; this rehearsal injects it itself: {named}",
            fix=off + remark(f"then: {commands.tool('deploy')}; {without}"),
        )


def _may_explain(fault: InjectedFault, verdict: Finding) -> bool:
    if fault.service:
        return fault.service == verdict.service and verdict.code not in _NEVER_INJECTED
    return verdict.code in _OF_CALLS
