"""The commands of every day, as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portside.aws.target import Target
from portside.cli.main import run
from portside.cli.status import sentences_of, watch_status
from portside.config.environment import OWNER_TAG
from portside.deploy.environment_status import EnvironmentStatus, ServiceStatus
from portside.records.environment_lock import EnvironmentLock
from tests.answering_aws import AnsweringAws
from tests.aws_account import deployed
from tests.unit.everyday_support import CLUSTER, Ecs, Logs, Ssm, event, expired, place, service, task, write_plugin
from tests.unit.operations_support import minutes_after_noon

Arrange = Callable[..., None]


@pytest.fixture
def arrange(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Arrange:
    """Let every command find the environment that is given."""
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))

    def given(target: Target) -> None:
        monkeypatch.setattr("portside.aws.target.aws_target", lambda _environment, **_: target)

    return given


def test_logs_are_printed_with_time_and_task(arrange: Arrange, capsys: pytest.CaptureFixture[str]) -> None:
    logs = Logs(event(1, "first\x1b[2J"), event(2, "second", task="bbbb222233334444"))
    arrange(place(Ecs(service()), logs=logs))
    assert run(["logs", "dev", "api", "--since", "2026-11-23T12:00"]) == 0
    assert capsys.readouterr().out == "12:01:00.000 aaaa1111 first\n12:02:00.000 bbbb2222 second\n"


def test_logs_in_json_are_one_object_a_line(arrange: Arrange, capsys: pytest.CaptureFixture[str]) -> None:
    arrange(place(Ecs(service()), logs=Logs(event(1, "a\nb"), event(2, "c"))))
    assert run(["logs", "dev", "api", "--since", "2026-11-23T12:00", "--json"]) == 0
    assert [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()] == ["a\nb", "c"]


def test_no_line_is_said_and_is_no_failure(arrange: Arrange, capsys: pytest.CaptureFixture[str]) -> None:
    arrange(place(Ecs(service()), logs=Logs()))
    assert run(["logs", "dev", "api", "--grep", "x", "--since", "2026-11-23T12:00"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "No line with this text since 2026-11-23 12:00:00 UTC." in captured.err


def _with_plugin(target: Target, folder: Path, **options: Any) -> tuple[Target, Path]:
    record = write_plugin(folder, **options)
    return replace(target, process_environment={"PATH": str(folder)}), record


def test_exec_hands_over_to_the_plugin_and_leaves_with_its_exit_code(arrange: Arrange, tmp_path: Path) -> None:
    ecs = Ecs(service(), [task("t1")])
    target, record = _with_plugin(place(ecs, ssm=Ssm()), tmp_path, exit_code=3)
    arrange(target)
    with pytest.raises(SystemExit) as left:
        run(["exec", "dev", "api", "--", "ls", "-l"])
    assert left.value.code == 3
    assert ecs.asked[0][1]["command"] == "ls -l"
    called = json.loads(record.read_text())
    assert "the-token" not in json.dumps(called["arguments"])
    assert called["response"]["tokenValue"] == "the-token"
    assert json.loads(called["arguments"][4]) == {"Target": f"ecs:{CLUSTER}_t1_r-1"}


def test_exec_asks_aws_for_nothing_without_the_plugin(
    arrange: Arrange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ecs = Ecs(service(), [task("t1")])
    arrange(replace(place(ecs), process_environment={"PATH": str(tmp_path)}))
    assert run(["exec", "dev", "api"]) == 1
    assert ecs.asked == []
    assert "session-manager-plugin is not installed on this machine" in capsys.readouterr().err


def test_exec_shows_what_it_would_do_without_a_plugin(
    arrange: Arrange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrange(replace(place(Ecs(service(), [task("t1")])), process_environment={"PATH": str(tmp_path)}))
    assert run(["exec", "dev", "api", "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["command"] == ["/bin/sh"]
    assert planned["container"]["task"] == "t1"


@pytest.mark.parametrize("command", [["exec", "dev", "api", "--json"], ["tunnel", "dev", "--json"]])
def test_a_session_cannot_be_json(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 2
    assert "--json: only with --dry-run" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["logs", "dev", "ap-next"], ["exec", "dev", "ap-next"], ["redeploy", "dev", "ap-next"]]
)
def test_an_unknown_service_gets_a_suggestion(
    arrange: Arrange, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arrange(place(Ecs(service())))
    assert run(command) == 2
    assert 'Did you mean "api-next"?' in capsys.readouterr().err


def test_a_redeployment_can_be_looked_at_first(arrange: Arrange, capsys: pytest.CaptureFixture[str]) -> None:
    arrange(place(Ecs(service())))
    assert run(["redeploy", "dev", "api", "--dry-run", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"environment": "dev", "services": ["agora-api"]}
    assert "new tasks of api: 2" in captured.err


def test_a_redeployment_asks_and_a_closed_stdin_is_a_no(
    arrange: Arrange, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    arrange(place(Ecs(service())))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run(["redeploy", "dev", "api"]) == 1
    assert "nothing was changed" in capsys.readouterr().err


def test_data_whose_version_no_one_knows_is_not_loaded(arrange: Arrange, capsys: pytest.CaptureFixture[str]) -> None:
    arrange(place(Ecs(service())))
    assert run(["load-data", "dev", "--yes"]) == 2
    assert "./agora load-data dev --version N" in capsys.readouterr().err


def test_an_environment_that_cannot_be_reached_ends_as_in_every_other_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from portside.errors import UsageError

    def refused(*_: object, **__: object) -> Target:
        raise UsageError("no usable AWS credentials: none")

    monkeypatch.setattr("portside.aws.target.aws_target", refused)
    assert run(["status", "dev"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "✗ no usable AWS credentials: none\n"


def test_an_environment_whose_rows_are_all_unknown_ends_with_1_and_says_why(
    arrange: Arrange, capsys: pytest.CaptureFixture[str]
) -> None:
    class Expired:
        def __getattr__(self, _: str) -> Any:
            raise expired()

    nothing = Expired()
    arrange(place(nothing, cloudformation=nothing, elbv2=nothing, ssm=nothing))
    assert run(["status", "dev"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].startswith("unknown: the AWS credentials have expired")
    assert captured.err.splitlines()[0] == "✗ could not read dev"
    assert "Log in again" in captured.err


STABLE = ServiceStatus("agora-api", "healthy", "4.2.0", "ccccccc", 1, 1, 0, "COMPLETED", since=minutes_after_noon(0))
DEV = EnvironmentStatus("dev", (STABLE,), stacks={})


def test_watching_without_a_terminal_prints_once_per_change(capsys: pytest.CaptureFixture[str]) -> None:
    rolling = replace(DEV, services=(replace(STABLE, state="rolling out"),))
    looks: list[Sequence[EnvironmentStatus]] = [[DEV], [DEV], [rolling], [rolling], [DEV]]

    def wait(_: float) -> None:
        if not looks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch_status(lambda: looks.pop(0), every_seconds=1, as_json=False, wait=wait)
    lines = [line.split()[-2:] for line in capsys.readouterr().out.splitlines() if line.startswith("agora-api")]
    assert [line[-1] for line in lines] == ["healthy", "out", "healthy"]


def test_watching_on_a_terminal_redraws_one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from rich.console import Console

    screen = io.StringIO()

    data, live = (Console(file=screen, force_terminal=True, width=120, highlight=False) for _ in range(2))
    monkeypatch.setattr("portside.terminal.console.data_console", lambda: data)
    monkeypatch.setattr("portside.terminal.redacting_console.RedactingConsole", lambda **_: live)
    later = replace(DEV, services=(replace(STABLE, state="rolling out"),), remarks=("a remark",))
    looks: list[Sequence[EnvironmentStatus]] = [[DEV], [later]]

    def wait(_: float) -> None:
        if not looks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch_status(lambda: looks.pop(0), every_seconds=1, as_json=False, wait=wait)
    drawn = screen.getvalue()
    assert drawn.index("healthy") < drawn.index("Ctrl-C") < drawn.index("rolling out")
    assert drawn.rindex("agora-api") < drawn.rindex("rolling out") < drawn.rindex("a remark") < drawn.rindex("Ctrl-C")


def test_a_user_is_warned_about_the_lock_and_about_stuck_stacks() -> None:
    lock = EnvironmentLock("1", "jane", "2026-11-23T12:00:00", "deploy")
    reported = sentences_of(
        replace(DEV, lock=lock, stacks={"agora-dev-ecs": "UPDATE_ROLLBACK_FAILED"}, remarks=("odd",))
    )
    assert reported == [
        "dev is locked by jane since 2026-11-23 12:00:00 UTC: deploy",
        "Stack agora-dev-ecs: UPDATE_ROLLBACK_FAILED: its update failed, and so did rolling it back",
        "odd",
    ]


def test_stacks_of_another_app_are_not_diagnosed(arrange: Arrange, capsys: pytest.CaptureFixture[str]) -> None:
    aws = AnsweringAws(deployed())
    aws.account.stacks["agora-dev-network"]["Tags"] = [{"Key": OWNER_TAG, "Value": "model-ad/dev"}]
    arrange(aws.target())
    assert run(["diagnose", "dev"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "stack agora-dev-network belongs to model-ad/dev" in " ".join(shown.err.split())
