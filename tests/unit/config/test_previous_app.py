"""An `app.py` of the previous app gets one sentence, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.config.configuration import load_configuration
from portside.errors import ConfigurationError
from tests.unit.configuration_support import environments

BY_MATCH = """
from os import environ
import aws_cdk as cdk
from src.network_stack import NetworkStack

name = environ.get("ENV")
match name:
    case "dev":
        environment_variables = {"VPC_CIDR": "10.9.1.0/24", "FQDN": "dev.example.org"}
    case _:
        raise SystemExit("ENV must be dev")
app = cdk.App()
network = NetworkStack(scope=app, construct_id=f"x-{name}-network", vpc_cidr=environment_variables["VPC_CIDR"])
app.synth()
"""
BY_FILE = """
import aws_cdk as cdk
from src import network_stack
from src.utils import load_context_config

app = cdk.App()
settings = load_context_config(env_name=app.node.try_get_context("env") or "dev")
network_stack.NetworkStack(app, "x-network", settings["VPC_CIDR"])
app.synth()
"""
BY_YAML = """
import os, yaml
settings = yaml.safe_load(open(f"config/{os.environ['ENV']}.yaml"))
"""
IN_A_FUNCTION = """
import os
def main():
    environment_variables = VARIABLES[os.getenv("ENV", "dev")]
    print(environment_variables)
VARIABLES = {"dev": {"FQDN": "dev.example.org"}}
main()
"""


def _problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "app.py"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as wrong:
        load_configuration(path)
    return [str(each) for each in wrong.value.problems]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BY_MATCH, "app.py, line 6: of the previous app: it reads ENV and sets environment_variables and creates"),
        (BY_FILE, "app.py, line 7: of the previous app: it reads config/ and creates the stacks"),
        (BY_YAML, "app.py, line 3: of the previous app: it reads ENV and reads config/"),
        (IN_A_FUNCTION, "app.py, line 4: of the previous app: it reads ENV and sets environment_variables"),
    ],
)
@pytest.mark.parametrize("env", ["", "dev"])
def test_a_previous_app_is_one_problem(
    text: str, said: str, env: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV", env)
    (problem,) = _problems(tmp_path, text)
    assert problem.startswith(said)
    assert "Write APP, ENVIRONMENTS and services(environment) instead" in problem


def test_a_file_that_only_lacks_something_is_no_previous_app(tmp_path: Path) -> None:
    assert "of the previous app" not in "".join(_problems(tmp_path, "APP = 'x'\n"))


@pytest.mark.parametrize("reads", ["os.environ['ENV']", "os.environ.get('ENV').lower()", "os.getenv('ENV').lower()"])
def test_reading_env_while_the_configuration_is_read_says_why_it_is_not_set(
    reads: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENV", raising=False)
    written = f"import os\nENVIRONMENTS = {environments(dev={})!r}\nname = {reads}\ndef services(_): return []\n"
    (problem,) = _problems(tmp_path, written)
    assert problem.startswith("app.py, line 3: ")
    assert "describe each of them in ENVIRONMENTS" in problem
