"""Production runs only what stage ran healthy: what `cdk` by hand makes templates of, in a real clone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from portside.images.synthesis_images import IMAGES_FILE
from tests.e2e.clone import Answer, Clone
from tests.promises.production_world import APP, World, lock_of, release

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(300)]

MAIN = """
if __name__ == "__main__":
    from portside.stacks.synthesize import main

    main()
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = Clone.at(tmp_path_factory.mktemp("by-hand") / "clone")
    (made.folder / ".gitignore").write_text(".agora/\n__pycache__/\ncdk.out/\n")
    subprocess.run(["git", "init", "--quiet"], cwd=made.folder, check=True)
    World(made.folder).commit({"app.py": APP + MAIN, "releases/1.0.0.json": lock_of(release())})
    return made


@pytest.fixture(autouse=True)
def as_committed(clone: Clone) -> None:
    """Undo what the test before has changed in the working tree."""
    World(clone.folder).git("checkout", "--quiet", "--force", "HEAD", "--", ".")


def synthesize(clone: Clone, environment: str = "live", **variables: str) -> Answer:
    """The work of the CDK's command line in `cdk deploy`."""
    return clone.run([sys.executable, "app.py"], {"ENV": environment, **variables})


def test_a_committed_lock_is_made_into_templates(clone: Clone) -> None:
    answer = synthesize(clone)
    assert answer.exit_code == 0, answer.stderr


def refused(answer: Answer, clone: Clone) -> bool:
    return answer.exit_code == 2 and "live runs only images of a lock in releases/ that is committed" in answer.stderr


def test_a_lock_that_was_edited_is_refused(clone: Clone) -> None:
    (clone.folder / "releases" / "1.0.0.json").write_text(lock_of(release(web="evil")))
    assert refused(synthesize(clone), clone)


def test_an_images_file_that_was_handed_over_is_checked_by_the_same_rule(clone: Clone, tmp_path: Path) -> None:
    chosen = tmp_path / "images.json"
    chosen.write_text(lock_of(release(web="evil")))
    assert refused(synthesize(clone, **{IMAGES_FILE: str(chosen)}), clone)
    chosen.write_text(lock_of(release()))
    assert synthesize(clone, **{IMAGES_FILE: str(chosen)}).exit_code == 0


def test_the_flag_of_a_rehearsal_excuses_nothing_where_aws_is_intended(clone: Clone) -> None:
    (clone.folder / "releases" / "1.0.0.json").write_text(lock_of(release(web="evil")))
    flag = {"CDK_CONTEXT_JSON": '{"portside:rehearsal": "true", "portside:destroying": "true"}'}
    assert refused(synthesize(clone, **flag), clone)
    nothing = str(clone.folder / "no-aws-config")
    rehearsal = flag | {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "111122223333",
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
    }
    assert synthesize(clone, **rehearsal).exit_code == 0
    assert refused(synthesize(clone, **rehearsal, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true"), clone)


def test_a_kind_that_was_edited_is_the_committed_one(clone: Clone) -> None:
    (clone.folder / "app.py").write_text((APP + MAIN).replace('"KIND": "production"', '"KIND": "staging"'))
    (clone.folder / "releases" / "1.0.0.json").write_text(lock_of(release(web="evil")))
    assert refused(synthesize(clone), clone)


def test_other_environments_may_try_a_lock_before_it_is_committed(clone: Clone) -> None:
    (clone.folder / "releases" / "1.0.0.json").write_text(lock_of(release(web="evil")))
    assert synthesize(clone, "uat").exit_code == 0
