"""Runs a containerised web application on AWS ECS Fargate, from one configuration. Names no application."""
