"""Resources that a rehearsal creates and users create by hand in a real account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.config.deferred_values import DatabaseSecret
from portside.config.service_props import ServiceProps, ServiceSecret
from portside.errors import UsageError
from portside.rehearsal.prepare import images_of, secrets_of, switch_faults
from tests.apps import agora
from tests.unit.operations_support import digest, resolution, target


def _service(name: str, location: str = "ghcr.io/org/app:1.0", *secrets: ServiceSecret) -> ServiceProps:
    return ServiceProps(name, 80, 512, location, container_secrets=list(secrets))


def test_secrets_are_those_that_users_create_with_the_fields_that_are_read() -> None:
    services = [
        _service("a", "ghcr.io/org/a:1", ServiceSecret("plain", "A"), ServiceSecret("json", "B", "user")),
        _service("b", "ghcr.io/org/b:1", ServiceSecret("json", "C", "pass"), ServiceSecret(DatabaseSecret(), "D")),
    ]
    assert secrets_of(services) == {"plain": None, "json": ("user", "pass")}


def test_an_image_that_would_be_built_has_a_stub_that_is_reported() -> None:
    services = [_service("a"), _service("b", "path://docker/My App")]
    assert images_of(services, None) == ["ghcr.io/org/app:1.0", "not-built.invalid/docker-my-app:stub"]


def test_an_image_of_a_lock_is_put_there_under_the_locks_digest() -> None:
    lock = resolution("1.0", "app")
    services = [_service("a"), _service("b", "ghcr.io/org/not-in-it:1.0")]
    assert images_of(services, lock) == [f"ghcr.io/org/app@{digest('app 1.0')}", "ghcr.io/org/not-in-it:1.0"]


def test_a_lock_of_stubs_decides_about_no_digest() -> None:
    assert images_of([_service("a")], replace(resolution("1.0", "app"), stand_in=True)) == ["ghcr.io/org/app:1.0"]


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        ("agora-ap=slow-start", 'no service "agora-ap"', 'Did you mean "agora-ap'),
        ("agora-app=crash-on-start", "no fault 'crash-on-start'", 'Did you mean "crash-at-start"'),
        ("agora-app", "no fault ''", "Known are"),
    ],
)
def test_a_misspelt_fault_is_refused_before_anything_changes(fault: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        switch_faults(target({}, is_local=True), agora().services_of("dev"), [fault])
    assert message in refused.value.message
    assert hint in refused.value.hint
