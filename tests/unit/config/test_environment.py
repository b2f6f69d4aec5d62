"""The environments of the configuration: what is wrong with them, and what becomes of those that are right."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.config.environment import Bastion, DatabaseOrigin, Environment
from portside.config.environment_values import vpc_cidr
from portside.config.mistakes import Report
from portside.errors import Problem
from tests.unit.configuration_support import (
    CERTIFICATE_ID,
    OMITTED,
    WAIVED,
    check_configuration,
    environment_problems,
    environments,
    one_service,
    problems_of,
)

ACCOUNT_HINT = 'Use 12 digits in quotes; "aws sts get-caller-identity --query Account" prints your account.'
CIDR_HINT = 'For example: "10.254.172.0/24".'
FQDN_HINT = 'Use the host name of the site, such as "app-dev.example.org".'
CERTIFICATE_HINT = 'Copy its id or ARN from AWS Certificate Manager, such as "0e9682f6-3ffa-46fb-9671-b6349f5164d6".'
TAGS_HINT = 'Set at least the cost center: {"CostCenter": "NO PROGRAM / 000000"}.'
TAG_NAME_HINT = "Use 1 to 128 letters, digits, spaces and _.:/=+-@."
TAG_VALUE_HINT = "Use 1 to 256 letters, digits, spaces and _.:/=+-@."
VERSION_HINT = 'Use the tag of the images: "edge", or a release such as "4.2.0-rc2".'
CAPACITY_HINT = "Use 1 to 5000, the number of tasks of each service."
BASTION_HINT = 'Use {"KEY_NAME": "my-key", "AMI_ID": "ami-…"}, or remove BASTION.'
FOREIGN_HINT = "Create a certificate in the account and region of the load balancer."


def arn(*, account: str = "607346494281", region: str = "us-east-1") -> str:
    return f"arn:aws:acm:{region}:{account}:certificate/{CERTIFICATE_ID}"


def parsed(name: str = "dev", **changes: Any) -> Environment:
    return check_configuration(environments(**{name: changes}), one_service).environment(name)


# The key, what is written there, where the mistake is reported to be, what is wrong, what to do.
WRONG: list[tuple[str, Any, str, str, str]] = [
    ("ACCOUNT", OMITTED, "", "missing", ACCOUNT_HINT),
    ("ACCOUNT", None, "", "not a text, got None", ACCOUNT_HINT),
    ("ACCOUNT", "", "", "empty, got ''", ACCOUNT_HINT),
    ("ACCOUNT", 607346494281, "", "not a text, got 607346494281", ACCOUNT_HINT),
    ("ACCOUNT", "6073-4649-4281", "", "not an AWS account number, got '6073-4649-4281'", ACCOUNT_HINT),
    (
        "ACCOUNT",
        "\uff1607346494281",
        "",
        "not an AWS account number, got '\uff1607346494281'",
        ACCOUNT_HINT,
    ),
    ("VPC_CIDR", OMITTED, "", "missing", 'Add the addresses of the network, such as "10.254.172.0/24".'),
    ("VPC_CIDR", ["10.0.0.0/24"], "", "not a text, got ['10.0.0.0/24']", CIDR_HINT),
    ("VPC_CIDR", "10.0/24", "", "not an IPv4 network, got '10.0/24'", CIDR_HINT),
    ("VPC_CIDR", " 10.0.0.0/24", "", "not an IPv4 network, got ' 10.0.0.0/24'", CIDR_HINT),
    ("VPC_CIDR", "fd00::/24", "", "not an IPv4 network, got 'fd00::/24'", CIDR_HINT),
    ("VPC_CIDR", "10.0.0.0/33", "", "not an IPv4 network, got '10.0.0.0/33'", CIDR_HINT),
    ("VPC_CIDR", "10.0.0.0", "", "an address without the size of a network, got '10.0.0.0'", CIDR_HINT),
    (
        "VPC_CIDR",
        "10.0.0.5/24",
        "",
        "an address inside a network, not the network itself, got '10.0.0.5/24'",
        'Use "10.0.0.0/24".',
    ),
    (
        "VPC_CIDR",
        "10.0.0.0/255.255.255.0",
        "",
        "a network not in CIDR notation, got '10.0.0.0/255.255.255.0'",
        'Use "10.0.0.0/24".',
    ),
    (
        "VPC_CIDR",
        "8.8.8.0/24",
        "",
        "not private addresses, got '8.8.8.0/24'",
        "Use addresses in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
    ),
    ("VPC_CIDR", "10.0.0.0/15", "", "larger than /16, the largest VPC, got '10.0.0.0/15'", CIDR_HINT),
    (
        "VPC_CIDR",
        "10.0.0.0/26",
        "",
        "too small: a load balancer needs /27 in each of the four subnets, so the VPC needs /25, got '10.0.0.0/26'",
        CIDR_HINT,
    ),
    ("FQDN", "app", "", "not a host name in lowercase, got 'app'", FQDN_HINT),
    (
        "FQDN",
        "App.Example.org",
        "",
        "not a host name in lowercase, got 'App.Example.org'",
        'Use "app.example.org".',
    ),
    ("FQDN", "https://a.b.org/", "", "not a host name in lowercase, got 'https://a.b.org/'", 'Use "a.b.org".'),
    ("FQDN", "a_b.org", "", "not a host name in lowercase, got 'a_b.org'", FQDN_HINT),
    ("FQDN", "10.0.0.1", "", "not a host name in lowercase, got '10.0.0.1'", FQDN_HINT),
    ("CERTIFICATE_ID", "e8093404", "", "neither the id nor the ARN of a certificate, got 'e8093404'", CERTIFICATE_HINT),
    ("CERTIFICATE_ID", 5, "", "not a text, got 5", CERTIFICATE_HINT),
    (
        "CERTIFICATE_ID",
        arn(account="681175625864"),
        "",
        "a certificate of another account than the environment's, 607346494281, got '681175625864'",
        FOREIGN_HINT,
    ),
    (
        "CERTIFICATE_ID",
        arn(region="eu-west-1"),
        "",
        "a certificate of another region than the environment's, us-east-1, got 'eu-west-1'",
        FOREIGN_HINT,
    ),
    ("TAGS", None, "", "not a mapping, got None", TAGS_HINT),
    ("TAGS", {}, "", "empty, got {}", TAGS_HINT),
    ("TAGS", {"": "x"}, '[""]', "a tag's name is empty, got ''", TAG_NAME_HINT),
    ("TAGS", {5: "x"}, "[5]", "a tag's name is not a text, got 5", TAG_NAME_HINT),
    ("TAGS", {"a": ""}, '["a"]', "a tag's value is empty, got ''", TAG_VALUE_HINT),
    ("TAGS", {"a": 5}, '["a"]', "a tag's value is not a text, got 5", TAG_VALUE_HINT),
    ("TAGS", {"a": "x" * 257}, '["a"]', "a tag's value is longer than 256 characters, got 257", TAG_VALUE_HINT),
    ("TAGS", {"a": "x\ty!"}, '["a"]', "AWS rejects '\\t' '!' in a tag's value, got 'x\\ty!'", TAG_VALUE_HINT),
    (
        "TAGS",
        {"aws:a": "x"},
        '["aws:a"]',
        "a tag's name begins with aws:, which AWS reserves, got 'aws:a'",
        "Use another prefix.",
    ),
    ("TAGS", {"a ": "x"}, '["a "]', "a tag's name begins or ends with a space, got 'a '", "Remove the space."),
    (
        "TAGS",
        {"Owner": "x", "owner": "y"},
        '["owner"]',
        "only differs in case from \"Owner\", which IAM rejects, got 'owner'",
        "Keep one of them.",
    ),
    (
        "TAGS",
        {str(number): "x" for number in range(48)},
        "",
        "more than 46: AWS allows 50, with the tags of the CDK and of this tool, got 48",
        "Remove some.",
    ),
    ("GHCR_PACKAGE_VERSION", "a b", "", "not a valid tag of an image, got 'a b'", VERSION_HINT),
    (
        "GHCR_PACKAGE_VERSION",
        "agora/v4.0.0-rc3",
        "",
        "a git tag: the tags of images have no prefix, got 'agora/v4.0.0-rc3'",
        'Use "4.0.0-rc3".',
    ),
    (
        "GHCR_PACKAGE_VERSION",
        "agora/release/v4.0.0",
        "",
        "a git tag: the tags of images have no prefix, got 'agora/release/v4.0.0'",
        'Use the release candidate of the same commit, such as "4.0.0-rc1".',
    ),
    ("AUTO_SCALE_CAPACITY", [1, 2], "", "not a mapping, got [1, 2]", 'Use {"min": 1, "max": 2}.'),
    (
        "AUTO_SCALE_CAPACITY",
        {"min": 1},
        '["max"]',
        "missing",
        'Set the number of tasks of each service: {"min": 1, "max": 2}.',
    ),
    ("AUTO_SCALE_CAPACITY", {"min": True, "max": 1}, '["min"]', "not a whole number, got True", CAPACITY_HINT),
    ("AUTO_SCALE_CAPACITY", {"min": 1, "max": "2"}, '["max"]', "not a whole number, got '2'", CAPACITY_HINT),
    ("AUTO_SCALE_CAPACITY", {"min": 0, "max": 1}, '["min"]', "not from 1 to 5000, got 0", CAPACITY_HINT),
    ("AUTO_SCALE_CAPACITY", {"min": 3, "max": 2}, '["min"]', 'above "max", got 3', "Use at most 2, or increase it."),
    ("AUTO_SCALE_CAPACITY", {"min": 1, "maxi": 2, "max": 2}, '["maxi"]', "unknown key", 'Did you mean "max"?'),
    (
        "REGION",
        "us-eats-1",
        "",
        "not a commercial AWS region that has ECS, got 'us-eats-1'",
        'Did you mean "us-east-1"?',
    ),
    (
        "REGION",
        "moon-1",
        "",
        "not a commercial AWS region that has ECS, got 'moon-1'",
        'Use a name such as "us-east-1".',
    ),
    ("NAT_GATEWAYS", 3, "", "not from 1 to 2, got 3", "Use 1, or 2 for one in each zone."),
    (
        "DATABASE_STACK",
        "network",
        "",
        "not a name for the database's stack, got 'network'",
        'For example: "docdb-v8".',
    ),
    (
        "DATABASE_INSTANCE_CLASS",
        "m5.large",
        "",
        "not an instance class of DocumentDB, got 'm5.large'",
        'Did you mean "r5.large"?',
    ),
    (
        "DATABASE_INSTANCES",
        17,
        "",
        "not from 1 to 16, got 17",
        "Use 1 to 16, the number of instances of the cluster.",
    ),
    (
        "DATABASE_USERNAME",
        "admin",
        "",
        "not a valid user name of DocumentDB, got 'admin'",
        'Use up to 63 letters and digits that begin with a letter, such as "master".',
    ),
    ("DATABASE_NAME", "a.b", "", "not a valid name of a database, got 'a.b'", 'For example: "my_app".'),
    (
        "DATABASE_PORT",
        1149,
        "",
        "not from 1150 to 65535, got 1149",
        "Use a port that DocumentDB allows, such as 27017.",
    ),
    ("ECS_EXEC", "true", "", "neither True nor False, got 'true'", "Use True or False, without quotes."),
    ("KEEP_EXPORTS", 1, "", "neither True nor False, got 1", "Use True or False, without quotes."),
    ("BASTION", {"KEY_NAME": "k"}, '["AMI_ID"]', "missing", BASTION_HINT),
    (
        "BASTION",
        {"KEY_NAME": "k", "AMI_ID": "ubuntu"},
        '["AMI_ID"]',
        "not the id of an AMI, got 'ubuntu'",
        BASTION_HINT,
    ),
]


@pytest.mark.parametrize(("key", "value", "inside", "what", "hint"), WRONG)
def test_a_mistake_is_reported_with_its_place_the_value_and_what_to_do(
    key: str, value: Any, inside: str, what: str, hint: str
) -> None:
    assert environment_problems(**{key: value}) == [Problem(f'ENVIRONMENTS["dev"]["{key}"]{inside}', what, hint)]


def test_a_number_of_days_that_logs_are_not_kept_for_is_reported_with_the_valid_ones() -> None:
    (problem,) = environment_problems(LOG_RETENTION_DAYS=15)
    assert problem.what == "not a retention period of CloudWatch Logs, got 15"
    assert problem.hint.startswith("Use one of 1, 3, 5, 7, 14, 30,")


@pytest.mark.parametrize(
    ("written", "where", "what"),
    [
        ("team@example.org", "", "not a list, got 'team@example.org'"),
        (["team"], "[0]", "not an e-mail address, got 'team'"),
        (["team@example.org", 7], "[1]", "not a text, got 7"),
    ],
)
def test_who_is_notified_of_alarms_is_a_list_of_addresses(written: object, where: str, what: str) -> None:
    (problem,) = environment_problems(ALARM_EMAILS=written)
    assert (problem.where, problem.what) == (f'ENVIRONMENTS["dev"]["ALARM_EMAILS"]{where}', what)
    assert parsed(ALARM_EMAILS=["team@example.org"]).alarm_emails == ("team@example.org",)


def test_the_topic_of_alarms_is_known_without_asking_aws() -> None:
    assert parsed("dev").alarm_topic_arn == "arn:aws:sns:us-east-1:607346494281:agora-dev-alarms"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dev", ["ACCOUNT", "VPC_CIDR"]),
        ("stage", ["ACCOUNT", "VPC_CIDR", "TAGS", "GHCR_PACKAGE_VERSION"]),
        ("prod", ["ACCOUNT", "VPC_CIDR", "FQDN", "CERTIFICATE_ID", "TAGS", "GHCR_PACKAGE_VERSION"]),
    ],
)
def test_every_key_that_must_be_there_is_missed_in_the_order_of_the_configuration(
    name: str, expected: list[str]
) -> None:
    problems = problems_of({name: WAIVED if name == "prod" else {}})
    assert {problem.what for problem in problems} == {"missing"}
    assert [problem.where.split('"')[3] for problem in problems] == expected


def test_a_first_environment_needs_only_its_account_and_its_network() -> None:
    optional = ("FQDN", "CERTIFICATE_ID", "TAGS", "GHCR_PACKAGE_VERSION", "AUTO_SCALE_CAPACITY")
    omitted: dict[str, Any] = dict.fromkeys(optional, OMITTED)
    first = parsed(**omitted)
    assert (first.fqdn, first.certificate_arn, first.tags, first.ghcr_package_version) == ("", "", {}, "latest")
    assert (first.auto_scale_min, first.auto_scale_max) == (1, 2)
    assert (first.url, first.service_namespace) == ("", "agora-dev.internal")
    assert "HTTP only" in first.unencrypted


def test_more_tasks_run_by_default_outside_development() -> None:
    stage = parsed("stage", AUTO_SCALE_CAPACITY=OMITTED)
    assert (stage.auto_scale_min, stage.auto_scale_max) == (2, 4)


def test_the_address_of_a_site_is_http_until_it_has_a_certificate() -> None:
    assert parsed().url == "https://dev.example.org"
    assert parsed().unencrypted == ""
    assert parsed(CERTIFICATE_ID=OMITTED).url == "http://dev.example.org"


def test_a_certificate_needs_the_name_that_it_is_for() -> None:
    (problem,) = environment_problems(FQDN=OMITTED)
    assert (problem.where, problem.what) == ('ENVIRONMENTS["dev"]["FQDN"]', "missing, which the certificate is for")


def test_a_namespace_can_stay_when_a_host_name_comes() -> None:
    assert parsed().service_namespace == "dev.example.org"
    assert parsed(NAMESPACE="agora-dev.internal").service_namespace == "agora-dev.internal"


def test_all_mistakes_of_all_environments_are_reported_at_once() -> None:
    problems = problems_of(environments(dev={"ACCOUNT": 5, "FQDN": ""}, prod={"TAGS": []}))
    assert [problem.where for problem in problems] == [
        'ENVIRONMENTS["dev"]["ACCOUNT"]',
        'ENVIRONMENTS["dev"]["FQDN"]',
        'ENVIRONMENTS["prod"]["TAGS"]',
    ]


def test_a_misspelt_key_is_reported_once_and_its_value_is_checked() -> None:
    assert environment_problems(VPC_CIDR=OMITTED, VPC_CIRD="10.0.0.0") == [
        Problem('ENVIRONMENTS["dev"]["VPC_CIRD"]', "unknown key", 'Did you mean "VPC_CIDR"?'),
        Problem(
            'ENVIRONMENTS["dev"]["VPC_CIDR"]',
            "an address without the size of a network, got '10.0.0.0'",
            CIDR_HINT,
        ),
    ]


@pytest.mark.parametrize(
    ("configuration", "where", "what"),
    [
        (None, "ENVIRONMENTS", "not a mapping, got None"),
        ([], "ENVIRONMENTS", "not a mapping, got []"),
        ({}, "ENVIRONMENTS", "empty, got {}"),
        ({"dev": "10.0.0.0/24"}, 'ENVIRONMENTS["dev"]', "not a mapping, got '10.0.0.0/24'"),
        ({"dev": None}, 'ENVIRONMENTS["dev"]', "not a mapping, got None"),
    ],
)
def test_what_is_no_environment_is_reported(configuration: object, where: str, what: str) -> None:
    assert [(problem.where, problem.what) for problem in problems_of(configuration)] == [(where, what)]


@pytest.mark.parametrize("name", ["Dev", "", "a-b", "1st", 5, None, "x" * 17, "é"])
def test_a_name_that_stacks_cannot_carry_is_reported(name: object) -> None:
    (problem,) = problems_of({name: environments(dev={})["dev"]})
    assert problem.what == f"not a name for an environment, got {name!r}"


def test_environments_must_not_share_addresses_even_in_part() -> None:
    assert problems_of(environments(dev={"VPC_CIDR": "10.254.172.0/22"}, prod={})) == [
        Problem(
            'ENVIRONMENTS["prod"]["VPC_CIDR"]',
            "overlaps with 10.254.172.0/22 of \"dev\", got '10.254.173.0/24'",
            "Use addresses that no other network of the organisation has.",
        )
    ]


def test_environments_must_not_share_a_host_name() -> None:
    assert problems_of(environments(dev={"FQDN": "a.org"}, prod={"FQDN": "a.org"})) == [
        Problem(
            'ENVIRONMENTS["prod"]["FQDN"]',
            "the same as that of \"dev\", got 'a.org'",
            "Use a separate host name for each environment.",
        )
    ]


@pytest.mark.parametrize("name", ["stage", "prod"])
@pytest.mark.parametrize("tag", ["edge", "latest", "sha-0123abc"])
def test_a_released_environment_names_no_tag_that_moves(name: str, tag: str) -> None:
    assert problems_of(environments(**{name: {"GHCR_PACKAGE_VERSION": tag}})) == [
        Problem(
            f'ENVIRONMENTS["{name}"]["GHCR_PACKAGE_VERSION"]',
            f"a tag that moves from image to image, got '{tag}'",
            f'Use the release for {name}, such as "4.2.0-rc2".',
        )
    ]


def test_dev_may_follow_edge() -> None:
    assert parsed(GHCR_PACKAGE_VERSION="edge").ghcr_package_version == "edge"


# The private networks and their neighbours, so that both sides of every border are tried.
NEAR_PRIVATE = st.sampled_from(["9.255.0.0", "10.0.0.0", "10.255.0.0", "172.15.0.0", "172.31.0.0", "192.168.0.0"])


@given(NEAR_PRIVATE, st.integers(0, 2**17), st.integers(0, 10), st.integers(8, 32))
def test_a_network_is_taken_exactly_where_a_vpc_can_have_it(base: str, offset: int, zeros: int, bits: int) -> None:
    first = int(ipaddress.IPv4Address(base)) + (offset >> zeros << zeros)
    last = first + 2 ** (32 - bits) - 1
    written = f"{ipaddress.IPv4Address(first)}/{bits}"
    octets = [first >> 24, first >> 16 & 255, last >> 24, last >> 16 & 255]
    private = (
        (octets[0] == octets[2] == 10)
        or (octets[0] == octets[2] == 172 and 16 <= octets[1] <= octets[3] <= 31)
        or (octets == [192, 168, 192, 168])
    )
    network = ipaddress.IPv4Network((first, bits), strict=False)
    is_taken = any(network.overlaps(ipaddress.IPv4Network(each)) for each in ("10.1.0.0/16", "172.17.0.0/16"))
    right = first % 2 ** (32 - bits) == 0 and private and 16 <= bits <= 25 and not is_taken
    report = Report("x")
    assert vpc_cidr(written, report) == (written if right else None)
    assert len(report.problems) == (not right)


@pytest.mark.parametrize("written", [CERTIFICATE_ID, arn()])
def test_a_certificate_is_named_by_its_id_or_its_arn(written: str) -> None:
    assert parsed(CERTIFICATE_ID=written).certificate_arn == arn()


def test_a_certificate_is_checked_in_the_environments_own_region() -> None:
    assert parsed(REGION="eu-west-1").certificate_arn == arn(region="eu-west-1")


def test_the_keys_become_attributes() -> None:
    environment = parsed(
        AUTO_SCALE_CAPACITY={"min": 2, "max": 4},
        BASTION={"KEY_NAME": "k", "AMI_ID": "ami-074a6fac5773fe883"},
        DATABASE_PORT=27018,
        LOG_RETENTION_DAYS=30,
    )
    assert (environment.account, environment.fqdn) == ("607346494281", "dev.example.org")
    assert (environment.auto_scale_min, environment.auto_scale_max) == (2, 4)
    assert environment.bastion == Bastion("k", "ami-074a6fac5773fe883", "t3.micro")
    assert (environment.database_port, environment.log_retention_days) == (27018, 30)


def test_what_is_omitted_is_as_an_environment_of_that_name_needs_it() -> None:
    dev, prod = parsed("dev"), parsed("prod")
    assert (dev.nat_gateways, dev.ecs_exec, dev.is_released) == (1, True, False)
    assert (prod.nat_gateways, prod.ecs_exec, prod.is_released) == (2, False, True)
    assert (dev.region, dev.bastion, dev.database_instances) == ("us-east-1", None, 1)


def test_what_is_given_is_taken_over_what_the_name_suggests() -> None:
    prod = parsed("prod", NAT_GATEWAYS=1, ECS_EXEC=True)
    assert (prod.nat_gateways, prod.ecs_exec) == (1, True)


def test_a_stack_is_named_after_its_environment() -> None:
    assert parsed("stage").stack_name("load-balancer") == "agora-stage-load-balancer"


RESTORED = {"CLUSTER": "agora-dev-old", "TIME": "2026-11-20T10:00:00Z"}
BESIDE = 'ENVIRONMENTS["dev"]["DATABASES"]'
MOMENT_HINT = 'Use a time in UTC, such as "2026-11-20T10:00:00Z", or "latest".'


def test_databases_next_to_the_first_are_named_with_their_origins() -> None:
    databases = {
        "docdb-v8-restored": RESTORED,
        "docdb-v8-now": RESTORED | {"TIME": "latest"},
        "docdb-v9": {"SNAPSHOT": "rds:agora-dev-old-2026-11-20", "ENGINE_VERSION": "9.0.0"},
        "docdb-v10": {"ENGINE_VERSION": "10.1.0"},
    }
    environment = parsed(DATABASES=databases, DATABASE_STACK="docdb-v9")
    assert environment.databases == {
        "docdb-v8-restored": DatabaseOrigin(cluster="agora-dev-old", time="2026-11-20T10:00:00Z"),
        "docdb-v8-now": DatabaseOrigin(cluster="agora-dev-old", time="latest"),
        "docdb-v9": DatabaseOrigin(snapshot="rds:agora-dev-old-2026-11-20", engine_version="9.0.0"),
        "docdb-v10": DatabaseOrigin(engine_version="10.1.0"),
    }
    assert environment.database_stacks == ("docdb-v9", "docdb-v8-restored", "docdb-v8-now", "docdb-v10")
    assert [each.is_restored for each in environment.databases.values()] == [True, True, True, False]


def test_an_environment_has_one_database_unless_more_are_configured() -> None:
    assert parsed().database_stacks == ("docdb-v8",)


@pytest.mark.parametrize(
    ("databases", "inside", "what", "hint"),
    [
        (["docdb-v9"], "", "not a mapping, got ['docdb-v9']", "For example: "),
        ({"docdb-v8": RESTORED}, '["docdb-v8"]', "the first database, which was created empty", "into another stack"),
        ({"mongo": RESTORED}, '["mongo"]', "not a name for the database's stack, got 'mongo'", "docdb-v8"),
        ({"docdb-x": {}}, '["docdb-x"]', "empty", "For example: "),
        ({"docdb-x": "old"}, '["docdb-x"]', "not a mapping, got 'old'", "For example: "),
        ({"docdb-x": {"CLUSTER": "old"}}, '["docdb-x"]["TIME"]', "missing", MOMENT_HINT),
        ({"docdb-x": {"TIME": "latest"}}, '["docdb-x"]["CLUSTER"]', "missing", "describe-db-clusters"),
        ({"docdb-x": RESTORED | {"SNAPSHOT": "s"}}, '["docdb-x"]', "has both CLUSTER and SNAPSHOT", "Remove one"),
        (
            {"docdb-x": RESTORED | {"CLUSTER": "Old--"}},
            '["docdb-x"]["CLUSTER"]',
            "not the identifier of a cluster, got 'Old--'",
            "describe-db-clusters",
        ),
        (
            {"docdb-x": {"SNAPSHOT": "a b"}},
            '["docdb-x"]["SNAPSHOT"]',
            "neither the identifier nor the ARN",
            "snapshots",
        ),
        (
            {"docdb-x": {"ENGINE_VERSION": "5.0.0"}},
            '["docdb-x"]["ENGINE_VERSION"]',
            "not an engine of DocumentDB 8 or later, got '5.0.0'",
            'Use "8.0.0" or later.',
        ),
        ({"docdb-x": RESTORED | {"TIMES": "x"}}, '["docdb-x"]["TIMES"]', "unknown key", 'Did you mean "TIME"?'),
    ],
)
def test_a_mistake_in_a_databases_origin_is_reported_with_its_place(
    databases: Any, inside: str, what: str, hint: str
) -> None:
    [problem] = environment_problems(DATABASES=databases)
    assert problem.where == BESIDE + inside
    assert what in problem.what
    assert hint in problem.hint


@pytest.mark.parametrize(
    "moment", ["now", "2026-11-20", "2026-11-20T10:00:00", "2026-11-20T10:00:00+01:00", "2026-02-30T10:00:00Z"]
)
def test_a_database_is_restored_to_a_moment_in_utc(moment: str) -> None:
    place = f'{BESIDE}["docdb-x"]["TIME"]'
    reported = environment_problems(DATABASES={"docdb-x": RESTORED | {"TIME": moment}})
    assert reported == [Problem(place, f"not a time in UTC, got '{moment}'", MOMENT_HINT)]


def test_a_month_is_written_with_its_zero() -> None:
    [problem] = environment_problems(DATABASES={"docdb-x": RESTORED | {"TIME": "2026-1-20T10:00:00Z"}})
    assert problem.what.startswith("not a time in UTC")
