"""Evidence that is read while a deployment continues."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from portside.aws.model import Service
from portside.aws.snapshot import Snapshot, with_earlier
from portside.findings.early_evidence import EarlyEvidence
from portside.findings.verdict import judge
from tests.unit.diagnosis_support import evidence, exited, service, stack

TIMEOUT_SECONDS = 10.0
UNREACHABLE = "MongoNetworkError: connection 1 to 10.0.0.9:27017 timed out"


class _Reading:
    """The evidence collected about each service; nothing before it is released."""

    def __init__(self, **found: Snapshot) -> None:
        self._found = {name.replace("_", "-"): each for name, each in found.items()}
        self.asked: list[str] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, service: str) -> Snapshot:
        self.asked.append(service)
        assert self.go.wait(TIMEOUT_SECONDS)
        return self._found[service]


def _crashed(name: str, *tasks: str) -> Service:
    """A service of which these tasks crashed without the database."""
    return service(name, *(replace(exited(1, UNREACHABLE), id=id) for id in tasks))


def _tasks(found: Snapshot | None) -> dict[str, list[str]]:
    assert found is not None
    return {each.name: [task.id for task in each.tasks] for each in found.services}


def test_a_service_is_read_after_its_first_failure_and_not_again() -> None:
    reading = _Reading(agora_app=evidence(_crashed("agora-app", "a")))
    early = EarlyEvidence(reading)
    for _ in range(2):
        early.note_failure("agora-app")
        assert _tasks(early.gathered(TIMEOUT_SECONDS)) == {"agora-app": ["a"]}
    assert reading.asked == ["agora-app"]


def test_services_that_fail_are_each_read_and_what_one_of_them_has_lost_since_is_kept() -> None:
    app = evidence(_crashed("agora-app", "a"), _crashed("agora-api", "b"))
    early = EarlyEvidence(_Reading(agora_app=app, agora_api=evidence(_crashed("agora-api", "c"))))
    early.note_failure("agora-app")
    early.gathered(TIMEOUT_SECONDS)
    early.note_failure("agora-api")
    assert _tasks(early.gathered(TIMEOUT_SECONDS)) == {"agora-api": ["c", "b"], "agora-app": ["a"]}


def test_no_one_waits_for_a_reading_and_a_slow_one_is_skipped() -> None:
    reading = _Reading(agora_app=evidence(_crashed("agora-app", "a")))
    early = EarlyEvidence(reading)
    assert early.gathered() is None, "nothing failed"
    reading.go.clear()
    early.note_failure("agora-app")
    assert early.gathered(0.01) is None
    reading.go.set()
    assert _tasks(early.gathered(TIMEOUT_SECONDS)) == {"agora-app": ["a"]}


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reading_that_fails_is_done_without() -> None:
    early = EarlyEvidence(_Reading())
    early.note_failure("agora-app")
    assert early.gathered(TIMEOUT_SECONDS) is None


def test_a_first_deployment_that_took_its_log_along_is_explained_by_what_was_read_before() -> None:
    rolled_back = stack("agora-dev-app", "ROLLBACK_COMPLETE")
    deleted = replace(service("agora-app", replace(exited(1), log_gone=True)), status="", events=(), rollouts=())
    later = evidence(deleted, stacks=(rolled_back,))
    before = evidence(_crashed("agora-app", deleted.tasks[0].id))
    assert judge(later)[0].code == "CRASH_AT_START"
    assert judge(with_earlier(later, before))[0].code == "DATABASE_UNREACHABLE"
