"""The route of tasks to the internet: subnet, route table, NAT gateway, its subnet, internet gateway."""

from __future__ import annotations

from collections.abc import Iterator

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.network import ROUTE_TARGETS
from portside.findings.templates.reach import groups_of_service
from portside.findings.templates.rule import over, wrong
from portside.findings.templates.security_groups import NOWHERE, egress
from portside.findings.templates.values import Unknown, fields, is_open, many

_EVERYWHERE = "0.0.0.0/0"
_HTTPS_PORT = 443
# Other ways than a NAT gateway or an internet gateway, whose end is not in the templates.
_OTHER_WAYS = tuple(key for key in ROUTE_TARGETS if key not in ("GatewayId", "NatGatewayId"))


@over("ECS::Service")
def ways_out(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services whose tasks can't pull their image: no complete route to the internet, and no VPC endpoints."""
    own = fields(service.get("NetworkConfiguration", "AwsvpcConfiguration"))
    if is_open(own.get("AssignPublicIp")):
        return
    is_public = own.get("AssignPublicIp") == "ENABLED"
    for value in many(own.get("Subnets")):
        subnet = assembly.resource(value, "EC2::Subnet")
        problem = _problem(assembly, subnet, is_public=is_public) if subnet else ""
        if subnet and problem and not _has_endpoints(assembly, subnet):
            yield wrong(
                "NO_WAY_OUT",
                service,
                f"{subnet.logical_id} of {subnet.stack} can't reach the internet: {problem}",
            )
            break


@over("ElasticLoadBalancingV2::LoadBalancer")
def balancer_subnets(assembly: Assembly, balancer: Resource) -> Iterator[Finding]:
    """Load balancers for the internet in subnets that it does not reach."""
    if balancer.get("Scheme") not in (None, "internet-facing"):
        return
    for value in many(balancer.get("Subnets")):
        subnet = assembly.resource(value, "EC2::Subnet")
        problem = _problem(assembly, subnet, is_public=True) if subnet else ""
        if subnet and problem:
            yield wrong("NOT_PUBLIC", balancer, f"the internet does not reach {subnet.logical_id}: {problem}")


@over("EC2::NatGateway")
def gateways(assembly: Assembly, gateway: Resource) -> Iterator[Finding]:
    """NAT gateways in a subnet from which nothing goes to the internet."""
    subnet = assembly.resource(gateway.get("SubnetId"), "EC2::Subnet")
    if gateway.get("ConnectivityType") == "private" or subnet is None:
        return
    if "AllocationId" not in gateway.properties:
        yield wrong("NAT_ADDRESS", gateway, "a public NAT gateway needs an AllocationId")
    if problem := _problem(assembly, subnet, is_public=True):
        yield wrong("NAT_SUBNET", gateway, f"is in {subnet.logical_id}, which can't reach the internet: {problem}")


def _problem(assembly: Assembly, subnet: Resource, *, is_public: bool) -> str:
    """Why a subnet can't reach the internet; empty if it can or may."""
    tables = _tables_of(assembly, subnet)
    if tables is None:
        return ""
    routes = [
        route
        for route in assembly.of_type("EC2::Route")
        if any(table.is_of(route.get("RouteTableId")) for table in tables)
        or isinstance(route.get("RouteTableId"), Unknown)
    ]
    unknown = [each for each in routes if isinstance(each.get("RouteTableId"), Unknown)]
    default = [each for each in routes if each.get("DestinationCidrBlock") == _EVERYWHERE]
    if unknown or any(is_open(each.get("DestinationCidrBlock")) or _other(each) for each in routes):
        return ""
    if not default:
        return f"its route table has no route to {_EVERYWHERE}" if tables else "it has no route table"
    problems = [_of_route(assembly, each, subnet, is_public=is_public) for each in default]
    return problems[0] if all(problems) else ""


def _other(route: Resource) -> bool:
    return any(key in route.properties for key in _OTHER_WAYS) or "DestinationPrefixListId" in route.properties


def _tables_of(assembly: Assembly, subnet: Resource) -> list[Resource] | None:
    """The route tables of a subnet; None where they are not known, as where the VPC is of elsewhere."""
    if assembly.resource(subnet.get("VpcId"), "EC2::VPC") is None:
        return None
    found = []
    for each in assembly.of_type("EC2::SubnetRouteTableAssociation"):
        if isinstance(each.get("SubnetId"), Unknown):
            return None
        if subnet.is_of(each.get("SubnetId")):
            table = assembly.resource(each.get("RouteTableId"), "EC2::RouteTable")
            if table is None:
                return None
            found.append(table)
    return found


def _of_route(assembly: Assembly, route: Resource, subnet: Resource, *, is_public: bool) -> str:
    nat = assembly.resource(route.get("NatGatewayId"), "EC2::NatGateway")
    if nat is not None:
        if is_public:
            return f"its default route {route.logical_id} leads to a NAT gateway"
        behind = assembly.resource(nat.get("SubnetId"), "EC2::Subnet")
        if behind is None or nat.get("ConnectivityType") == "private":
            return ""
        problem = "it is in the same subnet" if behind == subnet else _problem(assembly, behind, is_public=True)
        return f"its NAT gateway {nat.logical_id} is in {behind.logical_id}, and {problem}" if problem else ""
    gateway = assembly.resource(route.get("GatewayId"), "EC2::InternetGateway")
    if gateway is None:
        return ""
    if not is_public:
        return f"its default route {route.logical_id} leads to an internet gateway, and tasks have no public address"
    attachments = assembly.of_type("EC2::VPCGatewayAttachment")
    attached = any(gateway.is_of(each.get("InternetGatewayId")) for each in attachments)
    unknown = any(isinstance(each.get("InternetGatewayId"), Unknown) for each in attachments)
    return "" if attached or unknown else f"the internet gateway {gateway.logical_id} is attached to no VPC"


def _has_endpoints(assembly: Assembly, subnet: Resource) -> bool:
    """Whether the VPC has endpoints that may replace the route, such as those of ECR."""
    vpc = assembly.resource(subnet.get("VpcId"), "EC2::VPC")
    return any(
        (vpc is not None and vpc.is_of(each.get("VpcId"))) or is_open(each.get("VpcId"))
        for each in assembly.of_type("EC2::VPCEndpoint")
        if is_open(each.get("ServiceName")) or ".ecr." in str(each.get("ServiceName"))
    )


@over("ECS::Service")
def task_egress(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services whose security groups let nothing out to the registry, secrets and logs, which are HTTPS."""
    groups = groups_of_service(assembly, service)
    found = egress(assembly, groups) if groups else None
    if found is not None and not any(each.covers(_HTTPS_PORT) and each.cidr != NOWHERE for each in found):
        yield wrong("EGRESS", service, f"its security groups let nothing out on port {_HTTPS_PORT}")
