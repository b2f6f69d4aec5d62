"""Settings in files: that of the environment over the base, and one file only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from src.utils import load_context_config


@pytest.mark.parametrize("name", ["test", "production", ""])
def test_another_environment_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"Invalid environment '{name}'"):
        load_context_config(name)


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json"])
@pytest.mark.parametrize("name", ["dev", "stage", "prod"])
def test_a_file_is_read_in_each_format(tmp_path: Path, name: str, suffix: str) -> None:
    settings = {"FQDN": f"{name}.example.org", "TAGS": {"Team": "web"}}
    text = json.dumps(settings) if suffix == "json" else yaml.dump(settings)
    (tmp_path / f"{name}.{suffix}").write_text(text)
    assert load_context_config(name, str(tmp_path)) == settings


def test_a_missing_file_is_reported_with_the_names_that_it_can_have(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No config file found for environment 'dev'.*dev\.yml"):
        load_context_config("dev", str(tmp_path))


def test_two_files_of_an_environment_are_refused(tmp_path: Path) -> None:
    for suffix in ("yaml", "json"):
        (tmp_path / f"dev.{suffix}").write_text("{}")
    with pytest.raises(ValueError, match="Multiple config files found for environment 'dev'"):
        load_context_config("dev", str(tmp_path))


def test_the_environment_overrides_the_base_value_by_value(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("A: 1\nALARMS: {cpu: 80, memory: 70}\nLIST: [1, 2]\n")
    (tmp_path / "dev.yaml").write_text("B: 2\nALARMS: {cpu: 50}\nLIST: [3]\n")
    expected = {"A": 1, "B": 2, "ALARMS": {"cpu": 50, "memory": 70}, "LIST": [3]}
    assert load_context_config("dev", str(tmp_path)) == expected


@pytest.mark.parametrize("empty", ["base.yaml", "dev.yaml"])
def test_an_empty_file_has_no_settings(tmp_path: Path, empty: str) -> None:
    for name in ("base.yaml", "dev.yaml"):
        (tmp_path / name).write_text("" if name == empty else "A: 1\n")
    assert load_context_config("dev", str(tmp_path)) == {"A": 1}


def test_a_malformed_file_raises_the_error_of_its_parser(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text("a: b: [")
    with pytest.raises(yaml.YAMLError):
        load_context_config("dev", str(tmp_path))
    (tmp_path / "stage.json").write_text("{]")
    with pytest.raises(json.JSONDecodeError):
        load_context_config("stage", str(tmp_path))
