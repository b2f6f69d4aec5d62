from portside.stacks.service_stack import *  # noqa: F403
