"""However a process was started, its streams exist and take any character."""

from __future__ import annotations

import subprocess
import sys

import pytest

from portside.config.configuration import ROOT

_READY = "from portside.cli import standard_streams; standard_streams.make_ready()"


def _run(program: str, redirected: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = f"\"{sys.executable}\" -c '{program}' {redirected}"
    return subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, env=variables, check=False)


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_a_closed_stream_is_replaced_and_takes_no_number_of_a_file(closed: str) -> None:
    program = (
        f"import sys; {_READY}; sys.stderr.write(sys.stdin.read(1)); sys.stderr.flush();"
        f"print(sys.stdin.fileno(), sys.stderr.fileno(), open(sys.executable).fileno() > 2)"
    )
    done = _run(program, closed)
    assert done.stdout == b"0 2 True\n", done.stderr


@pytest.mark.parametrize("locale", ["C", "xx_YY.nowhere", "en_US.ISO-8859-1", "C.UTF-8"])
def test_no_character_stops_the_output(locale: str) -> None:
    program = f"import sys; {_READY}; print(chr(0x2717)); print(chr(0x2717), file=sys.stderr)"
    done = _run(program, LC_ALL=locale, LANG=locale)
    assert done.returncode == 0, done.stderr


def test_an_encoding_without_a_character_shows_another() -> None:
    program = f"import sys; {_READY}; print(chr(0x2717)); print(chr(0x2717), file=sys.stderr)"
    done = _run(program, PYTHONIOENCODING="ascii")
    assert (done.stdout, done.stderr) == (b"?\n", b"\\u2717\n")
