"""Reading the monorepo's remote, and creating a tag there."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.git import git
from portside.release.monorepo import Monorepo
from tests.unit.git_support import annotated_tag, bare, clone, commit, head, hook, monorepo, refs, tag, use_own_settings

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_own_settings(monkeypatch, tmp_path)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return monorepo(tmp_path / "remote.git", "agora/v4.0.0-rc1")


def _file_url(path: Path) -> str:
    return f"file://{path}"


def _serve_through(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shell command replace the program that a remote runs, as `$@`, whenever something is fetched from it."""
    script = folder / "pack-objects"
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    (folder / ".gitconfig").write_text(f'[uploadpack]\n\tpackObjectsHook = "{script}"\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / ".gitconfig"))


@contextmanager
def _answering(status: int, body: str = "") -> Iterator[str]:
    """The URL of a web server with the same answer to every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Send nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://ada:{'s3cret'}@127.0.0.1:{server.server_port}/monorepo.git"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("locate", [str, _file_url, lambda path: f"{path}/"], ids=["path", "file URL", "slash"])
def test_the_tags_and_the_head_are_read_from_any_kind_of_location(remote: Path, locate: Callable[[Path], str]) -> None:
    found = Monorepo("agora", locate(remote)).refs()
    assert found.head == head(remote)
    assert found.tags == {"agora/v4.0.0-rc1": refs(remote)["refs/tags/agora/v4.0.0-rc1"]}
    assert found.tags["agora/v4.0.0-rc1"] != found.head


def test_a_location_may_have_a_space_in_it_and_be_relative_or_below_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = monorepo(tmp_path / "the mono repo.git", "agora/v1.0.0-rc1")
    monkeypatch.chdir(tmp_path)
    for location in (
        str(remote),
        f"file://{remote}",
        "./the mono repo.git",
        "the mono repo.git",
        "~/the mono repo.git",
    ):
        Monorepo("agora", location).push_tag(f"agora/v1.0.0-rc{len(refs(remote))}", head(remote))
    assert len(refs(remote)) == 7


def test_an_annotated_tag_is_resolved_to_its_commit(remote: Path) -> None:
    annotated_tag(remote, head(remote), "agora/v4.0.0-rc2")
    assert refs(remote)["refs/tags/agora/v4.0.0-rc2"] != head(remote)
    assert Monorepo("agora", str(remote)).refs().tags["agora/v4.0.0-rc2"] == head(remote)


def test_a_thousand_tags_are_read(remote: Path) -> None:
    tag(remote, head(remote), *(f"agora/v1.{n}.0-rc1" for n in range(600)), *(f"other/v{n}.0.0" for n in range(400)))
    found = Monorepo("agora", str(remote)).refs()
    assert len(found.tags) == 1001
    assert len(found.release_tags.versions) == 601
    assert found.release_tags.others == 400


def test_the_name_of_a_tag_may_hold_anything_that_git_allows(remote: Path) -> None:
    tag(remote, head(remote), "odd\u0085name", "\u2028", "émile")
    assert set(Monorepo("agora", str(remote)).refs().tags) >= {"odd\u0085name", "\u2028", "émile"}


def test_the_remote_is_the_truth_and_not_the_tags_of_the_clone(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    tag(working, head(working), "agora/v9.0.0-rc1")
    git("tag", "--delete", "agora/v4.0.0-rc1", folder=working)
    assert list(Monorepo("agora", str(working)).refs().tags) == ["agora/v4.0.0-rc1"]


def test_a_clone_means_its_remote_upstream_before_the_upstream_of_its_branch(remote: Path, tmp_path: Path) -> None:
    fork = monorepo(tmp_path / "fork.git", "agora/v0.0.1")
    working = clone(fork, tmp_path / "clone")
    assert list(Monorepo("agora", str(working)).refs().tags) == ["agora/v0.0.1"]
    git("remote", "add", "upstream", str(remote), folder=working)
    assert list(Monorepo("agora", str(working)).refs().tags) == ["agora/v4.0.0-rc1"]


def test_a_clone_means_the_remote_that_its_branch_follows_before_origin(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone", remote_name="sage")
    git("remote", "add", "origin", str(monorepo(tmp_path / "fork.git")), folder=working)
    assert list(Monorepo("agora", str(working)).refs().tags) == ["agora/v4.0.0-rc1"]


def test_a_clone_means_its_only_remote_whatever_that_is_called(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone", remote_name="sage")
    git("branch", "--unset-upstream", "main", folder=working)
    assert Monorepo("agora", str(working)).refs().head == head(remote)


def test_a_clone_with_several_remotes_and_no_default_is_refused(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone", remote_name="a")
    git("remote", "add", "b", str(remote), folder=working)
    git("branch", "--unset-upstream", "main", folder=working)
    with pytest.raises(UsageError, match="main follows none of the clone's remotes, a, b"):
        Monorepo("agora", str(working)).refs()


def test_a_clone_without_a_remote_is_refused(tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    git("init", "--quiet", "--initial-branch=main", str(alone))
    with pytest.raises(UsageError, match="the clone has no remote"):
        Monorepo("agora", str(alone)).refs()


@pytest.mark.parametrize("location", ["", "  "])
def test_no_location_is_refused(location: str) -> None:
    with pytest.raises(UsageError, match="no location"):
        Monorepo("agora", location).refs()


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    for location in (str(tmp_path / "none"), "--upload-pack=touch x"):
        with pytest.raises(UsageError, match="there is no such folder"):
            Monorepo("agora", location).refs()


def test_a_folder_inside_another_repository_is_not_mistaken_for_that_repository(tmp_path: Path) -> None:
    outer = tmp_path / "infra"
    git("init", "--quiet", str(outer))
    (outer / "monorepo").mkdir()
    with pytest.raises(UsageError, match="infra/monorepo: this folder is not a git repository"):
        Monorepo("agora", str(outer / "monorepo")).refs()


def test_an_empty_repository_is_distinguished_from_one_without_the_branch(remote: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the repository is empty"):
        Monorepo("agora", str(bare(tmp_path / "empty.git"))).refs()
    with pytest.raises(UserError, match='the repository has no branch "trunk"'):
        Monorepo("agora", str(remote), branch="trunk").refs()


def test_a_branch_whose_name_only_ends_the_same_is_not_mistaken_for_it(tmp_path: Path) -> None:
    remote = bare(tmp_path / "remote.git")
    commit(remote, "Elsewhere", branch="old/main")
    with pytest.raises(UserError, match='no branch "main"'):
        Monorepo("agora", str(remote)).refs()


def test_a_url_with_nothing_behind_it_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no repository there, or none that you may read"):
        Monorepo("agora", f"file://{tmp_path}/none.git").refs()
    with pytest.raises(UserError, match=r"cannot be reached: .*(?:Failed to|Couldn't) connect"):
        Monorepo("agora", "http://127.0.0.1:1/monorepo.git").refs()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, "", "no permission to read the repository"),
        (403, "", "no permission to read the repository"),
        (404, "", "no repository there, or none that you may read"),
        (500, "", "cannot be reached: .*returned error: 500"),
        (200, "<html>\n<h1>Sign in</h1>\n</html>\n", "no repository there, or none that you may read"),
    ],
)
def test_what_a_web_server_answers_is_reported_without_the_password(status: int, body: str, said: str) -> None:
    with _answering(status, body) as url, pytest.raises(UserError, match=said) as caught:
        Monorepo("agora", url).refs()
    assert "127.0.0.1" in caught.value.message
    for text in (
        str(caught.value),
        repr(caught.value),
        str(caught.value.__cause__),
        repr(Monorepo("agora", url)),
        Monorepo("agora", url).name,
    ):
        assert "s3cret" not in text


def test_a_password_that_should_have_been_escaped_is_not_reported_either() -> None:
    monorepo_ = Monorepo("agora", f"https://ada:{'s3@cret'}@127.0.0.1:1/monorepo.git")
    with pytest.raises(UserError) as caught:
        monorepo_.refs()
    assert monorepo_.name == "https://127.0.0.1:1/monorepo.git"
    assert "cret" not in f"{caught.value} {caught.value.__cause__}"


def test_a_token_for_images_is_not_given_to_the_monorepo(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "of-images")
    hook(remote, "pre-receive", 'test -z "$GITHUB_TOKEN"')
    Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc2", head(remote))


@pytest.mark.parametrize("locate", [str, _file_url], ids=["path", "URL"])
def test_a_pushed_tag_is_lightweight_and_on_exactly_the_commit_that_was_named(
    remote: Path, locate: Callable[[Path], str]
) -> None:
    named = refs(remote)["refs/tags/agora/v4.0.0-rc1"]
    before = refs(remote)
    Monorepo("agora", locate(remote)).push_tag("agora/release/v4.0.0", named)
    assert refs(remote) == before | {"refs/tags/agora/release/v4.0.0": named}


def test_the_settings_of_the_repository_that_one_is_in_do_not_matter_to_a_url(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    infra = tmp_path / "infra"
    git("init", "--quiet", str(infra))
    git("config", "url.file:///elsewhere.insteadOf", "file://", folder=infra)
    monkeypatch.chdir(infra)
    Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc2", head(remote))
    assert refs(remote)["refs/tags/agora/v4.0.0-rc2"] == head(remote)


@pytest.mark.parametrize("allows", ["true", "false"])
@pytest.mark.parametrize("protocol", ["0", "2"])
def test_a_url_is_enough_whatever_the_remote_allows_to_fetch(
    remote: Path, allows: str, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("config", "uploadpack.allowFilter", allows, folder=remote)
    for name, value in {"COUNT": "1", "KEY_0": "protocol.version", "VALUE_0": protocol}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    below = head(remote)
    commit(remote, "Merged meanwhile")
    for number, target in enumerate([head(remote), below, refs(remote)["refs/tags/agora/v4.0.0-rc1"]], start=2):
        Monorepo("agora", _file_url(remote)).push_tag(f"agora/v4.0.0-rc{number}", target)
        assert refs(remote)[f"refs/tags/agora/v4.0.0-rc{number}"] == target


@pytest.mark.parametrize("merged_meanwhile", [False, True])
def test_a_url_needs_commits_and_none_of_the_files(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merged_meanwhile: bool
) -> None:
    git("config", "uploadpack.allowFilter", "true", folder=remote)
    released = commit(remote, "Release this", content=random.Random(3).randbytes(50_000).hex())
    if merged_meanwhile:
        commit(remote, "Merge that", content=random.Random(4).randbytes(50_000).hex())
    sent = tmp_path / "sent"
    _serve_through(f'"$@" | tee -a "{sent}"', tmp_path, monkeypatch)
    Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc2", released)
    assert 0 < sent.stat().st_size < 2_000


def test_nothing_remains_in_the_temporary_folder(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc2", head(remote))
    hook(remote, "pre-receive", "exit 1")
    with pytest.raises(UserError):
        Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc3", head(remote))
    assert list(folder.iterdir()) == []


def test_a_push_from_a_clone_changes_nothing_in_it_even_where_it_lacks_the_commit(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    for name in ("fetch.prune", "fetch.pruneTags", "push.followTags"):
        git("config", name, "true", folder=working)
    git("config", "remote.origin.tagOpt", "--tags", folder=working)
    annotated_tag(working, head(working), "private/annotated")
    before = refs(working)
    merged = commit(remote, "Merged since")
    tag(remote, merged, "other/v1.0.0")
    Monorepo("agora", str(working)).push_tag("agora/v4.0.0-rc2", merged)
    assert refs(working) == before
    assert not (working / ".git" / "shallow").exists()
    assert not (working / ".git" / "FETCH_HEAD").exists()
    assert refs(remote)["refs/tags/agora/v4.0.0-rc2"] == merged
    assert "refs/tags/private/annotated" not in refs(remote)


@pytest.mark.parametrize(("same", "said"), [(True, "on the same commit"), (False, "on another commit, ")])
def test_a_tag_that_exists_is_refused_and_stays(remote: Path, same: bool, said: str) -> None:
    before = refs(remote)
    target = before["refs/tags/agora/v4.0.0-rc1"] if same else head(remote)
    with pytest.raises(UserError, match=f"agora/v4.0.0-rc1: exists in .*, {said}"):
        Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc1", target)
    assert refs(remote) == before


@pytest.mark.parametrize("same", [True, False])
def test_a_tag_that_someone_makes_during_the_push_stays_theirs(remote: Path, tmp_path: Path, same: bool) -> None:
    working = clone(remote, tmp_path / "clone")
    theirs = head(remote) if same else refs(remote)["refs/tags/agora/v4.0.0-rc1"]
    # git runs this hook after it has read the remote's refs, and before it sends its own.
    hook(working, "pre-push", f'git -C "{remote}" update-ref refs/tags/agora/v4.0.0-rc2 {theirs}')
    with pytest.raises(UserError, match=r"agora/v4.0.0-rc2: exists by now in"):
        Monorepo("agora", str(working)).push_tag("agora/v4.0.0-rc2", head(remote))
    assert refs(remote)["refs/tags/agora/v4.0.0-rc2"] == theirs


def test_a_tag_that_someone_makes_just_before_the_push_stays_where_it_is(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = refs(remote)["refs/tags/agora/v4.0.0-rc1"]
    made = f'git -C "{remote}" update-ref refs/tags/agora/v4.0.0-rc2 {theirs}'
    _serve_through(f'{made} && "$@"', tmp_path, monkeypatch)
    with pytest.raises(UserError, match=r"agora/v4.0.0-rc2: exists by now in .*, on another commit"):
        Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc2", head(remote))
    assert refs(remote)["refs/tags/agora/v4.0.0-rc2"] == theirs


@pytest.mark.parametrize("kind", ["pre-receive", "update"])
def test_what_a_hook_of_the_remote_says_is_shown(remote: Path, kind: str) -> None:
    hook(remote, kind, "echo 'Permission denied on Fridays.' >&2", "echo", "echo 'Come back on Monday.' >&2", "exit 1")
    before = refs(remote)
    with pytest.raises(
        UserError, match=r"refused by .*: Permission denied on Fridays\. / Come back on Monday\."
    ) as caught:
        Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc2", head(remote))
    assert "Nothing was tagged" in caught.value.hint
    assert refs(remote) == before


def test_a_hook_of_the_remote_that_is_silent_is_reported_all_the_same(remote: Path) -> None:
    hook(remote, "pre-receive", "exit 1")
    with pytest.raises(UserError, match="pre-receive hook declined"):
        Monorepo("agora", str(remote)).push_tag("agora/v4.0.0-rc2", head(remote))


def test_what_a_hook_of_the_clone_says_is_shown(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    hook(working, "pre-push", "echo 'lint: 3 problems' >&2", "exit 1")
    with pytest.raises(UserError, match=r"refused by .*: lint: 3 problems"):
        Monorepo("agora", str(working)).push_tag("agora/v4.0.0-rc2", head(remote))


def test_someone_who_may_read_and_not_push_gets_a_message(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    with _answering(403) as url:
        git("remote", "set-url", "--push", "origin", url, folder=working)
        with pytest.raises(UserError, match=r"agora/v4.0.0-rc2: no permission to push to") as caught:
            Monorepo("agora", str(working)).push_tag("agora/v4.0.0-rc2", head(remote))
    assert "s3cr" not in str(caught.value) + str(caught.value.__cause__)


def test_a_push_whose_answer_was_lost_has_succeeded_all_the_same(remote: Path) -> None:
    hook(remote, "post-receive", "kill -9 $PPID")
    Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc2", head(remote))
    assert refs(remote)["refs/tags/agora/v4.0.0-rc2"] == head(remote)


def test_a_tag_that_is_elsewhere_after_the_push_is_noticed(remote: Path) -> None:
    other = refs(remote)["refs/tags/agora/v4.0.0-rc1"]
    hook(remote, "post-receive", f"git update-ref refs/tags/agora/v4.0.0-rc2 {other}")
    with pytest.raises(UserError, match=f"agora/v4.0.0-rc2: pushed to .*, but it is on {other[:12]} now"):
        Monorepo("agora", _file_url(remote)).push_tag("agora/v4.0.0-rc2", head(remote))


@pytest.mark.parametrize("from_clone", [True, False])
def test_a_commit_that_neither_the_remote_nor_the_clone_has_is_not_tagged(
    remote: Path, tmp_path: Path, from_clone: bool
) -> None:
    working = clone(remote, tmp_path / "clone")
    foreign = commit(monorepo(tmp_path / "foreign.git"), "Not from here")
    before = refs(remote)
    with pytest.raises(UserError):
        Monorepo("agora", str(working) if from_clone else _file_url(remote)).push_tag("agora/v4.0.0-rc2", foreign)
    assert refs(remote) == before


def test_a_clone_that_is_where_the_remote_is_passes_even_with_a_dirty_worktree(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    (working / "file").write_text("changed\n")
    git("checkout", "--quiet", "-b", "elsewhere", folder=working)
    monorepo_ = Monorepo("agora", str(working))
    monorepo_.check_clone(monorepo_.refs())


def test_a_location_that_is_no_clone_has_nothing_to_check(remote: Path) -> None:
    for location in (str(remote), _file_url(remote)):
        Monorepo("agora", location).check_clone(Monorepo("agora", location).refs())


def test_a_clone_that_is_behind_ahead_or_diverged_is_refused_each_in_its_own_words(
    remote: Path, tmp_path: Path
) -> None:
    behind, ahead, diverged = (clone(remote, tmp_path / name) for name in ("behind", "ahead", "diverged"))
    commit(ahead, "Mine")
    with pytest.raises(UserError, match="ahead: main is 1 commit ahead of origin/main"):
        _check(ahead)
    commit(remote, "Theirs")
    commit(remote, "Theirs too")
    commit(diverged, "Mine")
    with pytest.raises(UserError, match="behind: main is 2 commits behind origin/main") as caught:
        _check(behind)
    assert "git rebase origin/main" in caught.value.hint
    with pytest.raises(UserError, match="diverged: main has diverged from origin/main: 1 commit ahead, 2 commits"):
        _check(diverged)


def test_checking_a_clone_changes_none_of_its_refs(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    before = refs(working)
    tag(remote, commit(remote, "Theirs"), "agora/v4.0.0-rc2")
    with pytest.raises(UserError, match="behind"):
        _check(working)
    assert refs(working) == before


def test_a_clone_without_the_branch_is_refused(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    git("branch", "--move", "main", "mine", folder=working)
    with pytest.raises(UserError, match='the clone has no branch "main"') as caught:
        _check(working)
    assert "git checkout main" in caught.value.hint


def test_the_subject_of_a_commit_is_reported_where_it_is_available(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    assert Monorepo("agora", str(working)).subject(head(remote)) == "Show the evidence"
    assert Monorepo("agora", str(remote)).subject(head(remote)) == "Show the evidence"
    assert Monorepo("agora", _file_url(remote)).subject(head(remote)) is None
    assert Monorepo("agora", str(working)).subject(commit(remote, "Since")) is None


def test_the_subject_of_a_signed_commit_is_reported_without_the_signature(remote: Path, tmp_path: Path) -> None:
    gpg = tmp_path / "gpg"
    gpg.write_text("#!/bin/sh\necho 'gpg: made by Ada' >&2\n")
    gpg.chmod(0o755)
    git("config", "gpg.program", str(gpg), folder=remote)
    git("config", "log.showSignature", "true", folder=remote)
    header, _, message = git("cat-file", "commit", "main", folder=remote).partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----"
    signed = f"{header}\n{signature}\n\n{message}\n".encode()
    commit_id = git("hash-object", "-t", "commit", "-w", "--stdin", folder=remote, stdin=signed)
    assert Monorepo("agora", str(remote)).subject(commit_id) == "Show the evidence"


def _check(working: Path) -> None:
    monorepo_ = Monorepo("agora", str(working))
    monorepo_.check_clone(monorepo_.refs())
