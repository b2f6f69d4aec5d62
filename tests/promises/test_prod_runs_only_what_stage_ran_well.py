"""Production runs only what the staging environment ran healthy: one test for each way to bypass that.

Production is called `live` here, and `uat` proves what it runs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from portside.aws.health import NO_TASK, UNCHECKED
from portside.cli.main import program
from portside.cli.proof import clear_deployment, clear_task
from portside.cli.targets import ConfiguredTarget
from portside.config.configuration import load_configuration
from portside.deploy.starting import Starting
from portside.errors import ConfigurationError, UsageError, UserError
from portside.images import committed_locks
from portside.images.committed_locks import NotCommitted
from portside.images.resolution import Resolution
from portside.images.service_images import ServiceImage
from portside.records.deployment_record import FAILED, INTERRUPTED, ROLLBACK, recorded
from portside.records.proof import NotProven, ProofUnread
from portside.synthesis.template_images import expect_images
from tests.promises.production_world import (
    ACCOUNT,
    APP,
    REGION,
    RUNNING,
    OneService,
    World,
    digest,
    loader,
    lock_of,
    release,
)
from tests.unit.configuration_support import named
from tests.unit.operations_support import client_error, resolved, resource, stack

EVIL = digest("evil")
WEB = "ghcr.io/org/web"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World.at(tmp_path / "clone")
    monkeypatch.setattr(committed_locks, "ROOT", made.folder)
    return made


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Whether there is a terminal."""

    def at(terminal: bool) -> None:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal, raising=False)

    return at


def refused(way: Callable[[], object]) -> str:
    with pytest.raises(NotProven) as error:
        way()
    return error.value.message


def not_committed(way: Callable[[], object]) -> str:
    with pytest.raises(NotCommitted) as error:
        way()
    return error.value.message


# The images that may run.


def test_what_uat_ran_healthy_from_a_committed_lock_may_run(world: World) -> None:
    world.ran("uat")
    cleared = world.deploy()
    assert cleared.sentence.startswith("Proven by uat's deployment 1")
    assert (cleared.terms().proof, cleared.terms().unproven) == ("uat 1", "")


# By `deploy`, with a record that is none.


def test_without_a_record(world: World) -> None:
    assert "uat has no recorded healthy deployment" in refused(world.deploy)


@pytest.mark.parametrize("result", [FAILED, INTERRUPTED])
def test_with_a_deployment_that_failed(world: World, result: str) -> None:
    world.ran("uat", result=result)
    assert "no recorded healthy deployment" in refused(world.deploy)


def test_with_a_deployment_that_uat_rolled_back(world: World) -> None:
    world.ran("uat")
    taken_out = tuple(image.digest for image in release().images.values())
    world.ran("uat", release("0.9.0"), kind=ROLLBACK, instead_of=taken_out)
    assert "was taken out of service by a later rollback" in refused(world.deploy)


@pytest.mark.parametrize("commit", ["a" * 40 + "+changes", None])
def test_with_a_deployment_from_uncommitted_changes_or_without_git(world: World, commit: str | None) -> None:
    world.ran("uat", commit=commit)
    assert "proves nothing" in refused(world.deploy)


def test_with_the_record_that_a_rehearsal_seeds(world: World) -> None:
    world.ran("uat", synthetic=True)
    assert "it is simulated" in refused(world.deploy)


def test_with_the_record_of_a_rehearsal(world: World) -> None:
    world.ran("uat", place=f"rehearsal/{ACCOUNT}/{REGION}/uat")
    assert "it is of rehearsal/" in refused(world.deploy)


@pytest.mark.parametrize("place", [f"999999999999/{REGION}/uat", f"{ACCOUNT}/eu-west-1/uat", f"{ACCOUNT}/{REGION}/dev"])
def test_with_the_record_of_another_account_region_or_environment(world: World, place: str) -> None:
    world.ran("uat", place=place)
    assert f"it is of {place}" in refused(world.deploy)


def test_with_a_record_that_copied_the_lock(world: World) -> None:
    fields = world.ran("dev").as_json()
    del fields["services"]
    world.put_by_hand("uat", fields)
    assert "recorded by an earlier version" in refused(world.deploy)


