"""The picture of an architecture, compared with the templates that it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from portside.cli.diagram import diagram
from portside.errors import UsageError, UserError
from portside.findings.templates.assembly import assembly_of
from portside.report.architecture import Architecture, Edge, Node, architecture_of
from portside.report.architecture_layout import picture_of
from portside.report.architecture_picture import drawn
from portside.synthesis.variants import Made
from portside.testing.synthesis import read_app, synthesized
from tests.unit.documents import ROOT

APPS = sorted((ROOT / "tests" / "apps").glob("*/app.py"))
SHOWN = [(app, name) for app in APPS for name in read_app(app).environments]
SVG = "{http://www.w3.org/2000/svg}"

Json = dict[str, Any]
Key = tuple[str, str]
all_pictures = pytest.mark.parametrize(("app", "name"), SHOWN, ids=[f"{app.parent.name} {name}" for app, name in SHOWN])


def of(app: str, name: str = "dev") -> tuple[Path, str]:
    return ROOT / "tests" / "apps" / app / "app.py", name


@cache
def architecture(app: Path, name: str) -> Architecture:
    made = synthesized(app, name)
    return architecture_of(assembly_of(made.templates, made.environment.account, made.environment.region))


class Shown:
    """A picture, by what a reader sees: the boxes, and the sentences of its lines."""

    def __init__(self, app: Path, name: str) -> None:
        self.text = drawn(architecture(app, name), "the title")
        self.root = ElementTree.fromstring(self.text)
        groups = [(each.get("class", "").split(), each) for each in self.root.iter(f"{SVG}g")]
        self.boxes = [(kinds[1], self._texts(each)) for kinds, each in groups if kinds[0] == "box"]
        titles = [(kinds[1], each.findtext(f"{SVG}title")) for kinds, each in groups if kinds[0] == "line"]
        self.lines = {(kind, each) for kind, title in titles if title for each in title.split("; ")}

    @staticmethod
    def _texts(group: ElementTree.Element) -> str:
        return " ".join(each.text or "" for each in group.iter(f"{SVG}text"))

    def named(self, *kinds: str) -> list[str]:
        return sorted(text.split()[0] for kind, text in self.boxes if kind in kinds)


class Raw:
    """The same facts, read from the templates without the graph that the picture is made from."""

    def __init__(self, app: Path, name: str) -> None:
        self.templates: dict[str, Json] = synthesized(app, name).templates
        self.resources = {
            (stack, key): each
            for stack, template in self.templates.items()
            for key, each in template["Resources"].items()
        }

    def of_type(self, *kinds: str) -> dict[Key, Json]:
        return {key: each.get("Properties", {}) for key, each in self.resources.items() if each["Type"] in kinds}

    def keys(self, node: Any, stack: str) -> Iterator[Key]:
        """The resources that a part of a template refers to."""
        if isinstance(node, list):
            for each in node:
                yield from self.keys(each, stack)
        elif isinstance(node, dict):
            if "Ref" in node:
                yield stack, node["Ref"]
            elif "Fn::GetAtt" in node:
                yield stack, node["Fn::GetAtt"][0]
            elif output := node.get("Fn::GetStackOutput"):
                value = self.templates[output["StackName"]]["Outputs"][output["OutputName"]]["Value"]
                yield from self.keys(value, output["StackName"])
            else:
                for each in node.values():
                    yield from self.keys(each, stack)

    def kind(self, key: Key) -> str:
        return str(self.resources.get(key, {}).get("Type"))

    @property
    def containers(self) -> dict[Key, str]:
        """The first container of each task definition."""
        found = self.of_type("AWS::ECS::TaskDefinition")
        return {key: each["ContainerDefinitions"][0]["Name"] for key, each in found.items()}

    @property
    def services(self) -> dict[Key, str]:
        found = self.of_type("AWS::ECS::Service")
        return {
            key: next(self.containers[each] for each in self.keys(service["TaskDefinition"], key[0]))
            for key, service in found.items()
        }

    def carriers(self) -> dict[Key, set[str]]:
        """The names of the boxes that carry each security group."""
        found: dict[Key, set[str]] = {}
        for (stack, key), resource in self.resources.items():
            name = self.name((stack, key))
            if resource["Type"] == "AWS::EFS::MountTarget":
                (system,) = self.keys(resource["Properties"]["FileSystemId"], stack)
                name = self.name(system)
            if resource["Type"].startswith("AWS::EC2::SecurityGroup"):
                continue
            referred = list(self.keys(resource.get("Properties", {}), stack))
            jobs = [self.containers[each] for each in referred if each in self.containers]
            for group in referred:
                if self.kind(group) == "AWS::EC2::SecurityGroup":
                    found.setdefault(group, set()).add(jobs[0] if jobs else name)
        return found

    def name(self, key: Key) -> str:
        titles = {"AWS::DocDB::DBCluster": "DocumentDB", "AWS::RDS::DBInstance": "RDS for PostgreSQL"}
        titles["AWS::ElasticLoadBalancingV2::LoadBalancer"] = "load balancer"
        kind = self.kind(key)
        return self.services.get(key) or titles.get(kind) or re.sub("[0-9A-F]{8}$", "", key[1])

    def rules(self) -> Iterator[tuple[Key, str, Json]]:
        """Each inbound rule: the group, its stack, and the rule."""
        for (stack, key), group in self.of_type("AWS::EC2::SecurityGroup").items():
            for rule in group.get("SecurityGroupIngress", ()):
                yield (stack, key), stack, rule
        for (stack, _), rule in self.of_type("AWS::EC2::SecurityGroupIngress").items():
            yield next(self.keys(rule["GroupId"], stack)), stack, rule

    def calls(self) -> set[tuple[str, str, int]]:
        """Callers, callees and ports, by rules from group to group."""
        carriers = self.carriers()
        return {
            (caller, callee, rule["FromPort"])
            for group, stack, rule in self.rules()
            if "SourceSecurityGroupId" in rule
            for source in self.keys(rule["SourceSecurityGroupId"], stack)
            for caller in carriers.get(source, ())
            for callee in carriers.get(group, ())
        }

    def routes(self) -> set[tuple[str, str]]:
        """The requests of each listener and rule, and the service that gets them."""
        groups = {
            next(self.keys(target["TargetGroupArn"], stack)): self.services[stack, key]
            for (stack, key), service in self.of_type("AWS::ECS::Service").items()
            for target in service.get("LoadBalancers", ())
        }
        found = set()
        for kind, actions in (("Listener", "DefaultActions"), ("ListenerRule", "Actions")):
            for (stack, _), each in self.of_type(f"AWS::ElasticLoadBalancingV2::{kind}").items():
                values = [
                    one for condition in each.get("Conditions", ()) for one in condition["PathPatternConfig"]["Values"]
                ]
                said = "all requests" if values in ([], ["/*"]) else ", ".join(values)
                targets = [action["TargetGroupArn"] for action in each[actions] if "TargetGroupArn" in action]
                found |= {(said, groups[group]) for target in targets for group in self.keys(target, stack)}
        return found


@all_pictures
def test_every_service_and_job_is_a_box_and_nothing_else_is_one(app: Path, name: str) -> None:
    raw, shown = Raw(app, name), Shown(app, name)
    services = sorted(raw.services.values())
    assert shown.named("service") == services
    assert shown.named("job") == sorted(set(raw.containers.values()) - set(services))
    for kind, types in {
        "load balancer": ["AWS::ElasticLoadBalancingV2::LoadBalancer"],
        "firewall": ["AWS::WAFv2::WebACL"],
        "database": ["AWS::DocDB::DBCluster", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"],
        "resource": [
            *("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic"),
            *("AWS::ElastiCache::ServerlessCache", "AWS::EFS::FileSystem"),
        ],
        "instance": ["AWS::EC2::Instance"],
    }.items():
        boxes = [text for found, text in shown.boxes if found == kind.split()[0]]
        assert len(boxes) == len(raw.of_type(*types)), kind


@all_pictures
def test_lines_between_boxes_are_the_rules_of_security_groups(app: Path, name: str) -> None:
    raw, shown = Raw(app, name), Shown(app, name)
    expected = {f"{caller} to {callee} on port {port}" for caller, callee, port in raw.calls()}
    lines = {re.sub(r" \(.*\)$", "", line) for kind, line in shown.lines if kind in ("call", "route")}
    assert lines == expected


@all_pictures
def test_a_route_is_written_in_the_box_of_its_service(app: Path, name: str) -> None:
    raw, shown = Raw(app, name), Shown(app, name)
    routes = {(f"{said})", service) for said, service in raw.routes()}
    found = {
        (line.partition("(")[2], line.split(" to ")[1].split()[0]) for kind, line in shown.lines if kind == "route"
    }
    assert found == routes
    for said, service in raw.routes():
        (box,) = [text for kind, text in shown.boxes if kind == "service" and text.split()[0] == service]
        assert said in box


@all_pictures
def test_networks_that_are_allowed_are_shown(app: Path, name: str) -> None:
    raw, shown = Raw(app, name), Shown(app, name)
    carriers = raw.carriers()
    (vpc,) = [each["CidrBlock"] for each in raw.of_type("AWS::EC2::VPC").values()]
    for group, _, rule in raw.rules():
        for callee in carriers.get(group, ()) if "CidrIp" in rule else ():
            if rule["CidrIp"] == vpc:
                boxes = [text for _, text in shown.boxes if text.startswith(callee)]
                assert any(f"{rule['FromPort']} from the VPC" in text for text in boxes)
            else:
                source = "the internet" if rule["CidrIp"] == "0.0.0.0/0" else rule["CidrIp"]
                assert any(f"{source} to {callee} on port {rule['FromPort']}" in line for _, line in shown.lines)


@all_pictures
def test_subnets_are_shown_with_their_way_out(app: Path, name: str) -> None:
    raw, text = Raw(app, name), Shown(app, name).text
    for subnet in raw.of_type("AWS::EC2::Subnet").values():
        way_out = "internet gateway" if subnet["MapPublicIpOnLaunch"] else "NAT gateway"
        assert re.search(rf"{re.escape(subnet['CidrBlock'])}, zone [12], out by {way_out}", text)


@all_pictures
def test_lines_cross_no_box_and_boxes_no_box(app: Path, name: str) -> None:
    expect_no_overlap(architecture(app, name))


def expect_no_overlap(shown: Architecture) -> None:
    picture = picture_of(shown)
    for box in picture.boxes:
        assert box.x >= 0
        assert box.x + box.width <= picture.width
        assert box.y + box.height <= picture.height
        for other in picture.boxes:
            assert (
                other is box
                or other.y >= box.y + box.height
                or box.y >= other.y + other.height
                or (other.x >= box.x + box.width or box.x >= other.x + other.width)
            )
        for x1, y1, x2, y2 in (segment for line in picture.lines for segment in segments(line.paths)):
            is_left_or_right = x2 <= box.x or x1 >= box.x + box.width
            is_above_or_below = y2 <= box.y + 0.5 or y1 >= box.y + box.height - 0.5
            assert is_left_or_right or is_above_or_below, (box.node.name, (x1, y1, x2, y2))


def segments(paths: list[str]) -> Iterator[tuple[float, float, float, float]]:
    for path in paths:
        x, y, way, end = re.match(r"M(\S+) ([\d.]+)([HV])([\d.]+)$", path).groups()  # type: ignore[union-attr]
        x1, y1 = float(x), float(y)
        x2, y2 = (float(end), y1) if way == "H" else (x1, float(end))
        yield min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def test_many_services_that_call_each_other_in_circles_are_drawn() -> None:
    nodes = tuple(Node(str(each), "service", "private", f"service-{each}") for each in range(28))
    edges = tuple(Edge(str(each), str((each + step) % 28), "call", "80") for each in range(28) for step in (1, 2, 3))
    expect_no_overlap(Architecture(("10.0.0.0/16",), (), nodes, edges))


def test_jobs_have_their_schedule_and_roles_their_rights() -> None:
    boxes = [text for _, text in Shown(*of("desk")).boxes]
    assert any(text.startswith("desk-report cron(0 3 * * ? *) America/Los_Angeles") for text in boxes)
    assert any(text.startswith("desk-import on request") for text in boxes)
    lines = Shown(*of("shop")).lines
    assert {line for kind, line in lines if kind == "grant"} == {
        "shop-web to Uploads (reads and writes)",
        "shop-web to Orders (reads and writes)",
        "shop-worker to Orders (reads and writes)",
        "shop-worker to Files (writes)",
    }
    assert ("use", "Orders to Failed (dead letters)") in lines


def test_it_loads_nothing_and_has_a_title_a_description_and_dark_colours() -> None:
    shown = Shown(*of("agora"))
    assert not re.search(r"<(script|image|foreignObject|use)\b|href=|url\(|@import", shown.text)
    assert shown.root.get("role") == "img"
    assert [each.tag for each in shown.root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert "agora-apex to agora-app on port 4200" in str(shown.root.findtext(f"{SVG}desc"))
    assert "prefers-color-scheme: dark" in shown.text


def test_names_in_templates_are_shown_and_not_run() -> None:
    attack = "</title><script>alert(1)</script>"
    shown = drawn(Architecture((attack,), (), (Node("a", "service", "private", attack, (attack,)),), ()), attack)
    assert "<script" not in shown
    assert ElementTree.fromstring(shown).findtext(f"{SVG}title") == attack


def test_the_command_writes_the_picture_or_its_nodes_and_edges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, name = of("agora")
    monkeypatch.setattr("portside.cli.diagram.read_configuration", lambda **_: read_app(app))
    made = Made(templates=synthesized(app, name).templates)
    monkeypatch.setattr("portside.synthesis.variants.synthesize_variants", lambda *_: [made])
    file = tmp_path / "dev.svg"
    CliRunner().invoke(diagram, ["dev", "-o", str(file)], catch_exceptions=False)
    expected = drawn(architecture(app, name), "Agora dev")
    assert file.read_text() == f"{expected}\n"
    assert CliRunner().invoke(diagram, ["dev"]).stdout.rstrip() == expected.rstrip()
    answer = json.loads(CliRunner().invoke(diagram, ["dev", "--json"]).stdout)
    assert {each["name"] for each in answer["nodes"]} >= {"agora-apex", "DocumentDB"}
    with pytest.raises(UserError, match=r"dev\.svg: can't be written: Not a directory"):
        CliRunner().invoke(diagram, ["dev", "-o", str(file / "dev.svg")], catch_exceptions=False)
    with pytest.raises(UsageError, match='no environment "nope"'):
        CliRunner().invoke(diagram, ["nope"], catch_exceptions=False)
