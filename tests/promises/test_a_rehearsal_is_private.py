"""A rehearsal is for its owner: no other user and no web page reads it, changes it, or runs code by it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from portside.emulator.client import control, process
from portside.emulator.client.process import LocalAws
from portside.repository import ROOT
from tests.promises import browser
from tests.unit.local_aws_support import (
    REGION,
    SERVICE_OUTPUT,
    Account,
    account,
    embedded_aws,
    network,
    service,
)

__all__ = ["account", "embedded_aws", "network"]

CURL = shutil.which("curl")
ANOTHER_USER = 65534
HIDDEN = "a-value-that-no-one-else-sees"
# The default account.
DEFAULT_ACCOUNT = "000000000000"

as_another_user = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
with_curl = pytest.mark.skipif(CURL is None, reason="the Debian package curl is not installed")
with_chromium = pytest.mark.skipif(browser.CHROMIUM is None, reason="the Debian package chromium is not installed")


@pytest.fixture
def deployed(account: Account) -> Iterator[Account]:
    """A service behind the load balancer, and a secret."""
    outputs = account.outputs("network")
    account.client("secretsmanager").create_secret(Name="private", SecretString=HIDDEN)
    resources = service(behind=outputs["Targets"], subnet=outputs["Subnet"])
    assert account.deploy("private", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE", account.why_failed("private")
    yield account
    account.client("secretsmanager").delete_secret(SecretId="private", ForceDeleteWithoutRecovery=True)


def _ports(of: Account) -> dict[str, str]:
    """Every address at which something of a rehearsal listens, by what listens there."""
    (task,) = control.tasks(of.number, aws=of.aws)
    (balancer,) = control.load_balancers(of.number, aws=of.aws)
    control_url = of.aws.control_url.rpartition("/")[0]
    return {
        "gateway": of.aws.url,
        "control": control_url,
        "catalogue": of.aws.catalogue_url,
        "task": task["url"],
        "balancer": balancer["url"],
    }


def _state(of: Account) -> dict[str, Any]:
    """The resources of the account and of the default account."""
    found: dict[str, Any] = {"images": control.images(aws=of.aws), "faults": control.faults(aws=of.aws)}
    for number in (of.number, DEFAULT_ACCOUNT):
        each = Account(of.aws, number)
        found[number] = {
            "buckets": [bucket["Name"] for bucket in each.client("s3").list_buckets()["Buckets"]],
            "topics": each.client("sns").list_topics()["Topics"],
            "users": [user["UserName"] for user in each.client("iam").list_users()["Users"]],
            "secrets": sorted(one["Name"] for one in each.client("secretsmanager").list_secrets()["SecretList"]),
            "stacks": sorted(one["StackName"] for one in each.client("cloudformation").describe_stacks()["Stacks"]),
        }
    return found


# Requests that another client could send to the gateway, as curl options; each was answered once.
_TOPIC = ["-d", "Action=CreateTopic&Name=stolen&Version=2010-03-31"]
_CREDENTIAL = "Credential=111122223333/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
_INVENTED = ["-H", f"Authorization: AWS4-HMAC-SHA256 {_CREDENTIAL.format(service='sns')}"]
_LIST_SECRETS = ["-H", "X-Amz-Target: secretsmanager.ListSecrets", "-d", "{}"]
_SIGNED = ["--user", "111122223333:local", "--aws-sigv4"]
WAYS: Mapping[str, tuple[str, str, list[str]]] = {
    "the front page": ("gateway", "/", []),
    "its health": ("gateway", "/_ministack/health", []),
    "LocalStack's health": ("gateway", "/_localstack/health", []),
    "plain health": ("gateway", "/health", []),
    "a reset": ("gateway", "/_ministack/reset", ["-X", "POST"]),
    "a reset with init scripts": ("gateway", "/_ministack/reset?init=1", ["-X", "POST"]),
    "a setting": ("gateway", "/_ministack/config", ["-d", '{"lambda_svc.LAMBDA_EXECUTOR": "local"}']),
    "a function's code": ("gateway", "/_ministack/lambda-code/f", []),
    "functions": ("gateway", "/2015-03-31/functions", []),
    "a function that is called": ("gateway", "/2015-03-31/functions/f/invocations", ["-d", "{}"]),
    "a bucket": ("gateway", "/stolen", ["-X", "PUT"]),
    "a bucket by its host": ("gateway", "/", ["-X", "PUT", "-H", "Host: stolen.s3.amazonaws.com"]),
    "a topic": ("gateway", "/", _TOPIC),
    "a topic, with a made-up signature": ("gateway", "/", [*_TOPIC, *_INVENTED]),
    "a topic, signed with a guess": ("gateway", "/", [*_TOPIC, *_SIGNED, "aws:amz:us-east-1:sns"]),
    "secrets": ("gateway", "/", _LIST_SECRETS),
    "secrets, signed with a guess": ("gateway", "/", [*_LIST_SECRETS, *_SIGNED, "aws:amz:us-east-1:secretsmanager"]),
    "a session": ("gateway", "/?Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::111122223333:role/r", []),
    "a registry": ("gateway", "/v2/_catalog", []),
    "an answer for CloudFormation": ("gateway", "/_ministack/cfn-response/x", ["-X", "PUT", "-d", "{}"]),
    "a foreign host": ("gateway", "/", [*_TOPIC, "-H", "Host: evil.example"]),
    "a preflight": ("gateway", "/", ["-X", "OPTIONS", "-H", "Origin: http://evil.example"]),
    "a socket": ("gateway", "/", ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "--max-time", "2"]),
    "a TRACE": ("gateway", "/", ["-X", "TRACE"]),
    "control's health": ("control", "/health", []),
    "control's images": ("control", "/guess/images", []),
    "control's reset": ("control", "/guess/reset", ["-X", "POST"]),
    "control's reset without a token": ("control", "//reset", ["-X", "POST"]),
    "the registry": ("catalogue", "/v2/", []),
    "a token for pulling": ("catalogue", "/token?scope=repository:sage-bionetworks/agora-api:pull", []),
    "a token with a guess": ("catalogue", "/token", ["--user", "anyone:guess"]),
    "tags": ("catalogue", "/v2/sage-bionetworks/agora-api/tags/list", []),
    "tags with a guess": ("catalogue", "/v2/sage-bionetworks/agora-api/tags/list", ["-H", "Authorization: Bearer x"]),
    "packages": ("catalogue", "/orgs/sage-bionetworks/packages?package_type=container", []),
    "packages with a guess": (
        "catalogue",
        "/orgs/sage-bionetworks/packages?package_type=container",
        ["-H", "Authorization: Bearer ghp_guess"],
    ),
    "a task": ("task", "/health", []),
    "a task, by a guess": ("task", "/", ["-H", "x-task-token: guess"]),
}


def _as_another_user(*command: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    found = shutil.which(program)
    assert found, program
    return subprocess.run(
        # Where PATH leads through a folder of this user, another user can't follow.
        [os.path.realpath(found), *arguments],
        user=ANOTHER_USER,
        group=ANOTHER_USER,
        extra_groups=[],
        cwd="/",
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.e2e
@as_another_user
@with_curl
def test_another_user_gets_nothing_at_any_port_and_changes_nothing(deployed: Account) -> None:
    ports, before = _ports(deployed), _state(deployed)
    said = {}
    for way, (port, path, arguments) in WAYS.items():
        format_ = "\n%{http_code}"
        command = [str(CURL), "-si", "--max-time", "5", "--noproxy", "*", "-w", format_, *arguments]
        said[way] = _as_another_user(*command, ports[port] + path).stdout
    statuses = {way: text.rpartition("\n")[2] for way, text in said.items()}
    assert {way: status for way, status in statuses.items() if not status.startswith("4")} == {}
    for word in (HIDDEN, "private", '"tags"', '"name"', '"token"', "services", "access-control-"):
        assert [way for way, text in said.items() if word in text.lower()] == []
    assert _state(deployed) == before


@pytest.mark.e2e
@as_another_user
@with_curl
def test_only_the_load_balancer_answers_anyone(deployed: Account) -> None:
    url = _ports(deployed)["balancer"]
    assert json.loads(_as_another_user(str(CURL), "-s", f"{url}/health").stdout)["status"] == "ok"
    for header in ("Host: evil.example", "Origin: http://evil.example", "Sec-Fetch-Site: cross-site"):
        assert "agora-api" not in _as_another_user(str(CURL), "-s", "-H", header, f"{url}/health").stdout


@as_another_user
def test_another_user_reads_no_file_of_it_and_no_secret_in_the_list_of_processes(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    state_dir = tmp_path / "state"
    aws = process.up(state_dir, announce=lambda _: None)
    try:
        Account(aws, "111122223333").client("s3").create_bucket(Bucket="kept")
        Account(aws, "111122223333").client("s3").put_object(Bucket="kept", Key="a", Body=HIDDEN.encode())
    finally:
        seen = _as_another_user(
            "sh", "-c", f"cat /proc/{aws.pid}/cmdline /proc/{aws.pid}/environ | tr '\\0' ' '"
        ).stdout
        process.down(state_dir, lambda _: None)
    files = [each for each in state_dir.rglob("*") if each.is_file()]
    kept = HIDDEN.encode()
    assert any(
        configuration in each.read_bytes() for each in files for configuration in (kept, base64.b64encode(kept))
    ), "it is kept"
    for each in (state_dir, *state_dir.rglob("*")):
        assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0, each
    for each in files:
        assert _as_another_user("cat", str(each)).returncode != 0
    assert "portside.emulator.server" in seen
    for secret in (
        aws.secret,
        aws.account_secret("111122223333"),
        aws.images_token,
        aws.control_url.rpartition("/")[2],
    ):
        assert secret not in seen
        assert secret.encode() not in (state_dir / "server.log").read_bytes()


@pytest.mark.e2e
@with_chromium
def test_a_page_of_another_site_reads_nothing_and_changes_nothing(deployed: Account, tmp_path: Path) -> None:
    ports, before = _ports(deployed), _state(deployed)
    fields = {"Action": "CreateTopic", "Name": "stolen", "Version": "2010-03-31"}
    signed = {"Authorization": "AWS4-HMAC-SHA256 " + _CREDENTIAL.format(service="secretsmanager")}
    expected: dict[str, Any] = {
        "fields": fields,
        "json": {},
        "headers": signed | {"X-Amz-Target": "secretsmanager.ListSecrets"},
    }
    paths = {"gateway": ["/", "/_ministack/reset", "/stolen"], "control": ["/guess/reset"], "catalogue": ["/v2/"]}
    plan = [
        {"url": f"{url.replace('127.0.0.1', host)}{path}", **expected}
        for host in ("127.0.0.1", "localhost")
        for name, url in ports.items()
        for path in paths.get(name, ["/"])
    ]
    with browser.other_site() as site:
        reachable = browser.visit(
            site, browser.FOREIGN, [{"url": site.url("localhost", "/x"), **expected}], tmp_path / "a"
        )
        methods = {method for method, _ in site.asked}
        assert {each["way"] for each in reachable} >= {
            "GET",
            "POST of an HTML form",
            "PUT",
            "DELETE",
            "img",
            "script",
        }
        assert methods == {"GET", "POST", "PUT", "DELETE", "OPTIONS"}, "the page sends every method"
        assert {"websocket", "text/event-stream"} <= {asked for _, asked in site.asked}
        assert browser.visit(site, browser.FOREIGN, plan, tmp_path / "b") == []
        # Another port of this machine is another origin, though the same site.
        assert browser.visit(site, "localhost", plan[: len(plan) // 2], tmp_path / "c") == []
    assert _state(deployed) == before


@pytest.mark.e2e
@with_chromium
def test_a_name_that_is_rebound_to_this_machine_is_refused(deployed: Account, tmp_path: Path) -> None:
    shown = {}
    for name, url in _ports(deployed).items():
        port = url.rpartition(":")[2]
        shown[name] = browser.shown_at(f"http://{browser.REBOUND}:{port}/health", tmp_path / name)
    assert "is not this server" in shown["gateway"]
    assert "is not this server" in shown["balancer"]
    assert [name for name, text in shown.items() if "agora-api" in text or '"status"' in text] == []


def _client(aws: LocalAws, name: str) -> Any:
    number = "111122223333"
    return boto3.client(
        name,  # type: ignore[call-overload]
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id=number,
        aws_secret_access_key=aws.account_secret(number),
        config=Config(retries={"total_max_attempts": 1}),
    )


RUNS_CODE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "Lambda": ("lambda", lambda of: of.invoke(FunctionName="f")),
    "Glue": ("glue", lambda of: of.start_job_run(JobName="j")),
    "CodeBuild": ("codebuild", lambda of: of.start_build(projectName="p")),
    "Step Functions": ("stepfunctions", lambda of: of.list_state_machines()),
    "Batch": ("batch", lambda of: of.describe_job_queues()),
    "EMR": ("emr", lambda of: of.list_clusters()),
    "Pipes": ("pipes", lambda of: of.list_pipes()),
    "API Gateway": ("apigateway", lambda of: of.get_rest_apis()),
    "EKS": ("eks", lambda of: of.list_clusters()),
    "Firehose": ("firehose", lambda of: of.list_delivery_streams()),
    "Systems Manager's commands": (
        "ssm",
        lambda of: of.send_command(DocumentName="AWS-RunShellScript", InstanceIds=["i-1234567890abcdef0"]),
    ),
    "instances": ("ec2", lambda of: of.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)),
    "a log's subscription": (
        "logs",
        lambda of: of.put_subscription_filter(
            logGroupName="test-logs", filterName="f", filterPattern="", destinationArn="arn:aws:lambda:::function:f"
        ),
    ),
    "a web hook": (
        "sns",
        lambda of: of.subscribe(TopicArn=f"arn:aws:sns:{REGION}:111122223333:t", Protocol="http", Endpoint="http://x"),
    ),
    "a bucket's notifications": (
        "s3",
        lambda of: of.put_bucket_notification_configuration(Bucket="b", NotificationConfiguration={}),
    ),
}


@pytest.mark.parametrize("what", RUNS_CODE)
def test_services_that_run_code_or_call_out_are_refused_by_name(embedded_aws: LocalAws, what: str) -> None:
    name, call = RUNS_CODE[what]
    with pytest.raises(ClientError, match=r"the embedded AWS (does not serve|sends no messages)") as refused:
        call(_client(embedded_aws, name))
    assert refused.value.response["Error"]["Code"] == "UnsupportedOperation"


CODE_IN_TEMPLATES = {
    "Custom::Anything": {"ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:f"},
    "AWS::CloudFormation::CustomResource": {"ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:f"},
    "AWS::Lambda::Function": {"Handler": "index.handler", "Runtime": "python3.12", "Code": {"ZipFile": "x"}},
    "AWS::Serverless::Function": {"Handler": "index.handler"},
}


@pytest.mark.parametrize("kind", CODE_IN_TEMPLATES)
@pytest.mark.parametrize("with_change_set", [False, True])
def test_a_template_with_code_is_refused_by_name_before_anything_is_made(
    embedded_aws: LocalAws, kind: str, with_change_set: bool
) -> None:
    cloudformation = _client(embedded_aws, "cloudformation")
    resources = {"First": {"Type": "AWS::S3::Bucket"}, "Runs": {"Type": kind, "Properties": CODE_IN_TEMPLATES[kind]}}
    arguments = {"StackName": "with-code", "TemplateBody": json.dumps({"Resources": resources})}
    arguments["Capabilities"] = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]  # type: ignore[assignment]
    call = cloudformation.create_change_set if with_change_set else cloudformation.create_stack
    more = {"ChangeSetName": "c", "ChangeSetType": "CREATE"} if with_change_set else {}
    with pytest.raises(ClientError) as refused:
        call(**arguments, **more)
    assert f"Runs ({kind})" in refused.value.response["Error"]["Message"]
    assert "with-code" not in {each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]}


def test_no_answer_lets_a_page_read_it(embedded_aws: LocalAws) -> None:
    for name, call in (("s3", "list_buckets"), ("sts", "get_caller_identity"), ("ssm", "describe_parameters")):
        headers = getattr(_client(embedded_aws, name), call)()["ResponseMetadata"]["HTTPHeaders"]
        assert not {each for each in headers if each.startswith("access-control-")}


def test_the_process_itself_runs_no_program_and_reaches_no_other_machine() -> None:
    program = """