def test_with_a_record_of_a_later_format(world: World) -> None:
    record = world.ran("dev", place=f"{ACCOUNT}/{REGION}/uat")
    world.put_by_hand("uat", json.loads(record.written()) | {"format": 99})
    assert "no recorded healthy deployment" in refused(world.deploy)


@pytest.mark.parametrize("health", [NO_TASK, UNCHECKED, "not read"])
def test_with_a_service_that_was_scaled_to_zero_or_never_found_healthy(world: World, health: str) -> None:
    ran = {"api": ("ghcr.io/org/api:1.0.0", "healthy"), "web": ("ghcr.io/org/web:1.0.0", health)}
    world.ran("uat", ran=ran)
    assert f"web: {health}" in refused(world.deploy)


def test_with_the_record_of_a_service_of_another_name(world: World) -> None:
    ran = {"api": ("ghcr.io/org/api:1.0.0", "healthy"), "site": ("ghcr.io/org/web:1.0.0", "healthy")}
    world.ran("uat", ran=ran)
    assert "web: was not deployed" in refused(world.deploy)


def test_with_the_same_digest_as_another_service(world: World) -> None:
    swapped = release(web="api 1.0.0", api="web 1.0.0")
    world.commit({"releases/1.0.0.json": lock_of(swapped)})
    world.ran("uat")
    assert "ran as 1.0.0" in refused(lambda: world.deploy(swapped))


def test_with_images_that_never_ran_together(world: World) -> None:
    mixed = release(web="web 2")
    world.commit({"releases/1.0.0.json": lock_of(mixed)})
    world.ran("uat", release())
    world.ran("uat", release(api="api 2", web="web 2"))
    refused(lambda: world.deploy(mixed))


def test_with_lives_own_record(world: World) -> None:
    world.ran("live")
    refused(world.deploy)


def test_with_a_record_that_can_not_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: str) -> None:
        raise client_error("AccessDeniedException", "not authorized")

    monkeypatch.setattr(world.ssm, "get_paginator", denied)
    with pytest.raises(ProofUnread, match="could not be read"):
        world.deploy()


# By `deploy`, with another image.


def test_with_a_committed_lock_of_a_digest_that_uat_did_not_run(world: World) -> None:
    changed = release(web="evil")
    world.ran("uat")
    world.commit({"releases/1.0.0.json": lock_of(changed)})
    assert "ran as 1.0.0" in refused(lambda: world.deploy(changed))


def test_with_a_lock_that_was_edited_and_not_committed(world: World) -> None:
    changed = release(web="evil")
    world.write({"releases/1.0.0.json": lock_of(changed)})
    world.ran("uat", changed)
    assert f"{WEB}@{EVIL} is in no committed lock" in not_committed(lambda: world.deploy(changed))


def test_with_a_lock_that_is_only_staged(world: World) -> None:
    changed = release(web="evil")
    world.write({"releases/1.0.0.json": lock_of(changed)})
    world.git("add", "--all")
    world.ran("uat", changed)
    not_committed(lambda: world.deploy(changed))


def test_with_a_commit_that_git_was_configured_to_replace(world: World) -> None:
    changed = release(web="evil")
    world.write({"fake.json": lock_of(changed)})
    blob = world.git("hash-object", "-w", "fake.json")
    world.git("replace", world.git("rev-parse", "HEAD:releases/1.0.0.json"), blob)
    world.ran("uat", changed)
    not_committed(lambda: world.deploy(changed))


def test_with_a_digest_under_the_name_of_another_image(world: World) -> None:
    image = replace(resolved("web", "1.0.0", "api 1.0.0"))
    images = Resolution("1.0.0", {**release().images, f"{WEB}:1.0.0": image})
    world.ran("uat", images)
    assert f"{WEB}@{digest('api 1.0.0')}" in not_committed(lambda: world.deploy(images))


def test_with_an_image_of_another_registry(world: World) -> None:
    world.write({"app.py": APP.replace("ghcr.io/org/{name}", "docker.io/org/{name}")})
    moved = {
        reference.replace("ghcr.io", "docker.io"): replace(image, name=image.name.replace("ghcr.io", "docker.io"))
        for reference, image in release().images.items()
    }
    images = Resolution("1.0.0", moved)
    world.commit({"releases/1.0.0.json": lock_of(images)})
    world.ran("uat")
    assert "expected is docker.io/org/" in refused(lambda: world.deploy(images))


