"""Deploying, short of the CDK."""

from __future__ import annotations

import json
import sys
import threading
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.deploy import deploy, deployment_run, stability
from portside.deploy.deployment_run import DeploymentFailed
from portside.deploy.planning import NotReady, _endpoints_exist, expect_nothing_in_the_way
from portside.errors import UserError
from portside.findings import collect as evidence
from portside.findings.check import check_as_json, fail
from portside.findings.finding import Finding
from portside.images.resolution import Resolution
from portside.preflight.run import Verification
from portside.records.deployment_record import read_records, usual_seconds
from portside.records.environment_lock import Locked, locked, read_lock
from portside.records.origin import Origin
from portside.synthesis import cdk_cli
from portside.synthesis.cdk_cli import CdkFailed
from portside.timestamps import timestamp
from tests.apps import agora
from tests.unit.cluster_support import CLUSTER_STACK, TARGETS, FakeCluster, FakeTargets, deployment, service, task
from tests.unit.configuration_support import named
from tests.unit.operations_support import (
    NOON,
    FakeCloudFormation,
    FakeParameters,
    client_error,
    deployment_of,
    digest,
    resolution,
    resolved,
    resource,
    stack,
    target,
)

JANE = Origin("Developer/jane", "a" * 40)
APP = "agora-dev-app"


def _service_template(name: str, port: int | None) -> dict[str, Any]:
    aliases = [{"DnsName": name, "Port": port}]
    connect = {"Services": [{"PortName": name, "ClientAliases": aliases}]}
    return {"Resources": {"Service": resource("AWS::ECS::Service", ServiceConnectConfiguration=connect)}}


SERVICES = agora().services_of("dev")


def _deployed() -> dict[str, dict[str, Any]]:
    return {props.container_name: _service_template(props.container_name, props.container_port) for props in SERVICES}


def _exist(templates: dict[str, dict[str, Any]]) -> bool:
    return _endpoints_exist(templates.values(), SERVICES)


def test_services_go_in_parallel_once_every_endpoint_exists() -> None:
    assert _exist(_deployed())


def test_a_service_that_is_not_deployed_yet_keeps_the_order() -> None:
    templates = _deployed()
    del templates["agora-api-docs"]
    assert not _exist(templates)


def test_a_service_that_moves_to_another_port_keeps_the_order() -> None:
    assert not _exist(_deployed() | {"agora-api": _service_template("agora-api", 3000)})


@dataclass
class _Place:
    """dev with the one service agora-app in it; `deploys` is what the CDK does, `diagnosed` what a diagnosis says."""

    folder: Path
    cloudformation: FakeCloudFormation
    ecs: FakeCluster
    ssm: FakeParameters = field(default_factory=FakeParameters)
    targets: FakeTargets = field(default_factory=FakeTargets)
    is_local: bool = False
    deploys: Callable[[], None] = lambda: None
    diagnosed: Sequence[Finding] = ()
    diagnoses: list[datetime | None] = field(default_factory=list)
    earlier: list[Any] = field(default_factory=list)
    """The evidence read while it was running, as each diagnosis received it."""
    new: list[bool] = field(default_factory=list)
    """Of each run of the CDK, whether all its stacks are new."""

    @property
    def target(self) -> Target:
        clients = {
            "cloudformation": self.cloudformation,
            "ecs": self.ecs,
            "ssm": self.ssm,
            "elbv2": self.targets,
            "logs": None,
        }
        return target(clients, configuration=self.configuration, is_local=self.is_local)

    @property
    def configuration(self) -> Configuration:
        configuration = agora()
        return replace(configuration, services={"dev": tuple(_app(configuration))})

    @property
    def images(self) -> Resolution:
        (props,) = self.configuration.services_of("dev")
        return Resolution("edge", {props.container_location: resolved("agora-app", "edge", "agora-app")})

    def deploy(self, **more: Any) -> deploy.Deployment | None:
        return deploy.deploy(
            self.target, self.configuration, self.images, JANE, **({"confirm": lambda *_: True} | more)
        )

    @property
    def kept(self) -> Path:
        (folder,) = (self.folder / "deployments" / "dev").iterdir()
        return folder

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.kept / "summary.json").read_text())
        return found


