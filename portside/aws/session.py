"""A session with AWS in an account and region, and a message for each way in which credentials can be missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.aws.errors import is_expired, is_passing
from portside.config.mistakes import quoted, suggestion
from portside.errors import UsageError
from portside.redact import holds_credential

# Without them an address that swallows everything would be asked for minutes.
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 5, 15, 3


class NoCredentials(UsageError):
    """There are no AWS credentials, or they are expired, or for another account; nothing was changed."""

    code = "credentials"


class NotReachable(UsageError):
    """AWS can't be reached from this machine; nothing was changed."""

    code = "unreachable"


@dataclass(frozen=True)
class Session:
    """Creates clients for `caller`. `is_renewable` is whether the user can renew the credentials meanwhile."""

    client: Callable[[str], Any]
    caller: str
    is_renewable: bool


def open_session(account: str, region: str, *, profile: str | None, of: str) -> Session:
    """The credentials of a profile, or those that the environment's variables name, checked by asking AWS.

    `of` is what the account is called in messages. Raises `NoCredentials` and `NotReachable`.
    """
    import boto3
    from botocore.config import Config

    asked = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS)
    if "AWS_MAX_ATTEMPTS" not in os.environ:
        asked = asked.merge(Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}))
    try:
        session: Any = boto3.Session(region_name=region, profile_name=profile)
        renewable = _follow_profile(session, profile)
        identity = session.client("sts", config=asked).get_caller_identity()
    except Exception as error:
        raise _refusal(error, profile or os.environ.get("AWS_PROFILE")) from error
    if identity["Account"] != account:
        raise NoCredentials(
            f"the credentials are for account {identity['Account']}, but {of} is {account}",
            f"Choose a profile of account {account} with AWS_PROFILE. Nothing was changed.",
        )
    arn = str(identity.get("Arn", ""))
    return Session(session.client, arn.partition(":assumed-role/")[2] or arn, renewable)


def _refusal(error: Exception, profile: str | None) -> UsageError:
    from botocore.exceptions import ProfileNotFound

    log_in = f"aws --profile {profile or 'NAME'} sso login"
    if isinstance(error, ProfileNotFound):
        there = _profiles()
        return NoCredentials(
            f"no usable AWS credentials: there is no profile {quoted(profile)} in {_config_file()}",
            suggestion(profile or "", there) if there else "Make it: aws configure sso. Or rehearse with --local.",
        )
    if is_passing(error) and not is_expired(error):
        return NotReachable(
            f"AWS can't be reached: {_said(error)}",
            f"Check the connection{_settings_of_the_way()}; then run the same command again, or rehearse with --local.",
        )
    return NoCredentials(
        f"no usable AWS credentials: {_said(error)}",
        f'Log in ("{log_in}") and set AWS_PROFILE{"=NAME" if not profile else ""}, or rehearse with --local.',
    )


def _said(error: Exception) -> str:
    """An error in one line. Errors other than AWS's may contain a header with a token, so only their type is shown."""
    said = " ".join(str(error).split())
    is_shown = type(error).__module__.startswith(("botocore", "boto3")) or isinstance(error, OSError)
    return said if is_shown and said and not (holds_credential(said) or "header" in said) else type(error).__name__


def _settings_of_the_way() -> str:
    names = ("HTTPS_PROXY", "https_proxy", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_ENDPOINT_URL")
    given = [name for name in names if os.environ.get(name)]
    return f" and {', '.join(given)}" if given else ""


def _config_file() -> Path:
    return Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()


def _profiles() -> list[str]:
    import botocore.session

    try:
        return list(botocore.session.Session(profile=None).full_config.get("profiles", {}))
    except Exception:
        return []


def _follow_profile(session: Any, profile: str | None) -> bool:
    """Make the session pick up renewed credentials from the profile's files; return whether they are renewable."""
    core: Any = getattr(session, "_session", None)
    found = core.get_credentials() if core else None
    if found is None or found.method in ("env", "explicit"):
        return False
    core._credentials = renewing(found, lambda: _reread(profile), _watched_files())
    return True


def _reread(profile: str | None) -> Any:
    import botocore.session

    return botocore.session.Session(profile=profile).get_credentials()


def _watched_files() -> tuple[Path, ...]:
    """The files that a log-in writes: credentials, configuration, and the token caches."""
    credentials = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()
    tokens = [Path(f"~/.aws/{name}/cache").expanduser() for name in ("sso", "login")]
    return (credentials, _config_file(), *tokens)


def renewing(first: Any, reread: Callable[[], Any], files: tuple[Path, ...]) -> Any:
    """Credentials as botocore takes them, read again whenever one of these files has changed.

    Static ones, such as those that a log-in tool writes into a file, botocore reads once in a process's life.
    """
    from botocore.credentials import Credentials

    class Renewing(Credentials):
        """Credentials that follow the files."""

        def __init__(self) -> None:
            self.method = first.method
            self._current, self._seen = first, _changes(files)

        def get_frozen_credentials(self) -> Any:
            now = _changes(files)
            if now != self._seen:
                self._seen = now
                self._current = _or_none(reread) or self._current
            return self._current.get_frozen_credentials()

        access_key = property(lambda self: self.get_frozen_credentials().access_key)
        secret_key = property(lambda self: self.get_frozen_credentials().secret_key)
        token = property(lambda self: self.get_frozen_credentials().token)

    return Renewing()


def _or_none(reread: Callable[[], Any]) -> Any:
    """A file that is being written can't be read for a moment."""
    try:
        return reread()
    except Exception:
        return None


def _changes(files: tuple[Path, ...]) -> tuple[int, ...]:
    times = []
    for path in files:
        inside = sorted(path.glob("*.json")) if path.is_dir() else []
        for each in (path, *inside):
            try:
                times.append(each.stat().st_mtime_ns)
            except OSError:
                times.append(0)
    return tuple(times)