def test_with_a_digest_written_straight_into_the_configuration(world: World) -> None:
    straight = f"{WEB}@{EVIL}"
    world.commit(
        {
            "app.py": APP.replace(
                'f"ghcr.io/org/{name}:{version}"',
                f'"{straight}" if name == "web" else f"ghcr.io/org/{{name}}:{{version}}"',
            )
        }
    )
    world.ran("uat")
    image = replace(resolved("web", straight.partition("@")[2]), digest=EVIL)
    assert "is in no committed lock" in not_committed(
        lambda: world.deploy(Resolution("1.0.0", {**release().images, straight: image}))
    )
    assert f"web: {straight} is in no lock" in not_committed(lambda: world.deploy(release()))


def test_with_an_image_that_is_built_from_a_folder(world: World) -> None:
    world.write({"docker/Dockerfile": "FROM scratch\n"})
    world.commit({"app.py": APP.replace('f"ghcr.io/org/{name}:{version}"', '"path://docker"')})
    world.ran("uat")
    with pytest.raises((ConfigurationError, NotCommitted)):
        world.deploy()


@pytest.mark.parametrize("tag", ["edge", "latest", "stable"])
def test_with_a_tag_that_moves(world: World, tag: str) -> None:
    with pytest.raises(ConfigurationError, match="moves from image to image"):
        world.configuration(live=tag)


def test_without_git(world: World) -> None:
    world.ran("uat")
    (world.folder / ".git").rename(world.folder / "gone")
    assert "git can't say" in not_committed(world.deploy) or "can't be read" in not_committed(world.deploy)


@contextmanager
def as_first_imported(*names: str) -> Iterator[None]:
    """As in a process that has not imported these modules yet."""
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)


# By an edit of the configuration that is in no commit.


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"KIND": "production"', '"KIND": "production", "PROVED_BY": None, "PROOF_WAIVED": "just now"'),
        ('"ACCOUNT": "111122223333"', '"ACCOUNT": "999999999999"'),
        ('"KIND": "production"', '"KIND": "development"'),
    ],
)
def test_with_rules_that_are_not_committed(world: World, old: str, new: str) -> None:
    world.commit({"releases/1.0.0.json": lock_of(release(web="evil"))})
    world.write({"app.py": APP.replace(old, new)})
    assert "differs from what is committed" in not_committed(lambda: world.deploy(release(web="evil")))


def test_a_redeployment_or_a_task_under_rules_that_are_not_committed(world: World) -> None:
    world.write({"app.py": APP.replace('"KIND": "production"', '"KIND": "staging"')})
    not_committed(lambda: world.redeploy(OneService(f"{WEB}@{EVIL}", running=EVIL)))
    not_committed(world.run_task)


def test_a_committed_waiver_is_shown_at_each_deployment(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    waived = '"KIND": "production", "PROVED_BY": None, "PROOF_WAIVED": "a demo"'
    world.commit({"app.py": APP.replace('"KIND": "production"', waived)})
    for _ in range(2):
        assert world.deploy().terms().proof == "waived"
        assert "PROOF_WAIVED: no environment proves what runs here. Reason: a demo" in capsys.readouterr().err
    not_committed(lambda: world.deploy(release(web="evil")))


# While a user reads the plan.


def test_with_a_record_that_is_missing_when_the_lock_is_taken(world: World) -> None:
    world.ran("uat")
    cleared = world.deploy()
    taken_out = tuple(image.digest for image in release().images.values())
    world.ran("uat", release("0.9.0"), kind=ROLLBACK, instead_of=taken_out)
    refused(cleared.terms().recheck)


def test_with_templates_that_name_another_image(world: World, tmp_path: Path) -> None:
    environment, configuration = world.configuration().environment("live"), world.configuration()
    definition = resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "web", "Image": f"{WEB}@{EVIL}"}])
    templates = [stack(environment.stack_name("web"), {"Resources": {"TaskDef": definition}}, tmp_path)]
    with pytest.raises(UserError, match="name other images"):
        expect_images(templates, environment, configuration.services_of("live"), release())


# By `rollback`.


def test_a_rollback_to_what_live_ran_healthy_needs_no_uat(world: World) -> None:
    world.ran("live")
    assert world.roll_back(release()).terms().proof == "own 1"