def _app(configuration: Configuration) -> Any:
    return [props for props in configuration.services_of("dev") if props.container_name == "agora-app"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Place:
    """dev runs agora-app; what is deployed changes nothing unless a test says it."""
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    running = service(APP, deployment("COMPLETED"))
    running |= {"taskDefinition": "app:1", "runningCount": 1, "pendingCount": 0}
    own = [{"ResourceType": "AWS::ECS::Service", "PhysicalResourceId": running["serviceArn"]}]
    template = _service_template("agora-app", 4200)
    stacks: dict[str, Any] = {
        "agora-dev-docdb-v8": {"template": {"Resources": {}}},
        "agora-dev-load-balancer": {"template": {"Resources": {}}, "outputs": {"LoadBalancerDNS": "lb.example.org"}},
        "agora-dev-ecs": {"template": {"Resources": {}}, **CLUSTER_STACK["agora-dev-ecs"]},
        APP: {"template": template, "resources": own},
    }
    here = _Place(
        tmp_path / "state", FakeCloudFormation(stacks), FakeCluster([running], [task(APP, "1", healthStatus="HEALTHY")])
    )
    templates = {name: each["template"] for name, each in stacks.items()} | {APP: {"Resources": {"New": resource()}}}
    synthesized = [stack(name, each, tmp_path) for name, each in templates.items()]

    def act(*_: object, are_new: bool) -> None:
        here.new.append(are_new)
        assert read_lock(here.ssm, named("dev")), "the environment is locked while anything is deployed"
        here.deploys()

    def diagnose(_: Target, __: Configuration, *, since: datetime | None = None, earlier: Any = None) -> Any:
        here.diagnoses.append(since)
        here.earlier.append(earlier)
        evidence = {"verdicts": [each.as_json() for each in here.diagnosed], "evidence": {"at": "noon"}}
        return types.SimpleNamespace(verdicts=here.diagnosed, as_json=lambda: evidence)

    monkeypatch.setattr(cdk_cli, "synthesize", lambda *_, **__: tuple(synthesized))
    monkeypatch.setattr(cdk_cli, "deploy", act)
    monkeypatch.setitem(sys.modules, "portside.findings.diagnose", _module("diagnose", diagnose=diagnose))
    monkeypatch.setattr(Target, "polling_seconds", 0.01)
    return here


def _module(name: str, **content: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(content)
    return module


def _raise(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


SECRET = Finding(
    "SECRET_MISSING",
    "there is no secret x",
    evidence=("AWS said so",),
    look="Secrets Manager",
    fix="make x",
    service="agora-app",
    stack=APP,
    since=NOON,
)
APART = Finding(
    "OUT_OF_MEMORY",
    "too little memory",
    look="its log",
    fix="give more",
    service="agora-api",
    stack="agora-dev-api",
    since=NOON,
)


def test_a_deployment_ends_with_what_runs_recorded_released_and_kept(place: _Place) -> None:
    done = place.deploy()
    assert done is not None
    assert [state.health for state in done.services] == ["healthy"]
    assert done.load_balancer_dns == "lb.example.org"
    assert done.folder == str(place.kept)
    assert place.kept.name.endswith("Z-healthy")
    assert sorted(path.name for path in place.kept.iterdir()) == ["page.html", "summary.json", "timeline.json"]
    assert place.summary()["services"][0]["running"] == "1"
    assert [record.result for record in read_records(place.ssm, named("dev"))] == ["healthy"]
    assert read_lock(place.ssm, named("dev")) is None
    assert place.diagnoses == []


@pytest.mark.parametrize(("status", "are_new"), [("ROLLBACK_COMPLETE", True), ("UPDATE_COMPLETE", False)])
def test_the_cdk_is_asked_to_create_only_if_every_stack_is_new(place: _Place, status: str, are_new: bool) -> None:
    for name, each in place.cloudformation.stacks.items():
        each["status"] = status if name == APP else "ROLLBACK_COMPLETE"
    place.deploy()
    assert place.new == [are_new]


def test_where_it_may_not_go_on_nothing_is_done_or_kept(place: _Place) -> None:
    place.deploys = _raise(AssertionError("nothing may be deployed"))
    assert place.deploy(confirm=lambda *_: False) is None
    assert not (place.folder / "deployments").exists()
    assert place.ssm.values == {}


def test_a_check_that_fails_stops_it_before_anything_changes(place: _Place) -> None:
    place.deploys = _raise(AssertionError("nothing may be deployed"))
    found = Verification("dev", (fail("certificate", "not found", "Request one."),))
    with pytest.raises(NotReady, match="nothing was deployed to dev: certificate") as refused:
        place.deploy(confirm=lambda *_: expect_nothing_in_the_way(place.target, found))
    assert refused.value.exit_code == 1
    assert "Request one." in refused.value.hint
    assert "--no-verify" in refused.value.hint
    assert place.ssm.values == {}
    assert refused.value.as_json()["checks"] == [check_as_json(found.checks[0])]


def test_passed_checks_stop_nothing(place: _Place) -> None:
    expect_nothing_in_the_way(place.target, Verification("dev", ()))


def test_someone_elses_lock_leaves_no_folder(place: _Place) -> None:
    with (
        locked(place.ssm, named("dev"), Origin("Developer/joe", None), "deploy"),
        pytest.raises(Locked, match="joe"),
    ):
        place.deploy()
    assert not (place.folder / "deployments").exists()


def test_a_rehearsal_that_is_locked_is_released_by_a_command_for_rehearsals(place: _Place) -> None:
    place.is_local = True
    with locked(place.ssm, named("dev"), Origin("Developer/joe", None), "deploy"), pytest.raises(Locked) as refused:
        place.deploy()
    assert refused.value.hint.endswith("./agora unlock dev --local")


def test_a_failure_is_the_verdict_with_the_place_to_look_and_the_fix(
    place: _Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.deploys, place.diagnosed = _raise(CdkFailed("deploy", "last words")), (SECRET,)
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    error = failed.value
    assert error.exit_code == 1
    assert error.message.splitlines() == [
        "deploying dev in AWS account 607346494281 failed",
        "cdk deploy failed: last words",
        "agora-app: there is no secret x",
        "  look: Secrets Manager",
    ]
    assert error.hint == "fix: make x"
    assert error.as_error()["stopped_by"] == "cdk deploy failed: last words"
    page = (place.kept / "page.html").read_text()
    # The chart with its reasons comes first.
    assert 0 < page.index("there is no secret x") < page.index("<p>cdk deploy failed: last words</p>")
    assert place.summary()["message"] == "cdk deploy failed: last words"
    assert [verdict["cause"] for verdict in error.as_json()["verdicts"]] == ["SECRET_MISSING"]
    assert error.as_json()["folder"] == str(place.kept)
    assert str(place.kept / "page.html") in capsys.readouterr().err


def test_a_failure_keeps_its_evidence_since_it_began_and_is_recorded(place: _Place) -> None:
    place.deploys, place.diagnosed = _raise(CdkFailed("deploy", "last words")), (SECRET,)
    with pytest.raises(DeploymentFailed):
        place.deploy()
    assert place.kept.name.endswith("Z-failed")
    assert json.loads((place.kept / "evidence.json").read_text())["evidence"] == {"at": "noon"}
    assert "there is no secret x" in (place.kept / "page.html").read_text()
    began = json.loads((place.kept / "timeline.json").read_text())["began"]
    assert [since and timestamp(since, milliseconds=True) for since in place.diagnoses] == [began]
    (record,) = read_records(place.ssm, named("dev"))
    assert record.result == "failed"
    assert record.reason == "cdk deploy failed: last words; agora-app: there is no secret x"
    assert read_lock(place.ssm, named("dev")) is None


def test_what_says_why_the_first_task_stopped_is_read_before_it_can_be_deleted(
    place: _Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = threading.Event()

    def collecting(*_: object, **__: object) -> str:
        read.set()
        return "its last words"

    def fail() -> None:
        stopped: dict[str, Any] = {"stoppedReason": "Essential container in task exited"}
        stopped["createdAt"] = datetime.now(UTC)
        place.cloudformation.stacks[APP] |= {"status": "UPDATE_IN_PROGRESS"}
        place.ecs.tasks.append(task(APP, "2", "STOPPED", **stopped))
        assert read.wait(10), "a task has stopped, and its reason is not read"
        raise CdkFailed("deploy", "last words")

    monkeypatch.setattr(evidence, "collect", collecting)
    place.deploys, place.diagnosed = fail, (SECRET,)
    with pytest.raises(DeploymentFailed):
        place.deploy()
    assert place.earlier == ["its last words"]


def test_two_causes_are_reported_each_with_its_fix(place: _Place) -> None:
    place.deploys, place.diagnosed = _raise(CdkFailed("deploy", "last words")), (SECRET, APART)
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert "agora-api: too little memory" in failed.value.message
    assert failed.value.hint.splitlines() == ["fix: agora-app: make x", "fix: agora-api: give more"]


PASSING = Finding("AWS_TROUBLE.THROTTLED", "AWS throttled the calls", stack="agora-dev-app", since=NOON)


def test_many_services_that_fail_for_one_reason_are_reported_together(place: _Place) -> None:
    many = tuple(replace(SECRET, service=f"agora-s{number}", stack=f"agora-dev-s{number}") for number in range(20))
    place.deploys, place.diagnosed = _raise(CdkFailed("deploy", "last words")), (APART, *many)
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert failed.value.message.splitlines()[2:] == [
        "agora-api: too little memory",
        "  look: its log",
        "agora-s0: there is no secret x",
        "  also: agora-s1, agora-s2, agora-s3, 16 more",
        "  look: Secrets Manager",
    ]
    assert failed.value.hint.splitlines() == [
        "fix: agora-api: give more",
        "fix: agora-s0, agora-s1, agora-s2, 17 more: make x",
    ]
    assert len(failed.value.as_json()["verdicts"]) == 21


def test_what_failed_in_passing_is_deployed_again(place: _Place, capsys: pytest.CaptureFixture[str]) -> None:
    attempts: list[int] = []

    def deploys() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise CdkFailed("deploy", "last words")

    place.deploys, place.diagnosed = deploys, (PASSING, replace(SECRET, code="CALLEE_OUT"))
    assert place.deploy() is not None
    assert len(attempts) == 2
    assert "so this deploys again: agora-dev-app: AWS throttled the calls" in " ".join(capsys.readouterr().err.split())
    assert place.summary()["result"] == "healthy"
    assert place.summary()["verdicts"] == []


@pytest.mark.parametrize(("diagnosed", "attempts"), [((PASSING,), 2), ((PASSING, SECRET), 1), ((), 1)])
def test_what_fails_again_or_for_another_reason_is_not_deployed_a_third_time(
    place: _Place, diagnosed: tuple[Finding, ...], attempts: int
) -> None:
    made: list[int] = []

    def deploys() -> None:
        made.append(1)
        raise CdkFailed("deploy", "last words")

    place.deploys, place.diagnosed = deploys, diagnosed
    with pytest.raises(DeploymentFailed):
        place.deploy()
    assert len(made) == attempts


def test_what_several_verdicts_advise_is_reported_once(place: _Place) -> None:
    same = replace(SECRET, service="agora-api", what="agora-app, which it calls, does not run")
    place.deploys, place.diagnosed = _raise(CdkFailed("deploy", "last words")), (SECRET, same)
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert failed.value.message.splitlines()[2:] == [
        "agora-app: there is no secret x",
        "  look: Secrets Manager",
        "agora-api: agora-app, which it calls, does not run",
    ]
    assert failed.value.hint == "fix: make x"


def test_without_a_verdict_the_cdks_last_output_is_reported(place: _Place) -> None:
    healed = replace(SECRET, code="HEALED")
    place.deploys, place.diagnosed = _raise(CdkFailed("deploy", "a\nlast words")), (healed,)
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert failed.value.message.splitlines()[1:] == ["cdk deploy failed: a", "last words"]


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ("delete_parameter", "dev is still locked: the lock could not be released (ExpiredTokenException)."),
        ("get_parameter", "Whether dev is still locked could not be read (ExpiredTokenException)."),
    ],
)
def test_a_lock_that_expired_credentials_leave_is_reported_after_what_stopped_it(
    place: _Place, monkeypatch: pytest.MonkeyPatch, operation: str, left: str
) -> None:
    def fail() -> None:
        def expired(**_: object) -> None:
            raise client_error("ExpiredTokenException", "expired")

        monkeypatch.setattr(place.ssm, operation, expired)
        raise CdkFailed("deploy", "last words")

    place.deploys = fail
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert failed.value.message.splitlines()[1] == "cdk deploy failed: last words"
    assert failed.value.lock_left == f"{left} Once nothing is in progress there: ./agora unlock dev"  # type: ignore[attr-defined]


def test_a_diagnosis_that_fails_does_not_hide_the_failure(place: _Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def diagnose(*_: object, **__: object) -> None:
        raise client_error("ThrottlingException", "Rate exceeded")

    monkeypatch.setitem(sys.modules, "portside.findings.diagnose", _module("diagnose", diagnose=diagnose))
    place.deploys = _raise(CdkFailed("deploy", "last words"))
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert failed.value.message.splitlines()[1:] == [
        "cdk deploy failed: last words",
        "Why it failed could not be read: Rate exceeded",
    ]
    assert "Why it failed could not be read" in (place.kept / "page.html").read_text()


def test_credentials_that_expire_midway_are_reported_and_no_one_is_said_to_know_the_end(place: _Place) -> None:
    place.deploys = _raise(client_error("ExpiredTokenException", "The security token is expired"))
    with pytest.raises(UserError, match="expired while dev was being deployed: its result could not be read") as error:
        place.deploy()
    assert "Log in again" in error.value.hint
    assert "./agora diagnose dev" in error.value.hint
    assert error.value.lock_left == ""  # type: ignore[attr-defined]
    assert place.summary()["result"] == "failed"


def test_a_right_that_is_missing_midway_is_reported_as_that(place: _Place) -> None:
    place.deploys = _raise(client_error("AccessDeniedException", "not authorized to perform: ecs:DescribeServices"))
    with pytest.raises(UserError, match="these credentials cannot read the progress of the deployment of dev") as error:
        place.deploy()
    assert "the rights that ./agora role dev prints" in error.value.hint


def test_what_a_stack_holds_and_aws_no_longer_has_is_examined(place: _Place) -> None:
    place.deploys, place.diagnosed = _raise(client_error("TargetGroupNotFound", "not found")), (SECRET,)
    with pytest.raises(DeploymentFailed, match="there is no secret x"):
        place.deploy()


def test_an_interruption_says_what_continues_and_that_the_lock_is_released(
    place: _Place, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        place.cloudformation.stacks[APP]["status"] = "UPDATE_IN_PROGRESS"
        raise KeyboardInterrupt

    place.deploys = interrupted
    with pytest.raises(KeyboardInterrupt):
        place.deploy()
    said = " ".join(capsys.readouterr().err.split())
    assert "CloudFormation continues with agora-dev-app (UPDATE_IN_PROGRESS)." in said
    assert "The lock is released. See the status: ./agora diagnose dev" in said
    assert place.kept.name.endswith("Z-interrupted")
    assert [record.result for record in read_records(place.ssm, named("dev"))] == ["interrupted"]


def test_an_interruption_before_any_change_is_reported_as_such(
    place: _Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.deploys = _raise(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        place.deploy()
    assert "No stack is in progress in CloudFormation." in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_fails_no_deployment(
    place: _Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(deployment_run, "keep", full)
    assert place.deploy() is not None
    assert "No space left on device" in capsys.readouterr().err


def _behind_a_load_balancer(place: _Place, **targets: tuple[str, str]) -> None:
    place.ecs.services[0] = {**place.ecs.services[0], "loadBalancers": [{"targetGroupArn": TARGETS}]}
    place.targets.targets = targets


def _at_another_digest(place: _Place) -> None:
    containers = [{"name": "agora-app", "imageDigest": digest("another")}]
    place.ecs.tasks[0] = {**place.ecs.tasks[0], "containers": containers}


@pytest.mark.parametrize(
    ("corrupt", "missing"),
    [
        (_at_another_digest, f"agora-app (runs {digest('another')}, not {digest('agora-app')})"),
        (
            lambda place: _behind_a_load_balancer(place, a=("unhealthy", "codes: [502]")),
            "agora-app (0 of 1 targets healthy: codes: [502])",
        ),
        (lambda place: _behind_a_load_balancer(place), "agora-app (0 of 1 targets healthy)"),
        (lambda place: place.ecs.services[0].update(runningCount=0), "agora-app (0 of 1 running)"),
    ],
    ids=["digest", "unhealthy target", "no target", "too few tasks"],
)
def test_the_end_is_not_true_before_all_serve_what_was_deployed(
    place: _Place, monkeypatch: pytest.MonkeyPatch, corrupt: Callable[[_Place], None], missing: str
) -> None:
    monkeypatch.setattr(stability, "_STABLE_WITHIN_SECONDS", 0)
    corrupt(place)
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert failed.value.message.endswith(f"not stable: {missing}")
    assert place.summary()["result"] == "failed"


@pytest.mark.parametrize(
    ("corrupt", "missing"),
    [
        (
            lambda place: place.ecs.services[0].update(runningCount=0, desiredCount=0),
            "agora-app (its desired count was set to 0 by hand)",
        ),
        (
            lambda place: _behind_a_load_balancer(place, a=("unused", "Target group is not configured")),
            "agora-app (no load balancer sends requests to its targets: Target group is not configured)",
        ),
    ],
)
def test_what_does_not_heal_is_not_waited_for(place: _Place, corrupt: Callable[[_Place], None], missing: str) -> None:
    corrupt(place)
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert failed.value.message.endswith(f"deployed, but not stable: {missing}")


def test_targets_that_drain_keep_no_one_waiting(place: _Place) -> None:
    _behind_a_load_balancer(place, a=("healthy", ""), b=("draining", ""))
    assert place.deploy() is not None


def test_what_the_end_waits_for_is_reported_once(place: _Place, capsys: pytest.CaptureFixture[str]) -> None:
    _behind_a_load_balancer(place, a=("initial", "Target registration is in progress"))
    answer, asked = place.targets.describe_target_health, iter(range(3))

    def in_a_while(**arguments: Any) -> dict[str, Any]:
        if next(asked, None) is None:
            place.targets.targets = {"a": ("healthy", "")}
        return answer(**arguments)

    place.targets.describe_target_health = in_a_while  # type: ignore[method-assign]
    assert place.deploy() is not None
    why = "agora-app (0 of 1 targets healthy: Target registration is in progress)"
    assert capsys.readouterr().err.splitlines().count(f"Waiting for {why} …") == 1


def test_a_question_that_aws_has_no_time_for_is_asked_again_at_the_end(place: _Place) -> None:
    asked = iter([client_error("ThrottlingException", "Rate exceeded"), None])
    answer = place.targets.describe_target_health
    _behind_a_load_balancer(place, a=("healthy", ""))

    def busy(**arguments: Any) -> dict[str, Any]:
        if error := next(asked, None):
            raise error
        return answer(**arguments)

    place.targets.describe_target_health = busy  # type: ignore[method-assign]
    assert place.deploy() is not None


def test_a_deployment_usually_takes_the_median_of_those_that_went_well() -> None:
    one, other = resolution("1.0.0", "app"), resolution("1.0.1", "app", "api")
    records = [
        deployment_of(one, seconds=100.0),
        deployment_of(other, seconds=130.0),
        deployment_of(one, seconds=900.0),
        deployment_of(other, seconds=5000.0, result="failed"),
        deployment_of(other, seconds=0.0, synthetic=True),
    ]
    assert usual_seconds(records) == 130.0
    assert usual_seconds([]) is None


def test_deployments_that_had_nothing_to_do_reveal_nothing_about_the_next_one() -> None:
    images = resolution("1.0.0", "app")
    assert usual_seconds([deployment_of(images, seconds=seconds) for seconds in (2.0, 2.5, 130.0)]) == 130.0


LOST = "❌  agora-dev-app failed to deploy\n‣ Throttling: Rate exceeded\n"


def test_a_command_line_that_lost_aws_is_started_again_once_the_stacks_are_settled(
    place: _Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []

    def lose_aws_once() -> None:
        runs.append(place.cloudformation.stacks[APP].get("status", ""))
        if len(runs) == 1:
            place.cloudformation.stacks[APP]["status"] = "UPDATE_IN_PROGRESS"
            raise CdkFailed("deploy", LOST)

    def settle(_: float) -> None:
        place.cloudformation.stacks[APP]["status"] = "UPDATE_COMPLETE"

    place.deploys = lose_aws_once
    monkeypatch.setattr("portside.deploy.cdk_runs.time.sleep", settle)
    place.deploy()
    assert len(runs) == 2
    assert runs[1] == "UPDATE_COMPLETE"
    said = " ".join(capsys.readouterr().err.split())
    assert "CloudFormation continues with agora-dev-app." in said
    assert "is started again: cdk deploy failed: agora-dev-app failed to deploy: Throttling" in said


def test_a_command_line_that_loses_aws_each_time_is_given_up_with_its_error(place: _Place) -> None:
    runs: list[int] = []

    def lose_aws() -> None:
        runs.append(1)
        raise CdkFailed("deploy", LOST)

    place.deploys = lose_aws
    with pytest.raises(DeploymentFailed) as failed:
        place.deploy()
    assert len(runs) == 3
    assert failed.value.stopped_by == "cdk deploy failed: agora-dev-app failed to deploy: Throttling: Rate exceeded"
