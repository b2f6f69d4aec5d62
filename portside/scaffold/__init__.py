"""Writes the repository of a new app: its configuration, launcher, locks, workflows and tests."""
