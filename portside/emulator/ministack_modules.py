"""The modules of ministack that this package reads and patches. They have no types.

Importing this module imports ministack, which reads its settings from the environment when it is imported:
`portside.emulator.server` sets them first.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

acm: Any = import_module("ministack.services.acm")
alb: Any = import_module("ministack.services.alb")
app: Any = import_module("ministack.app")
cloudformation: Any = import_module("ministack.services.cloudformation")
documentdb: Any = import_module("ministack.services.documentdb")
dynamodb: Any = import_module("ministack.services.dynamodb")
ec2: Any = import_module("ministack.services.ec2")
eventbridge: Any = import_module("ministack.services.eventbridge")
ecs: Any = import_module("ministack.services.ecs")
efs: Any = import_module("ministack.services.efs")
elasticache: Any = import_module("ministack.services.elasticache")
iam: Any = import_module("ministack.services.iam")
logs: Any = import_module("ministack.services.cloudwatch_logs")
persistence: Any = import_module("ministack.core.persistence")
provisioners: Any = import_module("ministack.services.cloudformation.provisioners")
rds: Any = import_module("ministack.services.rds")
responses: Any = import_module("ministack.core.responses")
router: Any = import_module("ministack.core.router")
scheduler: Any = import_module("ministack.services.scheduler")
s3: Any = import_module("ministack.services.s3")
secretsmanager: Any = import_module("ministack.services.secretsmanager")
servicediscovery: Any = import_module("ministack.services.servicediscovery")
ssm: Any = import_module("ministack.services.ssm")
sts: Any = import_module("ministack.services.sts")
sqs: Any = import_module("ministack.services.sqs")
stacks: Any = import_module("ministack.services.cloudformation.stacks")
waf: Any = import_module("ministack.services.waf")
