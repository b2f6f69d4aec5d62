"""Each status that CloudFormation gives a stack: what it means, and what a deployment can do with the stack.

The statuses are those of botocore's `StackStatus`; how the CDK CLI handles each is read from its
`deployStack`. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outlook(StrEnum):
    """How the next deployment handles a stack.

    ABSENT and ANNOUNCED (only a change set exists): creates it. TO_RECREATE: deletes and creates it. USABLE: updates
    it. IN_PROGRESS: waits. STUCK: fails.
    """

    ABSENT = "absent"
    ANNOUNCED = "announced"
    TO_RECREATE = "to recreate"
    USABLE = "usable"
    IN_PROGRESS = "in progress"
    STUCK = "stuck"


@dataclass(frozen=True)
class WayOut:
    """The CloudFormation operation that frees a stuck stack: `todo` and `note` explain it."""

    todo: str
    operation: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class StackStatus:
    """A status. `meaning` is a sentence without its subject, `word` what a live picture shows.

    `waiter` is the `aws cloudformation wait` command that ends with the operation, otherwise empty.
    """

    name: str
    outlook: Outlook
    meaning: str
    word: str
    has_failed: bool = False
    """Whether its last operation failed, or was rolled back."""
    way_out: WayOut | None = None
    waiter: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether the stack holds what its last successful deployment made, and can be updated."""
        return self.outlook is Outlook.USABLE

    @property
    def is_in_progress(self) -> bool:
        """Whether CloudFormation is working on it."""
        return self.outlook is Outlook.IN_PROGRESS

    @property
    def blocks_deployment(self) -> bool:
        """Whether the next deployment fails on it."""
        return self.outlook in (Outlook.STUCK, Outlook.IN_PROGRESS)

    @property
    def sentence(self) -> str:
        """The status and what it means; the bare status where it is nothing remarkable."""
        return f"{self.name}: {self.meaning}" if self.meaning else self.name


# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html
_ROLL_BACK = WayOut("Roll it back", "rollback-stack")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
_CONTINUE = WayOut(
    "Correct what its events name, then",
    "continue-update-rollback",
    "with --resources-to-skip LOGICAL_ID for what can't be corrected",
)
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
_DELETE = WayOut(
    "Delete the rest",
    "delete-stack",
    "deletes the rest of the stack; with --retain-resources LOGICAL_ID for what can't be deleted",
)
_EVENTS = WayOut("Ask AWS Support; its events are listed by", "describe-stack-events")

_ROLLING_BACK, _ROLLED_BACK = "failed, rolling back", "failed, rolled back"

# A creation that is rolled back ends for stack-create-complete, not for stack-rollback-complete. There is no waiter
# for an import that is rolled back. https://docs.aws.amazon.com/cli/latest/reference/cloudformation/wait/
_CREATED, _UPDATED, _UPDATE_ROLLED_BACK = "stack-create-complete", "stack-update-complete", "stack-rollback-complete"


def _usable(name: str, word: str, meaning: str = "") -> StackStatus:
    return StackStatus(name=name, outlook=Outlook.USABLE, meaning=meaning, word=word, has_failed=bool(meaning))


def _in_progress(name: str, word: str, meaning: str, waiter: str = "") -> StackStatus:
    has_failed = "ROLLBACK" in name
    return StackStatus(
        name=name, outlook=Outlook.IN_PROGRESS, meaning=meaning, word=word, has_failed=has_failed, waiter=waiter
    )


def _stuck(name: str, word: str, meaning: str, way_out: WayOut) -> StackStatus:
    return StackStatus(name=name, outlook=Outlook.STUCK, meaning=meaning, word=word, has_failed=True, way_out=way_out)


def _to_recreate(name: str, word: str, way_out: WayOut | None = None) -> StackStatus:
    outlook, meaning = Outlook.TO_RECREATE, "its creation failed; the next deployment deletes it and creates it again"
    return StackStatus(name=name, outlook=outlook, meaning=meaning, word=word, has_failed=True, way_out=way_out)


STACK_STATUSES = {
    status.name: status
    for status in (
        _in_progress("CREATE_IN_PROGRESS", "creating", "it is being created", _CREATED),
        _stuck("CREATE_FAILED", "failed to create", "its creation failed, and was not rolled back", _ROLL_BACK),
        _usable("CREATE_COMPLETE", "created"),
        _in_progress("ROLLBACK_IN_PROGRESS", _ROLLING_BACK, "its creation failed and is being rolled back", _CREATED),
        _to_recreate("ROLLBACK_FAILED", "failed to roll back", _DELETE),
        _to_recreate("ROLLBACK_COMPLETE", _ROLLED_BACK),
        _in_progress("DELETE_IN_PROGRESS", "deleting", "it is being deleted", "stack-delete-complete"),
        _stuck("DELETE_FAILED", "failed to delete", "it could not be deleted as a whole", _DELETE),
        StackStatus(name="DELETE_COMPLETE", outlook=Outlook.ABSENT, meaning="it was deleted", word="deleted"),
        _in_progress("UPDATE_IN_PROGRESS", "updating", "it is being updated", _UPDATED),
        _in_progress(
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "cleaning up",
            "it is updated, and what the update replaced is being deleted",
            _UPDATED,
        ),
        _usable("UPDATE_COMPLETE", "updated"),
        _stuck("UPDATE_FAILED", "failed to update", "its update failed, and was not rolled back", _ROLL_BACK),
        _in_progress(
            "UPDATE_ROLLBACK_IN_PROGRESS",
            _ROLLING_BACK,
            "its update failed and is being rolled back",
            _UPDATE_ROLLED_BACK,
        ),
        _stuck(
            "UPDATE_ROLLBACK_FAILED", "failed to roll back", "its update failed, and so did rolling it back", _CONTINUE
        ),
        _in_progress(
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            _ROLLING_BACK,
            "its update was rolled back, and what that replaced is being deleted",
            _UPDATE_ROLLED_BACK,
        ),
        _usable("UPDATE_ROLLBACK_COMPLETE", _ROLLED_BACK, "its last update failed and was rolled back"),
        StackStatus(
            name="REVIEW_IN_PROGRESS",
            outlook=Outlook.ANNOUNCED,
            meaning="only a change set was made for it; the next deployment creates it",
            word="preparing",
            way_out=WayOut("Delete the change set", "delete-stack", "deletes only the change set: nothing was created"),
        ),
        _in_progress(
            "IMPORT_IN_PROGRESS", "importing", "resources are being imported into it", "stack-import-complete"
        ),
        _usable("IMPORT_COMPLETE", "imported"),
        _in_progress("IMPORT_ROLLBACK_IN_PROGRESS", _ROLLING_BACK, "its import failed and is being rolled back"),
        _stuck(
            "IMPORT_ROLLBACK_FAILED", "failed to roll back", "its import failed, and so did rolling it back", _EVENTS
        ),
        _usable("IMPORT_ROLLBACK_COMPLETE", _ROLLED_BACK, "its last import failed and was rolled back"),
    )
}


def status_of(name: str) -> StackStatus:
    """The meaning of a status. Unknown ones are in progress if their names end so, otherwise stuck."""
    if name in STACK_STATUSES:
        return STACK_STATUSES[name]
    word, meaning = name.lower().replace("_", " "), "this tool does not know that status"
    if name.endswith("_IN_PROGRESS"):
        return _in_progress(name, word, meaning)
    return _stuck(name, word, meaning, _EVENTS)
