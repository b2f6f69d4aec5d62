"""Whatever is wrong with `app.py` is an error that names the file and the line, and what to write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portside.config.app_source import run_source
from portside.config.configuration import load_configuration
from portside.errors import ConfigurationError
from tests.unit.configuration_support import environments

SERVICES = "def services(environment):\n    {}\n"
DEV = f"ENVIRONMENTS = {environments(dev={})!r}\n"


def _wrong(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as wrong:
        load_configuration(path)
    assert wrong.value.exit_code == 2
    return str(wrong.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import sys\nsys.exit()\n", "app.py, line 2: ends the program\nRemove it"),
        ("raise SystemExit(0)\n", "app.py, line 1: ends the program\nRemove it"),
        ("import os\nos._exit(0)\n", "app.py, line 2: ends the program\nRemove it"),
        ("class Odd(BaseException): pass\nraise Odd\n", "app.py, line 2: Odd\n"),
        ("def again(): again()\nagain()\n", "app.py, line 1: RecursionError"),
        ("x = {}\nx['a']\n", "app.py, line 2: KeyError: 'a'\n"),
        ("x = (\n", "app.py, line 1: '(' was never closed\nPython can't read this"),
        (
            "if True:\n\tx = 1\n        y = 2\n",
            "app.py, line 3: inconsistent use of tabs and spaces in indentation",
        ),
        ("x = true\n", "app.py, line 1: NameError: name 'true' is not defined\nWrite True: true is JSON"),
        ("x = [\n  null]\n", "app.py, line 2: NameError: name 'null' is not defined\nWrite None: null is JSON"),
        (b"x = 1\ny = '\xff'\n", "app.py, line 2: not UTF-8\nSave the file as UTF-8."),
        (b"x = 1\n\x00", "app.py, line 2: a NUL character\n"),
        (
            'E = {\n  "dev": {},\n  "dev": {},\n}\n',
            "app.py, line 3: 'dev' is in this dictionary twice, first on line 2",
        ),
        ('E = {"dev": {"A": 1, "B": 2, "A": 3}}\n', "app.py, line 1: 'A' is in this dictionary twice"),
        ("import no_such_module_at_all\n", "app.py, line 1: ModuleNotFoundError: No module named"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(content: str | bytes, said: str, tmp_path: Path) -> None:
    assert _wrong(tmp_path / "app.py", content).startswith(said)


@pytest.mark.parametrize("code", ["import sys; sys.exit(0)", "import os; os._exit(0)", "1 / 0", "return [true]"])
def test_services_cannot_end_the_program_either(code: str, tmp_path: Path) -> None:
    said = _wrong(tmp_path / "app.py", DEV + SERVICES.format(code))
    assert "app.py, line 3: " in said


def test_modules_that_import_each_other_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "loop_one.py").write_text("from loop_two import x\n")
    (tmp_path / "loop_two.py").write_text("from loop_one import y\n")
    assert "app.py, line 1: ImportError: cannot import name" in _wrong(tmp_path / "app.py", "from loop_one import z\n")


def test_a_folder_in_the_wrong_place_and_a_file_that_may_not_be_read_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.py"
    with pytest.raises(ConfigurationError, match=r"app\.py: not found\nGet it back: git checkout app\.py"):
        run_source(path)
    path.mkdir()
    with pytest.raises(ConfigurationError, match=r"app\.py: is a folder, not a file\nMove the folder away"):
        run_source(path)

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path.rmdir()
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        ConfigurationError, match=r"app\.py: can't be read: permission denied\nMake it readable: chmod u\+r"
    ):
        run_source(path)


def test_what_it_prints_is_no_answer_and_a_byte_order_mark_is_no_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.py"
    path.write_bytes(b"\xef\xbb\xbfprint('hello')\nx = 1\n")
    assert run_source(path).names["x"] == 1
    assert capsys.readouterr() == ("", "hello\n")


def test_the_process_can_be_ended_again_afterwards(tmp_path: Path) -> None:
    leave = os._exit
    _wrong(tmp_path / "app.py", "import os\nos._exit(0)\n")
    assert os._exit is leave
