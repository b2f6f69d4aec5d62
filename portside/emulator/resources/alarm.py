"""AWS::CloudWatch::Alarm, also with an expression over several metrics, which ministack refuses.

There are no metrics, so no alarm is ever triggered. Such an alarm is stored with the first of its metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import provisioners
from portside.emulator.resources import Change, Created, ResourceType


def _on_one_metric(properties: Mapping[str, Any]) -> dict[str, Any]:
    measured = [each["MetricStat"] for each in properties.get("Metrics", ()) if "MetricStat" in each]
    if not measured:
        return dict(properties)
    first = measured[0]
    kept = {name: value for name, value in properties.items() if name != "Metrics"}
    return {**kept, **first["Metric"], "Period": first["Period"], "Statistic": first["Stat"]}


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    return provisioners._cw_metric_alarm_create(logical_id, _on_one_metric(properties), stack_name)


def update(change: Change) -> Created:
    on_one = change._replace(old=_on_one_metric(change.old), new=_on_one_metric(change.new))
    return provisioners._cw_metric_alarm_update(*on_one)


TYPES = (ResourceType("AWS::CloudWatch::Alarm", create, update),)