@pytest.mark.parametrize("changes", [{"result": FAILED}, {"synthetic": True}, {"commit": None}, {"place": "elsewhere"}])
def test_a_rollback_to_what_live_did_not_run_healthy(world: World, changes: dict[str, Any]) -> None:
    world.ran("live", **changes)
    refused(lambda: world.roll_back(release()))


def test_a_rollback_to_an_image_that_no_committed_lock_has(world: World) -> None:
    world.ran("live", release(web="evil"))
    not_committed(lambda: world.roll_back(release(web="evil")))


# By `redeploy`.


def test_a_recorded_service_starts_again(world: World) -> None:
    world.ran("live")
    of_record = digest("web 1.0.0")
    assert world.redeploy(OneService(f"{WEB}@{of_record}", running=of_record)).terms().proof == "own 1"


def test_a_redeployment_of_a_definition_that_was_changed_by_hand(world: World) -> None:
    world.ran("live")
    assert "web" in refused(lambda: world.redeploy(OneService(f"{WEB}@{EVIL}", running=EVIL)))


def test_a_redeployment_with_another_container_in_the_definition(world: World) -> None:
    world.ran("live")
    of_record = digest("web 1.0.0")
    more = [{"name": "miner", "image": f"docker.io/evil/miner@{EVIL}"}]
    assert "web, container miner" in refused(
        lambda: world.redeploy(OneService(f"{WEB}@{of_record}", running=of_record, more=more))
    )


def test_a_redeployment_of_an_adopted_service_runs_exactly_what_runs(world: World) -> None:
    old = resolved("web", "0.8.0")
    world.registry[f"{WEB}:0.8.0"] = old
    assert world.redeploy(OneService(f"{WEB}:0.8.0", running=old.digest)).terms().proof == "without record"


def test_a_redeployment_of_an_adopted_service_whose_tag_has_moved(world: World) -> None:
    world.registry[f"{WEB}:0.8.0"] = resolved("web", "0.8.0", "evil")
    refused(lambda: world.redeploy(OneService(f"{WEB}:0.8.0", running=digest("web 0.8.0"))))


def test_a_redeployment_of_a_definition_that_no_task_runs_yet(world: World) -> None:
    before = RUNNING.replace(":7", ":6")
    refused(lambda: world.redeploy(OneService(f"{WEB}@{EVIL}", running=EVIL, tasks_of=before)))


# By a task that runs once.


def test_a_task_that_ended_well_in_uat_may_run(world: World) -> None:
    world.ended("uat")
    assert "task 1 ended with exit code 0" in world.run_task().sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"exit_code": 1},
        {"exit_code": None},
        {"digest": EVIL},
        {"image": "docker.io/org/loader"},
        {"task": "another"},
        {"commit": None},
        {"commit": "a" * 40 + "+changes"},
        {"place": f"rehearsal/{ACCOUNT}/{REGION}/uat"},
    ],
)
def test_a_task_that_uat_did_not_end_well(world: World, changes: dict[str, Any]) -> None:
    world.ended("uat", **changes)
    assert "loader" in refused(world.run_task)


def test_a_task_of_another_digest_than_uats(world: World) -> None:
    world.ended("uat")
    evil = replace(loader(), digest=EVIL)
    world.commit({"releases/1.0.0.json": lock_of(release(), evil)})
    refused(lambda: world.run_task(evil))


@pytest.mark.parametrize("reason", [None, "the loader is broken"])
@pytest.mark.parametrize("waived", [False, True])
def test_a_task_that_is_in_no_committed_lock(world: World, waived: bool, reason: str | None) -> None:
    if waived:
        rule = '"KIND": "production", "PROVED_BY": None, "PROOF_WAIVED": "a demo"'
        world.commit({"app.py": APP.replace('"KIND": "production"', rule)})
    evil = replace(loader(), digest=EVIL)
    world.ended("uat", digest=EVIL)
    world.write({"releases/1.0.0.json": lock_of(release(), evil)})
    assert f"loader: {evil.name}@{EVIL} is in no committed lock" in not_committed(lambda: world.run_task(evil, reason))


def test_a_waiver_lets_a_task_run_from_a_committed_lock(world: World) -> None:
    rule = '"KIND": "production", "PROVED_BY": None, "PROOF_WAIVED": "a demo"'
    world.commit({"app.py": APP.replace('"KIND": "production"', rule)})
    assert world.run_task().terms().proof == "waived"


