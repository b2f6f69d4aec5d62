"""Fargate finds images by their digests as well as by their tags, and says in its own words when it finds none."""

from __future__ import annotations

import base64
import json
import urllib.request
from pathlib import Path

from portside.emulator.client import control, loopback_client, seed
from portside.emulator.fargate.stub import TOKEN_HEADER
from tests.unit.local_aws_support import IMAGE, REGION, SERVICE_OUTPUT, Account, account, embedded_aws, network, service

__all__ = ["account", "embedded_aws", "network"]

DIGEST = "sha256:" + "cd" * 32
COMMIT = "abc1234" * 5


def test_a_task_runs_the_digest_that_it_was_given_though_the_tag_has_moved(account: Account) -> None:
    older = control.publish_image(IMAGE, ["edge"], commit=COMMIT, marker="older", aws=account.aws)
    control.publish_image(IMAGE, ["edge"], commit=COMMIT, marker="newer", aws=account.aws)
    reference = f"{IMAGE}@{older['digest']}"
    variables = {"APP_VERSION": "edge", "COMMIT_SHA": "abc1234"}
    resources = service(image=reference, environment=variables)
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE", account.why_failed("api")
    (task,) = account.tasks(account.service("api")["serviceName"])
    assert task["containers"][0]["imageDigest"] == older["digest"]
    (stub,) = control.tasks(account.number, aws=account.aws)
    assert (stub["image"], stub["digest"]) == (reference, older["digest"])
    page = urllib.request.Request(stub["url"], headers={"accept": "text/html", TOKEN_HEADER: stub["token"]})
    with loopback_client.send(page, timeout=5) as answer:
        shown = answer.read().decode()
    assert older["digest"] in shown
    assert "<footer>edge-abc1234</footer>" in shown


def test_of_an_index_a_task_runs_the_manifest_that_it_names(account: Account) -> None:
    index = control.publish_image(IMAGE, ["edge"], commit=COMMIT, platform="linux/amd64,linux/arm64", aws=account.aws)
    url = f"{account.aws.catalogue_url}/token?scope=repository:sage-bionetworks/agora-api:pull"
    login = base64.b64encode(f"anybody:{account.aws.images_token}".encode()).decode()
    asked = urllib.request.Request(url, headers={"authorization": f"Basic {login}"})
    with loopback_client.send(asked, timeout=5) as answer:
        token = json.load(answer)["token"]
    manifests = urllib.request.Request(
        f"{account.aws.catalogue_url}/v2/sage-bionetworks/agora-api/manifests/{index['digest']}",
        headers={"authorization": f"Bearer {token}"},
    )
    with loopback_client.send(manifests, timeout=5) as answer:
        manifest = json.load(answer)["manifests"][0]["digest"]
    assert account.deploy("api", service(image=f"{IMAGE}@{manifest}"), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    assert account.tasks(account.service("api")["serviceName"])[0]["containers"][0]["imageDigest"] == manifest


def test_a_digest_that_is_nowhere_cannot_be_pulled(account: Account) -> None:
    reference = f"{IMAGE}@sha256:{'ef' * 32}"
    assert account.deploy("api", service(image=reference), SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    reasons = [each["stoppedReason"] for each in account.stopped()]
    assert (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {reference}: {reference}: not found" in reasons
    )


def test_a_release_lock_is_seeded_by_its_digests(account: Account, tmp_path: Path) -> None:
    def make() -> list[str]:
        return seed.seed(
            account.aws,
            account.number,
            REGION,
            certificate_arn=f"arn:aws:acm:{REGION}:{account.number}:certificate/22222222-2222-3333-4444-555555555555",
            domain="agora.example.org",
            secrets={},
            images=[f"{IMAGE}@{DIGEST}", f"{IMAGE}:1.0.0", f"{IMAGE}:locked"],
        )

    assert make()[1:] == [f"image {IMAGE}@{DIGEST}", f"image {IMAGE}:locked"]
    assert make() == []
    assert account.deploy("api", service(image=f"{IMAGE}@{DIGEST}"), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    assert account.tasks(account.service("api")["serviceName"])[0]["containers"][0]["imageDigest"] == DIGEST
