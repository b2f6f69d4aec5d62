"""Clients that are made once, and what they are asked."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from portside.aws.clients import CallCount, made_once
from tests.answering_aws import AnsweringAws
from tests.aws_account import deployed


class _Client:
    meta = SimpleNamespace(events=SimpleNamespace(register_first=lambda *_: None))


def test_clients_are_made_once_and_on_one_thread_at_a_time() -> None:
    made: list[str] = []
    busy, met = threading.Lock(), list[str]()

    def make(name: str) -> Any:
        if not busy.acquire(blocking=False):
            met.append(name)
            return _Client()
        try:
            made.append(name)
            threading.Event().wait(0.02)
            return _Client()
        finally:
            busy.release()

    clients = made_once(make)
    threads = [threading.Thread(target=clients, args=(name,)) for name in ("ecs", "logs", "ecs", "ec2", "logs")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == []
    assert sorted(made) == ["ec2", "ecs", "logs"]


def test_every_call_and_every_page_counts() -> None:
    count, aws = CallCount(), AnsweringAws(deployed())
    clients = made_once(aws.client, count)
    names = ["a"] * 101
    aws.account.stacks |= {
        f"s{number}": aws.account.stacks["agora-dev-app"] | {"StackName": f"s{number}"} for number in range(len(names))
    }
    list(clients("cloudformation").get_paginator("describe_stacks").paginate())
    clients("ecs").list_services(cluster="c")
    assert count.total == 3
    assert count.sentence() == "3 AWS API calls: cloudformation:DescribeStacks 2, ecs:ListServices 1"