# With --unproven.


def _answers(*given: str) -> Callable[[str, str], bool]:
    answers = iter(given)
    return lambda _, expected: next(answers) == expected


def test_an_unproven_image_runs_only_after_two_answers_and_is_recorded(
    world: World, typed: Callable[[bool], None]
) -> None:
    typed(True)
    cleared = world.deploy(reason="stage is down")
    for answers in (("yes",), ("live", "yes"), ("unproven",), ("live", "live")):
        with pytest.raises(UserError, match="not confirmed"):
            cleared.confirm(_answers(*answers))
    cleared.confirm(_answers("live", "unproven"))
    terms = cleared.terms()
    assert (terms.proof, terms.unproven) == ("", "stage is down")
    terms.recheck()


@pytest.mark.parametrize(
    ("record", "asked"),
    [
        (None, "Nothing proves the images of api, web. Run them in live?"),
        ("of a failed one", "Nothing proves the images of api, web. Run them in live?"),
        ("of another web", "Nothing proves the image of web. Run it in live?"),
    ],
)
def test_the_question_names_the_images_that_nothing_proves_and_no_others(
    world: World, typed: Callable[[bool], None], record: str | None, asked: str
) -> None:
    typed(True)
    if record:
        world.ran("uat", release(web="another"), **({"result": FAILED} if "failed" in record else {}))
    # A finding about a record that proves nothing is not an image.
    world.ran("uat", commit=None)
    questions: list[str] = []

    def confirm(question: str, _: str) -> bool:
        questions.append(question)
        return True

    world.deploy(reason="stage is down").confirm(confirm)
    assert questions[0] == asked


def test_unproven_without_a_terminal_is_refused_whatever_is_answered(
    world: World, typed: Callable[[bool], None]
) -> None:
    typed(False)
    with pytest.raises(UserError, match="--unproven needs a terminal"):
        world.deploy(reason="stage is down").confirm(lambda *_: True)


@pytest.mark.parametrize("reason", ["", "  ", "...", "x" * 201, "token ghp_" + "k3Yz" * 9])
def test_unproven_without_a_reason_or_with_a_secret_in_it(world: World, reason: str) -> None:
    with pytest.raises(UsageError, match="--unproven"):
        world.deploy(reason=reason)


def test_unproven_does_not_excuse_a_lock_that_is_not_committed(world: World) -> None:
    not_committed(lambda: world.deploy(release(web="evil"), reason="stage is down"))


def test_every_command_that_starts_something_has_the_option_and_no_other_option_names_an_image() -> None:
    for name in ("deploy", "rollback", "redeploy", "load-data"):
        options = {each for parameter in program.commands[name].params for each in parameter.opts}
        assert "--unproven" in options, name
        assert not options & {"--image", "--images", "--digest", "--tag"}, name
    assert "--version" not in {each for parameter in program.commands["deploy"].params for each in parameter.opts}
    answer = CliRunner().invoke(program, ["deploy", "live", "--version", "1.0.0"])
    assert answer.exit_code != 0


def test_the_configuration_of_these_tests_is_sound(world: World) -> None:
    configuration = load_configuration(world.folder / "app.py", root=world.folder)
    assert configuration.environment("live").proved_by == "uat"


@pytest.mark.parametrize("how", ["no git", "a broken commit"])
def test_with_a_kind_that_only_the_working_tree_says(world: World, how: str) -> None:
    world.ran("live", proof="uat 1")
    if how == "a broken commit":
        world.commit({"app.py": "raise SystemExit(1)\n"})
    world.write({"app.py": APP.replace('"KIND": "production"', '"KIND": "development"')})
    if how == "no git":
        (world.folder / ".git").rename(world.folder.parent / "gone")
    with pytest.raises(NotCommitted):
        world.deploy()


def test_without_git_an_environment_is_what_its_kind_says(world: World) -> None:
    (world.folder / ".git").rename(world.folder.parent / "gone")
    configured = world.configured()
    target = replace(configured.target, environment=configured.configuration.environment("uat"))
    images = release(web="of no lock")
    assert (
        clear_deployment(ConfiguredTarget(target, configured.configuration), images, reason=None, profile=None).proof
        is None
    )
    world.ran("uat", proof="")
    assert (
        clear_deployment(ConfiguredTarget(target, configured.configuration), images, reason=None, profile=None).proof
        is None
    )


