"""Stacks that run on values of other stacks that are no longer true."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from portside.aws.model import Stack as DeployedStack
from portside.synthesis.assembly import Stack
from portside.synthesis.references import fingerprint, read_record, record_of, stale_stacks, write_record
from tests.unit.configuration_support import named
from tests.unit.operations_support import FakeParameters, minutes_after_noon, reads, resource, stack


def _consumer(folder: Path) -> Stack:
    return stack("api", {"Resources": {"Service": resource(Host=reads("docdb", "Host"))}}, folder)


def _states(*, host: str, docdb_minutes: float = 0, api_minutes: float = 1) -> Mapping[str, DeployedStack]:
    return {
        "docdb": DeployedStack(
            "docdb", "UPDATE_COMPLETE", updated=minutes_after_noon(docdb_minutes), outputs={"Host": host}
        ),
        "api": DeployedStack("api", "CREATE_COMPLETE", updated=minutes_after_noon(api_minutes)),
    }


def test_a_stack_that_read_the_current_values_is_up_to_date(tmp_path: Path) -> None:
    api, states = _consumer(tmp_path), _states(host="a")
    assert stale_stacks([api], states, record_of([api], states)) == []


def test_a_stack_whose_producer_changed_a_value_since_is_not_updated(tmp_path: Path) -> None:
    api = _consumer(tmp_path)
    record = record_of([api], _states(host="a"))
    assert stale_stacks([api], _states(host="b", docdb_minutes=2), record) == ["api"]


def test_a_producer_that_was_updated_without_changing_a_value_leaves_no_stack_outdated(tmp_path: Path) -> None:
    api = _consumer(tmp_path)
    record = record_of([api], _states(host="a"))
    assert stale_stacks([api], _states(host="a", docdb_minutes=2), record) == []


def test_a_stack_that_was_updated_after_the_record_and_its_producer_is_up_to_date(tmp_path: Path) -> None:
    api = _consumer(tmp_path)
    record = record_of([api], _states(host="a"))
    assert stale_stacks([api], _states(host="b", docdb_minutes=2, api_minutes=3), record) == []


def test_without_a_record_a_producer_that_was_updated_later_counts(tmp_path: Path) -> None:
    api = _consumer(tmp_path)
    assert stale_stacks([api], _states(host="a", docdb_minutes=2, api_minutes=1), {}) == ["api"]
    assert stale_stacks([api], _states(host="a", docdb_minutes=0, api_minutes=1), {}) == []


def test_a_stack_that_reads_nothing_or_is_not_deployed_is_always_up_to_date(tmp_path: Path) -> None:
    alone = stack("docdb", {"Resources": {"Cluster": resource()}}, tmp_path)
    missing = stack("app", {"Resources": {"Service": resource(Host=reads("docdb", "Host"))}}, tmp_path)
    assert stale_stacks([alone, missing], _states(host="a"), {}) == []


def test_the_fingerprint_depends_on_values_only(tmp_path: Path) -> None:
    api = _consumer(tmp_path)
    assert fingerprint(api, _states(host="a")) == fingerprint(api, _states(host="a", docdb_minutes=9))
    assert fingerprint(api, _states(host="a")) != fingerprint(api, _states(host="b"))


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    ssm, record = FakeParameters(), record_of([_consumer(tmp_path)], _states(host="a"))
    assert read_record(ssm, named("dev")) == {}
    write_record(ssm, named("dev"), record)
    assert read_record(ssm, named("dev")) == record
    assert list(ssm.values) == ["/agora/dev/references"]


def test_the_record_of_nine_stacks_fits_into_a_standard_parameter(tmp_path: Path) -> None:
    ssm = FakeParameters()
    write_record(
        ssm,
        named("stage"),
        {f"agora-stage-load-balancer-{n}": (minutes_after_noon(n).isoformat(), "0" * 12) for n in range(9)},
    )
    assert len(ssm.values["/agora/stage/references"]) < 4096


def test_the_record_of_every_stack_of_128_services_fits_into_standard_parameters() -> None:
    ssm = FakeParameters()
    written = {
        f"agora-stage-service-{n:03}": (minutes_after_noon(n).isoformat(), sha256(str(n).encode()).hexdigest()[:12])
        for n in range(134)
    }
    for _ in range(2):
        write_record(ssm, named("stage"), written)
    assert set(ssm.tiers.values()) == {"Standard"}
    assert read_record(ssm, named("stage")) == written
