"""A rehearsal loses nothing: what was deployed is there after any crash, or a line says what was lost.

One embedded AWS serves most tests; `benchmarks/kills.py` kills whole deployments at random moments.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from portside import state_file
from portside.cli.main import run
from portside.config.configuration import ROOT
from portside.emulator.client import connection, control, process
from portside.emulator.client.process import LocalAws
from portside.errors import UserError
from tests.unit.local_aws_support import Account

ACCOUNT, REGION = "607346494281", "us-east-1"


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the embedded AWS of a test keeps its state."""
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))
    folder = tmp_path / "state" / "local"
    yield folder
    try:
        process.down(folder, lambda _: None)
    except UserError:
        _kill(folder)


def started(state_dir: Path) -> tuple[LocalAws, list[str]]:
    said: list[str] = []
    return process.up(state_dir, announce=said.append), [each for each in said if not each.startswith("Starting")]


def client(aws: LocalAws, service: str) -> Any:
    session: Any = boto3.Session()
    return session.client(
        service,
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=aws.account_secret(ACCOUNT),
    )


def put(aws: LocalAws, value: str) -> None:
    client(aws, "ssm").put_parameter(Name="/agora/dev/last", Value=value, Type="String", Overwrite=True)


def found(aws: LocalAws) -> str | None:
    ssm = client(aws, "ssm")
    names = [each["Name"] for each in ssm.describe_parameters()["Parameters"]]
    return str(ssm.get_parameter(Name="/agora/dev/last")["Parameter"]["Value"]) if names else None


def _kill(state_dir: Path) -> None:
    os.kill(int((state_dir / "server.lock").read_text()), signal.SIGKILL)
    until = time.monotonic() + 10
    while process.is_alive(state_dir) and time.monotonic() < until:
        time.sleep(0.01)


def generations(state_dir: Path) -> list[Path]:
    return sorted((state_dir / "aws").glob("generation-*[0-9]"))


@pytest.mark.slow
def test_what_a_command_has_saved_is_there_after_kill_9_with_objects_and_all(state_dir: Path) -> None:
    aws, _ = started(state_dir)
    put(aws, "first")
    client(aws, "s3").create_bucket(Bucket="assets")
    client(aws, "s3").put_object(Bucket="assets", Key="template.json", Body=b"\x00binary\xff")
    assert control.save(aws=aws) is True
    assert control.save(aws=aws) is False, "what has not changed is not written again"
    _kill(state_dir)
    aws, said = started(state_dir)
    assert said == []
    assert found(aws) == "first"
    assert client(aws, "s3").get_object(Bucket="assets", Key="template.json")["Body"].read() == b"\x00binary\xff"


TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
CLUSTER = {
    "Engine": "aurora-postgresql",
    "MasterUsername": "jane",
    "MasterUserPassword": "a-password",
    "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 2},
}
CACHE = {"ServerlessCacheName": "orders", "Engine": "valkey"}
OWN_RESOURCES: dict[str, dict[str, Any]] = {
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Table": {"Type": "AWS::DynamoDB::Table", "Properties": TABLE},
    "Cache": {"Type": "AWS::ElastiCache::ServerlessCache", "Properties": CACHE},
    "Files": {"Type": "AWS::EFS::FileSystem"},
    "Rule": {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(1 hour)"}},
    "Cluster": {"Type": "AWS::RDS::DBCluster", "DeletionPolicy": "Delete", "Properties": CLUSTER},
}


@pytest.mark.slow
def test_resources_of_every_service_and_their_content_are_there_after_kill_9(state_dir: Path) -> None:
    account = Account(started(state_dir)[0], ACCOUNT)
    outputs = {name: {"Ref": name} for name in OWN_RESOURCES}
    assert account.deploy("own", OWN_RESOURCES, outputs) == "CREATE_COMPLETE", account.why_failed("own")
    names = account.outputs("own")
    account.client("sqs").send_message(QueueUrl=names["Queue"], MessageBody="hello")
    account.client("dynamodb").put_item(TableName=names["Table"], Item={"id": {"S": "1"}})
    control.save(aws=account.aws)
    _kill(state_dir)
    account = Account(started(state_dir)[0], ACCOUNT)
    queue = names["Queue"].replace(names["Queue"].split("/")[2], account.aws.url.split("/")[2])
    assert account.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    assert account.client("dynamodb").get_item(TableName=names["Table"], Key={"id": {"S": "1"}})["Item"]
    (cluster,) = account.client("rds").describe_db_clusters()["DBClusters"]
    assert cluster["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 2}
    (cache,) = account.client("elasticache").describe_serverless_caches()["ServerlessCaches"]
    assert cache["Endpoint"]["Address"].endswith(".cache.amazonaws.com")
    assert len(account.client("efs").describe_file_systems()["FileSystems"]) == 1
    assert len(account.client("events").list_rules()["Rules"]) == 1
    changed = OWN_RESOURCES | {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}}
    assert account.deploy("own", changed, outputs) == "UPDATE_COMPLETE", account.why_failed("own")
    account.delete("own")


@pytest.mark.slow
def test_what_was_not_saved_yet_is_reported_in_a_line(state_dir: Path) -> None:
    aws, _ = started(state_dir)
    put(aws, "first")
    control.save(aws=aws)
    put(aws, "second")
    _kill(state_dir)
    aws, said = started(state_dir)
    assert found(aws) == "first"
    assert len(said) == 1
    assert said[0].startswith("The embedded AWS ended before it had saved everything: changes after ")


def _make_a_folder_of(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2) if path.exists() else path.write_text("{"),
    "empty": lambda path: path.write_bytes(b""),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe\x00\xff"),
    "another kind of JSON": lambda path: path.write_text('"text"\n'),
    "a folder": _make_a_folder_of,
}
SERVER_FILES = ("images.json", "faults.json", "catalogue-faults.json", "secret", "server.json", "unsaved", "generation")


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damaged_file_of_the_server_is_repaired_at_its_start_or_said_in_a_sentence(
    state_dir: Path, damage: str
) -> None:
    aws, _ = started(state_dir)
    put(aws, "first")
    control.put_image("ghcr.io/a/b:1", source="published", aws=aws)
    control.save(aws=aws)
    put(aws, "second")
    control.save(aws=aws)
    for name in SERVER_FILES:
        process.down(state_dir, lambda _: None)
        path = {"generation": generations(state_dir)[-1], "unsaved": state_dir / "aws" / "unsaved"}.get(name)
        path = path or state_dir / name
        DAMAGES[damage](path)
        refused: UserError | None = None
        try:
            aws, said = started(state_dir)
        except UserError as error:
            refused = error
        if refused:
            assert "\n" not in refused.message, f"{name}: one sentence"
            assert str(state_dir) in refused.message, f"{name}: it names the file"
            assert refused.hint, f"{name}: with its fix"
            state_file.delete(path)
            aws, said = started(state_dir)
        assert found(aws) in ("first", "second"), name
        assert all("\n" not in each for each in said)
        if name == "generation":
            assert any("is used: later changes are lost" in each for each in said), said
        if name in ("images.json", "faults.json", "catalogue-faults.json"):
            assert any("moved to" in each for each in said), f"{name}: {said}"


_MORE_DAMAGES = ("a pipe", "a link to itself", "a link to nothing", "much too large", "deep")
TOOL_FILES = {
    "dev-local.lock": ["deploy", "dev", "--local", "--dry-run"],
    "local/pins.json": ["images", "dev", "--local"],
    "local/images/dev.json": ["images", "dev", "--local"],
    "local/server.json": ["local", "status"],
    "local/server.lock": ["local", "status"],
    "local/up.lock": ["local", "down"],
    "local": ["local", "up"],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [*DAMAGES, "a pipe", "a link to itself", "a link to nothing", "much too large", "deep"]
)
@pytest.mark.parametrize("file", TOOL_FILES)
def test_each_damaged_file_of_the_tool_gives_a_sentence_or_is_made_again(
    tmp_path: Path, file: str, damage: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if damage == "a pipe":
        os.mkfifo(path)
    elif damage.startswith("a link"):
        path.symlink_to(path.name if damage == "a link to itself" else str(tmp_path / "nowhere" / "at all"))
    elif damage == "much too large":
        path.touch()
        os.truncate(path, 3 * 2**30)
    elif damage == "deep":
        path.write_text("[" * 200_000)
    else:
        DAMAGES[damage](path)
    environment = os.environ | {"AGORA_STATE_DIR": str(tmp_path), "AGORA_LOCAL_TIME_SCALE": "0"}
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_A_SERVER, *TOOL_FILES[file]],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode in (0, 1), ended.stderr
    assert "Traceback" not in ended.stderr
    assert "mistake in ./agora" not in ended.stderr
    if ended.returncode:
        assert ended.stderr.strip() or ended.stdout.strip()


