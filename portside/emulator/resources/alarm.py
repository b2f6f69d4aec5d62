"""AWS::CloudWatch::Alarm, also with an expression over several metrics, which ministack refuses.

There are no metrics, so no alarm is ever triggered. Such an alarm is stored with the first of its metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import provisioners
from portside.emulator.resources import Created, ResourceType


def _on_one_metric(properties: Mapping[str, Any]) -> dict[str, Any]:
    measured = [each["MetricStat"] for each in properties.get("Metrics", ()) if "MetricStat" in each]
    if not measured:
        return dict(properties)
    first = measured[0]
    kept = {name: value for name, value in properties.items() if name != "Metrics"}
    return {**kept, **first["Metric"], "Period": first["Period"], "Statistic": first["Stat"]}


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    created: Created = provisioners._cw_metric_alarm_create(logical_id, _on_one_metric(properties), stack_name)
    return created


def update(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str, logical_id: str | None
) -> Created:
    updated: Created = provisioners._cw_metric_alarm_update(
        physical_id, _on_one_metric(old), _on_one_metric(new), stack_name, logical_id
    )
    return updated


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    provisioners._cw_metric_alarm_delete(physical_id, properties)


TYPES = (ResourceType("AWS::CloudWatch::Alarm", create, update, delete, tagged=True),)
