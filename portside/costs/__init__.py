"""Costs of stacks."""