RULES_ELSEWHERE = APP.replace("COMMON = {", "import rules\n\nCOMMON = {").replace('"production"', "rules.KIND")


@pytest.mark.parametrize(
    ("source", "name", "committed", "edited"),
    [
        (RULES_ELSEWHERE, "rules.py", 'KIND = "production"\n', 'KIND = "staging"\n'),
        (
            APP.replace("COMMON = {", "import json\nfrom pathlib import Path\n\nCOMMON = {").replace(
                '"production"', 'json.loads((Path(__file__).parent / "rules.json").read_text())'
            ),
            "rules.json",
            '"production"\n',
            '"development"\n',
        ),
        (
            RULES_ELSEWHERE.replace("import rules", "import within.rules as rules"),
            "within/rules.py",
            'KIND = "production"\n',
            'KIND = "staging"\n',
        ),
    ],
    ids=["module", "JSON", "package"],
)
def test_with_rules_from_another_file_that_was_edited(
    world: World, monkeypatch: pytest.MonkeyPatch, source: str, name: str, committed: str, edited: str
) -> None:
    monkeypatch.syspath_prepend(world.folder)
    world.commit({"app.py": source, name: committed, "releases/1.0.0.json": lock_of(release(web="evil"))})
    world.write({name: edited})
    with as_first_imported("rules", "within", "within.rules"):
        assert "differs from what is committed" in not_committed(lambda: world.deploy(release(web="evil")))


def test_with_rules_from_a_module_that_is_ignored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(world.folder)
    world.commit({"app.py": RULES_ELSEWHERE, ".gitignore": "rules.py\n"})
    world.write({"rules.py": 'KIND = "production"\n'})
    with as_first_imported("rules"):
        assert "can't be read" in not_committed(world.deploy)


def test_with_a_module_that_pythonpath_puts_before_the_committed_one(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.commit({"app.py": RULES_ELSEWHERE, "rules.py": 'KIND = "production"\n'})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "rules.py").write_text('KIND = "staging"\n')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    with as_first_imported("rules"):
        not_committed(lambda: world.deploy(release(web="evil")))


@pytest.mark.parametrize("variable", ["GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_PARAMETERS"])
def test_with_a_variable_that_leads_git_to_another_commit(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    evil = World.at(tmp_path / "evil")
    evil.commit({"releases/1.0.0.json": lock_of(release(web="evil"))})
    world.ran("uat", release(web="evil"))
    world.write({"releases/1.0.0.json": lock_of(release(web="evil"))})
    folder = evil.folder / ".git"
    values = {"GIT_OBJECT_DIRECTORY": str(folder / "objects"), "GIT_CONFIG_PARAMETERS": f"'core.worktree'='{folder}'"}
    monkeypatch.setenv(variable, values.get(variable, str(folder)))
    not_committed(lambda: world.deploy(release(web="evil")))


@pytest.mark.parametrize("proving", ["live", "elsewhere"])
def test_with_production_as_its_own_proof(world: World, proving: str) -> None:
    rule = f'"KIND": "production", "PROVED_BY": "{proving}"'
    world.commit({"app.py": APP.replace('"KIND": "production"', rule)})
    with pytest.raises(ConfigurationError, match="PROVED_BY"):
        world.configuration()


def test_with_a_lock_that_names_an_image_twice(world: World) -> None:
    text = lock_of(release())
    evil = lock_of(release(web="evil"))
    images = evil[evil.index('"images"') : evil.rindex("}")].rstrip()
    world.commit({"releases/1.0.0.json": text[: text.rindex("}")].rstrip() + f",\n  {images}\n}}\n"})
    world.ran("uat", release(web="evil"))
    not_committed(lambda: world.deploy(release(web="evil")))


@pytest.mark.parametrize("mark", ["tests/", "docs/", ".hidden/", "releases/old/"])
def test_with_a_lock_in_another_folder_than_releases(world: World, mark: str) -> None:
    world.commit({f"{mark}1.0.0.json": lock_of(release(web="evil"))})
    world.ran("uat", release(web="evil"))
    not_committed(lambda: world.deploy(release(web="evil")))


def test_with_a_lock_that_is_a_link_to_an_uncommitted_one(world: World) -> None:
    (world.folder.parent / "evil.json").write_text(lock_of(release(web="evil")))
    (world.folder / "releases" / "2.0.0.json").symlink_to("../../evil.json")
    world.commit({})
    world.ran("uat", release(web="evil"))
    not_committed(lambda: world.deploy(release(web="evil")))


@pytest.mark.parametrize("value", ["staging", "production"])
def test_with_a_kind_from_a_variable_of_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    kind = 'os.environ.get("KIND_OF_LIVE", "production")'
    source = APP.replace("COMMON = {", "import os\n\nCOMMON = {").replace('"production"', kind)
    world.commit({"app.py": source})
    monkeypatch.setenv("KIND_OF_LIVE", value)
    if value == "staging":
        not_committed(lambda: world.deploy(release(web="evil")))
    else:
        world.ran("uat")
        assert world.deploy().proof is not None


def test_with_a_symbolic_link_that_leads_out_of_the_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.folder.parent / "rules.py").write_text('KIND = "staging"\n')
    (world.folder / "rules.py").symlink_to("../rules.py")
    monkeypatch.syspath_prepend(world.folder)
    world.commit({"app.py": RULES_ELSEWHERE})
    with as_first_imported("rules"):
        world.ran("live", proof="uat 1")
        assert "can't be read" in not_committed(world.deploy)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:4566", "https://ssm.us-east-1.amazonaws.com.example.org", "http://ssm.us-east-1.amazonaws.com"],
)
def test_with_a_record_that_a_setting_has_read_from_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    world.ran("uat")
    world.ran("live")
    world.ended("uat")
    monkeypatch.setattr(world.ssm, "meta", SimpleNamespace(endpoint_url=address))
    ways: list[Callable[[], object]] = [
        world.deploy,
        lambda: world.roll_back(release()),
        lambda: world.redeploy(OneService(f"{WEB}@{release().images[f'{WEB}:1.0.0'].digest}", running=EVIL)),
        world.run_task,
    ]
    for enter in ways:
        with pytest.raises((UsageError, ProofUnread), match=f"would be read from {re.escape(address)}"):
            enter()


