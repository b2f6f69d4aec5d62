"""The monthly cost of an environment: resources that always run exactly, usage as assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portside.config.environment import Environment
from portside.config.service_props import Schedule, ServiceProps
from portside.costs import database_costs
from portside.errors import UsageError

HOURS = 730
"""Hours of a month, as in AWS's calculator."""

_ZONES = 2
# Two of the load balancer's own, in portside/stacks/load_balancer_stack.py; a sum of two metrics is billed as two.
_ALARMED_ON_THE_LOAD_BALANCER, _ALARMED_ON_ITS_TARGETS, _ALARMED_ON_A_SERVICE = 3, 1, 1
_ALARMED_ON_A_SCHEDULE = 2
# Application Auto Scaling creates two for each target that it tracks, one to scale out and one to scale in:
# https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
ALARMS_OF_SCALING = 2
_FIREWALL_RULES = 4


@dataclass(frozen=True)
class Price:
    """A list price of us-east-1 in US dollars, per unit, and where it was read."""

    dollars: float
    unit: str
    source: str


PRICES: Mapping[str, Price] = {
    "Fargate, vCPU": Price(0.04048, "hour", "https://aws.amazon.com/fargate/pricing/"),
    "Fargate, GB of memory": Price(0.004445, "hour", "https://aws.amazon.com/fargate/pricing/"),
    "NAT gateway": Price(0.045, "hour", "https://aws.amazon.com/vpc/pricing/"),
    "NAT gateway, data": Price(0.045, "GB", "https://aws.amazon.com/vpc/pricing/"),
    "public IPv4 address": Price(0.005, "hour", "https://aws.amazon.com/vpc/pricing/"),
    "load balancer": Price(0.0225, "hour", "https://aws.amazon.com/elasticloadbalancing/pricing/"),
    "load balancer, LCU": Price(0.008, "hour", "https://aws.amazon.com/elasticloadbalancing/pricing/"),
    "DocumentDB r5.large": Price(0.277, "hour", "https://aws.amazon.com/documentdb/pricing/"),
    "DocumentDB, capacity unit": Price(0.0822, "hour", "https://aws.amazon.com/documentdb/pricing/"),
    "DocumentDB, storage": Price(0.10, "GB-month", "https://aws.amazon.com/documentdb/pricing/"),
    "DocumentDB, I/O": Price(0.20, "million", "https://aws.amazon.com/documentdb/pricing/"),
    "DocumentDB, backups": Price(0.02, "GB-month", "https://aws.amazon.com/documentdb/pricing/"),
    "Aurora PostgreSQL t4g.medium": Price(0.073, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora PostgreSQL t4g.large": Price(0.146, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora PostgreSQL t3.medium": Price(0.082, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora PostgreSQL r6g.large": Price(0.26, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora PostgreSQL r5.large": Price(0.29, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora PostgreSQL, capacity unit": Price(0.12, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora PostgreSQL, storage": Price(0.10, "GB-month", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora PostgreSQL, I/O": Price(0.20, "million", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora PostgreSQL, backups": Price(0.021, "GB-month", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL t4g.medium": Price(0.073, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL t4g.large": Price(0.146, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL t3.medium": Price(0.082, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL r6g.large": Price(0.26, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL r5.large": Price(0.29, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL, capacity unit": Price(0.12, "hour", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL, storage": Price(0.10, "GB-month", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL, I/O": Price(0.20, "million", "https://aws.amazon.com/rds/aurora/pricing/"),
    "Aurora MySQL, backups": Price(0.021, "GB-month", "https://aws.amazon.com/rds/aurora/pricing/"),
    "RDS for PostgreSQL t4g.micro": Price(0.016, "hour", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for PostgreSQL t4g.small": Price(0.032, "hour", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for PostgreSQL t4g.medium": Price(0.065, "hour", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for PostgreSQL t3.micro": Price(0.018, "hour", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for PostgreSQL t3.small": Price(0.036, "hour", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for PostgreSQL t3.medium": Price(0.072, "hour", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for PostgreSQL r6g.large": Price(0.225, "hour", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for PostgreSQL, storage": Price(0.115, "GB-month", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for PostgreSQL, backups": Price(0.095, "GB-month", "https://aws.amazon.com/rds/postgresql/pricing/"),
    "RDS for MySQL t4g.micro": Price(0.016, "hour", "https://aws.amazon.com/rds/mysql/pricing/"),
    "RDS for MySQL t4g.small": Price(0.032, "hour", "https://aws.amazon.com/rds/mysql/pricing/"),
    "RDS for MySQL t4g.medium": Price(0.065, "hour", "https://aws.amazon.com/rds/mysql/pricing/"),
    "RDS for MySQL t3.micro": Price(0.017, "hour", "https://aws.amazon.com/rds/mysql/pricing/"),
    "RDS for MySQL t3.small": Price(0.034, "hour", "https://aws.amazon.com/rds/mysql/pricing/"),
    "RDS for MySQL t3.medium": Price(0.068, "hour", "https://aws.amazon.com/rds/mysql/pricing/"),
    "RDS for MySQL r6g.large": Price(0.215, "hour", "https://aws.amazon.com/rds/mysql/pricing/"),
    "RDS for MySQL, storage": Price(0.115, "GB-month", "https://aws.amazon.com/rds/mysql/pricing/"),
    "RDS for MySQL, backups": Price(0.095, "GB-month", "https://aws.amazon.com/rds/mysql/pricing/"),
    "firewall": Price(5.00, "month", "https://aws.amazon.com/waf/pricing/"),
    "firewall, rule": Price(1.00, "month", "https://aws.amazon.com/waf/pricing/"),
    "firewall, requests": Price(0.60, "million", "https://aws.amazon.com/waf/pricing/"),
    "alarm, metric": Price(0.10, "month", "https://aws.amazon.com/cloudwatch/pricing/"),
    "logs, written": Price(0.50, "GB", "https://aws.amazon.com/cloudwatch/pricing/"),
    "logs, kept": Price(0.03, "GB-month", "https://aws.amazon.com/cloudwatch/pricing/"),
    "access logs, kept": Price(0.023, "GB-month", "https://aws.amazon.com/s3/pricing/"),
    "key": Price(1.00, "month", "https://aws.amazon.com/kms/pricing/"),
    "secret": Price(0.40, "month", "https://aws.amazon.com/secrets-manager/pricing/"),
}


@dataclass(frozen=True)
class Line:
    """A quantity of an item of `PRICES`; items priced by the hour run the whole month."""

    name: str
    quantity: float

    @property
    def dollars(self) -> float:
        """The monthly cost in dollars, to the cent."""
        price = PRICES[self.name]
        return round(self.quantity * price.dollars * (HOURS if price.unit == "hour" else 1), 2)


def standing(environment: Environment, services: Sequence[ServiceProps]) -> list[Line]:
    """The fixed costs, with the minimum number of tasks.

    Raises `UsageError` for a class of database instances whose price is not known here.
    """
    database = [Line(name, quantity) for name, quantity in database_costs.standing(environment)]
    for line in database:
        if line.name not in PRICES:
            raise UsageError(
                f"the price of {line.name} is unknown",
                f"Add it to PRICES in portside/costs/estimate.py, from {_page_of(environment)}.",
            )
    secrets = {str(secret.secret_name) for props in services for secret in props.container_secrets}
    secrets |= {props.registry_credentials for props in services if props.registry_credentials}
    scheduled = sum(isinstance(props.runs, Schedule) for props in services)
    # The tasks of the others are billed by the second, and how long they run is unknown.
    services = [props for props in services if props.is_service]
    tasks = [(props, props.auto_scale_min_capacity) for props in services]
    public = sum(props.public for props in services)
    balancers = int(environment.load_balancer)
    alarms = _ALARMED_ON_THE_LOAD_BALANCER * balancers + _ALARMED_ON_ITS_TARGETS * public
    alarms += database_costs.alarmed_metrics(environment)
    alarms += len(services) * (_ALARMED_ON_A_SERVICE + ALARMS_OF_SCALING) + scheduled * _ALARMED_ON_A_SCHEDULE
    return [
        Line("Fargate, vCPU", sum(props.task_size.cpu * count for props, count in tasks) / 1024),
        Line("Fargate, GB of memory", sum(props.task_size.memory * count for props, count in tasks) / 1024),
        Line("NAT gateway", environment.nat_gateways),
        Line("public IPv4 address", environment.nat_gateways + _ZONES * balancers),
        Line("load balancer", balancers),
        *database,
        Line("firewall", balancers),
        Line("firewall, rule", _FIREWALL_RULES * balancers),
        Line("alarm, metric", alarms),
        # The alarms' topic is encrypted with it.
        Line("key", 1),
        Line("secret", len(secrets)),
    ]


def assumed(environment: Environment) -> list[Line]:
    """The assumed usage of a small portal."""
    return [
        Line("NAT gateway, data", 20),
        Line("load balancer, LCU", 0.5 * environment.load_balancer),
        *(Line(name, quantity) for name, quantity in database_costs.usage(environment)),
        Line("firewall, requests", 3 * environment.load_balancer),
        Line("logs, written", 2.5),
        Line("logs, kept", 7.5),
        Line("access logs, kept", 0.6 * environment.load_balancer),
    ]


def _page_of(environment: Environment) -> str:
    """The page with the prices of the environment's database."""
    title = environment.database_kind.title if environment.database_kind else ""
    return next(price.source for name, price in PRICES.items() if name.startswith(title))


def total(lines: Sequence[Line]) -> float:
    """The monthly cost of all lines in dollars."""
    return sum(line.dollars for line in lines)