# Commands that would start a server say that they would.
_WITHOUT_A_SERVER = """
import sys
from portside.emulator.client import process
from portside.errors import UserError
def start(state_dir):
    raise UserError("would start", "in a test")
process._start = start
from portside.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_server_that_dies_ends_the_command_within_2_seconds_and_says_what_its_log_had(
    state_dir: Path, tmp_path: Path
) -> None:
    started(state_dir)
    waiting = subprocess.Popen(
        [sys.executable, "-c", _WAITING],
        cwd=ROOT,
        env=os.environ | {"AGORA_STATE_DIR": str(tmp_path / "state")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "waiting\n"
    (state_dir / "server.log").write_text("the last words of the server\n")
    _kill(state_dir)
    died = time.monotonic()
    _, said = waiting.communicate(timeout=30)
    assert time.monotonic() - died < 2
    assert waiting.returncode == 1
    assert "the embedded AWS (process " in said
    assert "died while this command ran" in said
    assert "the last words of the server" in said
    assert "Run the same command again" in said


# A command in the midst of a long wait for AWS.
_WAITING = """
import sys, time
from portside.emulator.client import connection, process
from portside.cli import main as command_line
from portside.aws.target import local_state_dir
connection.end_commands_with_their_server()
def wait(_):
    connection.use(process.running(local_state_dir()))
    print("waiting", flush=True)
    time.sleep(60)
command_line._run = wait
sys.exit(command_line.run(["deploy", "dev", "--local"]))
"""


@pytest.mark.slow
def test_a_save_that_finds_no_room_is_the_commands_error_and_loses_nothing(state_dir: Path) -> None:
    aws, _ = started(state_dir)
    put(aws, "first")
    control.save(aws=aws)
    [saved] = generations(state_dir)
    unlimited = resource.prlimit(aws.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(aws.pid, resource.RLIMIT_FSIZE, (1000, unlimited[1]))
    put(aws, "second")
    connection.begin()
    connection.use(aws)
    with pytest.raises(UserError, match="the saved state of the embedded AWS could not be written") as raised:
        connection.finish()
    assert "Free space" in raised.value.hint
    assert generations(state_dir) == [saved]
    resource.prlimit(aws.pid, resource.RLIMIT_FSIZE, unlimited)
    assert control.save(aws=aws) is True
    _kill(state_dir)
    aws, _ = started(state_dir)
    assert found(aws) == "second"


@pytest.mark.slow
def test_reset_asks_and_a_closed_stdin_is_a_no(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws, _ = started(state_dir)
    put(aws, "first")
    with open(os.devnull) as closed:
        monkeypatch.setattr(sys, "stdin", closed)
        assert run(["local", "reset"]) == 1
    assert found(aws) == "first"
    assert run(["local", "reset", "--yes"]) == 0
    assert found(aws) is None
    _kill(state_dir)
    aws, said = started(state_dir)
    assert (found(aws), said) == (None, []), "what was reset does not come back"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_while_it_saves_it_comes_back_with_one_whole_state(state_dir: Path, seed: int) -> None:
    chance = random.Random(seed)
    aws, _ = started(state_dir)
    for _ in range(3):
        number = len(buckets(aws))
        put(aws, str(number))
        client(aws, "s3").create_bucket(Bucket=f"bucket-{number}")
        saving = subprocess.Popen([sys.executable, "-c", _SAVE], cwd=ROOT)
        time.sleep(chance.uniform(0.1, 0.6))
        _kill(state_dir)
        saving.wait(30)
        aws, _ = started(state_dir)
        before = None if number == 0 else str(number - 1)
        # On a slow machine the pause between the two calls may be saved too.
        possible = [(before, number), (str(number), number), (str(number), number + 1)]
        assert (found(aws), len(buckets(aws))) in possible, "parameter and bucket are of one moment"


def buckets(aws: LocalAws) -> list[Any]:
    return list(client(aws, "s3").list_buckets()["Buckets"])


_SAVE = """
import contextlib
from portside.emulator.client import control
from portside.errors import UserError
with contextlib.suppress(UserError, OSError):
    control.save()
"""