def test_with_the_record_of_a_release_whose_rollback_was_killed(world: World) -> None:
    world.ran("uat")
    rolling_back = world.ran("uat", release("0.9.0"))
    taken_out = tuple(image.digest for image in release().images.values())
    record = replace(rolling_back, kind=ROLLBACK, instead_of=taken_out)
    rollback = recorded(world.ssm, named("uat"), record)
    rollback.__enter__()  # and its process has ended, so that no end is recorded
    assert "taken out of service" in refused(world.deploy)


def test_an_image_that_the_user_did_not_confirm(world: World) -> None:
    world.ran("live")
    service = OneService(f"{WEB}:1.0.0", running=EVIL)
    world.registry = {f"{WEB}:1.0.0": resolved("web", "1.0.0", "shown")}
    cleared = world.redeploy(service, reason="outage")
    world.registry = {f"{WEB}:1.0.0": resolved("web", "1.0.0", "evil")}
    with pytest.raises(UserError, match="changed since they were shown"):
        cleared.recheck()


def test_services_that_start_after_an_unproven_task_are_answered_for_too(world: World) -> None:
    image = loader()
    wanted = ServiceImage("loader", image.name, image.tag, image.digest)
    starting = Starting((ServiceImage("api", "ghcr.io/org/api", "1.0.0", EVIL),))
    world.ran("uat")
    cleared = clear_task(world.configured(), wanted, lambda: starting, reason="outage", profile=None)
    assert cleared.refused is not None
    assert any("api" in each and EVIL in each for each in cleared.refused.proof.differences)


def test_what_ran_unproven_stays_so_when_it_comes_back_by_a_rollback(world: World) -> None:
    world.ran("live", unproven="outage")
    assert world.roll_back(release()).terms().unproven == "outage"


def test_what_live_runs_starts_again_although_uat_has_rolled_it_back(world: World) -> None:
    taken_out = tuple(image.digest for image in release().images.values())
    world.ran("live", commit="a" * 40 + "+changes", proof="uat 1")
    world.ran("uat", release("0.9.0"), kind=ROLLBACK, instead_of=taken_out)
    web = release().images[f"{WEB}:1.0.0"].digest
    assert world.redeploy(OneService(f"{WEB}@{web}", running=web)).refused is None
