"""The embedded AWS: ministack in a process of its own, mended and completed, with a container runtime.

`process` and `control` are its client side: they import neither ministack nor boto3, so that the command
line can use them at no cost. Everything else runs inside the server process (`python -m local_aws.server`).
"""
