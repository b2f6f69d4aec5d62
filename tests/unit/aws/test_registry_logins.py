"""The logins of private images: of ECR, of the secret with which ECS pulls, and of Docker on this machine."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from portside.aws.registry_logins import RegistryLogins, RegistrySecret, registry_secrets
from portside.images.access import Login
from portside.images.failures import Failed, Failure, Kind
from portside.images.location import locate
from tests.unit.configuration_support import check_configuration, environments, service

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PRIVATE = "registry.example.org/team/app:1.0"
SECRET = RegistrySecret("shop/registry", "607346494281", "us-east-1")
PASSWORD = "hunter2-of-the-registry"


class Aws:
    """ECR and Secrets Manager, each with one answer or error."""

    def __init__(self, answer: Mapping[str, Any] | Exception) -> None:
        self.answer, self.asked = answer, list[tuple[str, str, Any]]()

    def __call__(self, service: str, region: str) -> Any:
        self.asked.append((service, region, None))
        return self

    def get_authorization_token(self) -> Mapping[str, Any]:
        return self._said()

    def get_secret_value(self, **asked: Any) -> Mapping[str, Any]:
        self.asked[-1] = (*self.asked[-1][:2], asked["SecretId"])
        return self._said()

    def _said(self) -> Mapping[str, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def token(text: str = f"AWS:{PASSWORD}") -> Mapping[str, Any]:
    return {"authorizationData": [{"authorizationToken": base64.b64encode(text.encode()).decode()}]}


def refused(code: str, call: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, call)


def logins(aws: Aws) -> RegistryLogins:
    return RegistryLogins({"registry.example.org/team/app": (SECRET,)}, aws)


def login(aws: Aws, reference: str = PRIVATE) -> Login:
    found = logins(aws)(locate(reference))
    assert found
    return found


def failure(aws: Aws, reference: str = PRIVATE) -> Failure:
    with pytest.raises(Failed) as failed:
        logins(aws)(locate(reference))
    return failed.value.failure


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_an_image_in_ecr_is_requested_with_a_token_of_its_region() -> None:
    aws = Aws(token())
    found = login(aws, f"{HOST}/app:1.0")
    assert (found.username, found.password.reveal(), found.is_of_task) == ("AWS", PASSWORD, False)
    assert aws.asked == [("ecr", "eu-west-1", None)]


def test_two_images_of_a_region_share_one_token() -> None:
    aws = Aws(token())
    both = logins(aws)
    assert both(locate(f"{HOST}/app:1.0")) is both(locate(f"{HOST}/api:1.0"))
    assert len(aws.asked) == 1


def test_without_the_right_to_log_in_the_sentence_names_it() -> None:
    message = "User: arn:aws:sts::1:x is not authorized to perform: ecr:GetAuthorizationToken on resource: *"
    found = failure(Aws(refused("AccessDeniedException", "GetAuthorizationToken", message)), f"{HOST}/app:1.0")
    assert found.kind is Kind.LOGIN_UNUSABLE
    assert found.sentence == f"no login at {HOST}: these credentials lack the right ecr:GetAuthorizationToken"


def test_without_credentials_ecr_can_not_be_read() -> None:
    found = failure(Aws(NoCredentialsError()), f"{HOST}/app:1.0")
    assert (found.kind, "credentials" in found.sentence) == (Kind.LOGIN_UNUSABLE, True)


@pytest.mark.parametrize(
    "public", ["ghcr.io/team/app:1", "nginx:1", "public.ecr.aws/nginx/nginx:1", "registry.example.org/b:1"]
)
def test_other_images_need_no_login(public: str) -> None:
    aws = Aws(token())
    assert logins(aws)(locate(public)) is None
    assert aws.asked == []


def test_the_secret_is_that_of_the_environments_account_and_region() -> None:
    aws = Aws({"SecretString": json.dumps({"username": "shop", "password": PASSWORD})})
    found = login(aws)
    assert (found.username, found.password.reveal(), found.is_of_task) == ("shop", PASSWORD, True)
    assert aws.asked == [
        ("secretsmanager", "us-east-1", "arn:aws:secretsmanager:us-east-1:607346494281:secret:shop/registry")
    ]
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize(
    "content",
    [
        {"SecretString": PASSWORD},
        {"SecretString": json.dumps({"user": "shop", "password": PASSWORD})},
        {"SecretString": json.dumps({"username": "", "password": PASSWORD})},
        {"SecretString": json.dumps({"username": "shop", "password": 7})},
        {"SecretString": json.dumps(["shop", PASSWORD])},
        {"SecretBinary": b"x"},
    ],
)
def test_a_secret_that_ecs_could_not_use_is_refused_without_its_content(content: Mapping[str, Any]) -> None:
    found = failure(Aws(content))
    assert found.kind is Kind.LOGIN_REFUSED
    assert found.sentence == "secret shop/registry is not a JSON object with the texts username and password"
    assert PASSWORD not in f"{found.sentence}{found.hint}"


def test_an_unreadable_secret_leaves_the_login_of_docker(home: Path) -> None:
    auth = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {"registry.example.org": {"auth": auth}}}))
    found = login(Aws(refused("AccessDeniedException", "GetSecretValue")))
    assert (found.username, found.is_of_task) == ("me", False)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            refused("ResourceNotFoundException", "GetSecretValue"),
            "does not exist in account 607346494281, region us-east-1",
        ),
        (refused("AccessDeniedException", "GetSecretValue"), "these credentials lack the right for GetSecretValue"),
    ],
)
def test_a_missing_secret_is_not_confused_with_an_unreadable_one(error: ClientError, why: str) -> None:
    found = failure(Aws(error))
    assert found.kind is Kind.LOGIN_UNUSABLE
    assert found.sentence == f"no login at registry.example.org: secret shop/registry: {why}"
    assert found.hint.endswith("docker login registry.example.org")


def test_each_environments_secret_is_known_by_the_name_of_its_image() -> None:
    props = service(public=True, container_location=PRIVATE, registry_credentials="shop/registry")
    configuration = check_configuration(environments(dev={}, stage={}), lambda _: [props])
    [(name, secrets)] = registry_secrets(configuration.of_environments()).items()
    assert name == "registry.example.org/team/app"
    assert [secret.name for secret in secrets] == ["shop/registry"] * len(secrets)
    assert {secret.account for secret in secrets} == {each.account for each in configuration.environments.values()}
