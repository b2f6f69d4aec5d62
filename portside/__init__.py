"""Runs a containerised web application on AWS ECS Fargate, from one configuration. Names no application."""

__version__ = "0.1.0"