import os, socket, subprocess, urllib.request
from portside.emulator.gate import confinement
confinement.install()
import ministack.services.lambda_svc as functions
tries = {
    "program": lambda: subprocess.run(["true"]),
    "shell": lambda: os.system("true"),
    "fork": os.fork,
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "connect": lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
    "send": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    "name": lambda: socket.getaddrinfo("example.org", 80),
    "page": lambda: urllib.request.urlopen("http://192.0.2.1/", timeout=1),
    "listen": lambda: socket.create_server(("0.0.0.0", 0)),
    "function": lambda: functions.invoke(),
    "engine": lambda: __import__("docker"),
}
for name, attempt in tries.items():
    try:
        attempt()
    except (confinement.Confined, confinement.NotServed, ModuleNotFoundError):
        continue
    except OSError as error:
        if "the embedded AWS" in str(error):
            continue
        raise
    print(name)
socket.create_server(("127.0.0.1", 0)).close()
print("end")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["end"], "")


def test_it_listens_on_this_machine_only(embedded_aws: LocalAws) -> None:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {
        os.readlink(each).removeprefix("socket:[").rstrip("]")
        for each in Path(f"/proc/{embedded_aws.pid}/fd").iterdir()
        if os.path.lexists(each) and os.readlink(each).startswith("socket:")
    }
    listening = [each.split()[1] for each in lines if each.split()[3] == "0A" and each.split()[9] in inodes]
    assert len(listening) >= 3
    assert {socket.inet_ntoa(bytes.fromhex(each.partition(":")[0])[::-1]) for each in listening} == {"127.0.0.1"}
    assert not [each for each in Path("/proc/net/tcp6").read_text().splitlines()[1:] if each.split()[9] in inodes]
