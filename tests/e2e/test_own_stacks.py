"""The own stacks of tests/apps/shop, the examples of docs/own-stacks.md, are deployed, changed and destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps import SHOP
from tests.e2e.aws import clients, inventory
from tests.e2e.clone import Clone

CUSTOM_RESOURCE = "auto_delete_objects=True, removal_policy=cdk.RemovalPolicy.DESTROY,"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    made = Clone.at(tmp_path / "shop infra", app=SHOP)
    yield made
    made.stop()


def edit(clone: Clone, old: str, new: str) -> None:
    file = clone.folder / "stacks.py"
    assert file.read_text().count(old) == 1
    file.write_text(file.read_text().replace(old, new))


def variables(ecs: Any, service: str) -> dict[str, str]:
    """The environment of the container that a service runs."""
    [cluster] = ecs.list_clusters()["clusterArns"]
    [arn] = [each for each in ecs.list_services(cluster=cluster)["serviceArns"] if service in each]
    [found] = ecs.describe_services(cluster=cluster, services=[arn])["services"]
    definition = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    return {each["name"]: each["value"] for each in definition["containerDefinitions"][0]["environment"]}


def rights(iam: Any, service: str) -> str:
    """The policies of the role of a service's tasks."""
    [role] = [each["RoleName"] for each in iam.list_roles()["Roles"] if f"{service}-TaskRole" in each["RoleName"]]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return str([iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names])


def check_the_loss_of_a_volume(clone: Clone, of: Any) -> None:
    """A new task does not start without the access point of its volume, which `diagnose` says."""
    efs = of("efs")
    [point] = efs.describe_access_points()["AccessPoints"]
    assert point["PosixUser"] == {"Uid": 1000, "Gid": 1000}
    efs.delete_access_point(AccessPointId=point["AccessPointId"])
    answer = clone.agora("redeploy", "dev", "worker", "--local")
    assert answer.exit_code == 1
    assert "shop-worker: its task role shop-dev-worker-TaskRole" in answer.stderr
    assert "can't mount the file system, or the access point was deleted" in answer.stderr


def test_a_bucket_a_queue_a_cache_and_a_file_system_are_deployed_used_changed_and_destroyed(clone: Clone) -> None:
    clone.up()
    of = clients(clone.exports("dev"))
    edit(clone, "BLOCK_ALL,", f"BLOCK_ALL, {CUSTOM_RESOURCE}")
    answer = clone.agora("deploy", "dev", "--local", "--yes")
    assert answer.exit_code == 1
    assert "a rehearsal can't create Custom::S3AutoDeleteObjects, which shop-dev-storage/Uploads/" in answer.stderr
    assert "Omit auto_delete_objects" in answer.stderr
    assert "Traceback" not in answer.stderr
    edit(clone, f" {CUSTOM_RESOURCE}", "")
    before = inventory(of)

    answer = clone.agora("deploy", "dev", "--local", "--yes")
    assert answer.exit_code == 0, answer.stderr
    s3, sqs = of("s3"), of("sqs")
    web = variables(of("ecs"), "web")
    assert web["UPLOADS_BUCKET"] in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert web["ORDERS_QUEUE_URL"] in sqs.list_queues()["QueueUrls"]
    assert web["CACHE_URL"].startswith("rediss://shop-dev-cache")
    assert web["ORDERS_QUEUE_URL"] == variables(of("ecs"), "worker")["ORDERS_QUEUE_URL"]
    granted = rights(of("iam"), "shop-dev-web")
    assert f"arn:aws:s3:::{web['UPLOADS_BUCKET']}/*" in granted
    assert "sqs:SendMessage" in granted
    assert "sqs:ReceiveMessage" in rights(of("iam"), "shop-dev-worker")
    s3.put_object(Bucket=web["UPLOADS_BUCKET"], Key="order.pdf", Body=b"1")

    edit(clone, "max_receive_count=5", "max_receive_count=3")
    clone.edit_configuration(', Grant("orders", "send")', "")
    answer = clone.agora("diff", "dev", "--local")
    assert "maxReceiveCount" in answer.stdout
    assert "sqs:SendMessage" in answer.stdout
    answer = clone.agora("deploy", "dev", "--local", "--yes")
    assert answer.exit_code == 0, answer.stderr
    assert "update  shop-dev-orders" in answer.stderr
    assert "shop-dev-cache" not in answer.stderr
    assert "sqs:SendMessage" not in rights(of("iam"), "shop-dev-web")
    assert clone.agora("diagnose", "dev", "--local").exit_code == 0
    check_the_loss_of_a_volume(clone, of)

    answer = clone.agora("destroy", "dev", "--local", "--yes")
    assert answer.exit_code == 0, answer.stderr
    staying = {each.split()[1] for each in inventory(of) - before if each.startswith("cloudformation")}
    assert staying == {"shop-dev-storage", "shop-dev-files", "shop-dev-network"}, "the file system is in the network"
    assert s3.list_objects_v2(Bucket=web["UPLOADS_BUCKET"])["KeyCount"] == 1
    answer = clone.agora("destroy", "dev", "--local", "--yes", "--with-data")
    assert answer.exit_code == 0, answer.stderr
    assert inventory(of) == before
