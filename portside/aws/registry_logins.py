"""The logins for lookups of images: for Amazon ECR, and from the secrets with which ECS pulls."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portside.aws.errors import is_missing, why_unanswered
from portside.config.environment import Environment
from portside.config.image_reference import ecr_repository, parse_reference
from portside.config.service_props import REGISTRY_FIELDS, REGISTRY_LOGIN, ServiceProps
from portside.images import failures
from portside.images.access import Login, Token
from portside.images.docker_login import docker_login
from portside.images.failures import Failed
from portside.images.location import Location

ClientOf = Callable[[str, str], Any]
"""Makes the client of a service in a region."""


@dataclass(frozen=True)
class RegistrySecret:
    """A secret with the login of a registry, in the account and region of the environment that pulls with it."""

    name: str
    account: str
    region: str

    @property
    def arn(self) -> str:
        """Its ARN without the random end, so that no other account's secret of this name is read."""
        return f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:{self.name}"


def registry_secrets(
    services: Iterable[tuple[Environment, Iterable[ServiceProps]]],
) -> dict[str, tuple[RegistrySecret, ...]]:
    """The secrets with which ECS pulls each image, by the image's name without tag and digest."""
    found: dict[str, tuple[RegistrySecret, ...]] = {}
    for environment, props_of in services:
        for props in props_of:
            image = parse_reference(props.container_location)
            if image and props.registry_credentials:
                secret = RegistrySecret(props.registry_credentials, environment.account, environment.region)
                found[image.name] = tuple(dict.fromkeys((*found.get(image.name, ()), secret)))
    return found


class RegistryLogins:
    """Finds the login for an image, as `Access.log_in`; the answers of AWS are kept."""

    def __init__(self, secrets: Mapping[str, tuple[RegistrySecret, ...]], client: ClientOf | None = None) -> None:
        self._secrets, self._client = secrets, client or _client
        self._known: dict[str, Login] = {}
        self._lock = threading.Lock()

    def __call__(self, location: Location) -> Login | None:
        """Raises `Failed` if the image needs a login and has no readable one."""
        with self._lock:
            if repository := ecr_repository(location.name):
                return self._kept(repository.region, lambda: self._of_ecr(repository.region, location.host))
            secrets = self._secrets.get(location.name)
            return self._kept(location.name, lambda: self._of_secrets(location.host, secrets)) if secrets else None

    def _kept(self, key: str, find: Callable[[], Login]) -> Login:
        if key not in self._known:
            self._known[key] = find()
        return self._known[key]

    def _of_ecr(self, region: str, host: str) -> Login:
        """A token, which is valid for each registry that the credentials have rights in."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client("ecr", region).get_authorization_token()
        except (BotoCoreError, ClientError) as error:
            hint = "Use credentials with ecr:GetAuthorizationToken, and with rights to pull from the repository."
            raise Failed(failures.no_login(f"no login at {host}: {why_unanswered(error)}", hint)) from error
        encoded = answer["authorizationData"][0]["authorizationToken"]
        username, _, password = base64.b64decode(encoded).decode().partition(":")
        hint = (
            "Allow them ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository; the policy of a repository "
            "in another account must allow it too, also to the account whose tasks pull it."
        )
        return Login(username, Token(password), "these AWS credentials", hint)

    def _of_secrets(self, host: str, secrets: Iterable[RegistrySecret]) -> Login:
        """The login of the first readable secret, otherwise that of Docker on this machine."""
        unread = []
        for secret in secrets:
            login, why = self._of_secret(secret)
            if login:
                return login
            unread.append(f"secret {secret.name}: {why}")
        if login := docker_login(host):
            return login
        hint = f"Use AWS credentials that can read the secret, or log in on this machine: docker login {host}"
        raise Failed(failures.no_login(f"no login at {host}: {'; '.join(unread)}", hint))

    def _of_secret(self, secret: RegistrySecret) -> tuple[Login | None, str]:
        """The login in a secret, or why it could not be read. Raises `Failed` if ECS could not use it either."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client("secretsmanager", secret.region).get_secret_value(SecretId=secret.arn)
        except (BotoCoreError, ClientError) as error:
            if is_missing(error):
                return None, f"does not exist in account {secret.account}, region {secret.region}"
            return None, why_unanswered(error)
        try:
            content = json.loads(answer["SecretString"])
            username, password = (content[field] for field in REGISTRY_FIELDS)
            is_usable = all(isinstance(each, str) and each for each in (username, password))
        except (KeyError, TypeError, ValueError):
            is_usable = False
        hint = f"Store {REGISTRY_LOGIN} of the registry in secret {secret.name}."
        if not is_usable:
            sentence = f"secret {secret.name} is not a JSON object with the texts username and password"
            raise Failed(failures.Failure(failures.Kind.LOGIN_REFUSED, sentence, hint))
        return Login(username, Token(password), f"secret {secret.name}", hint, is_of_task=True), ""


def _client(service: str, region: str) -> Any:
    import boto3
    from botocore.config import Config

    session: Any = boto3.Session(region_name=region)
    limits = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
    return session.client(service, config=limits)
