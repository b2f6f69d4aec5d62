from portside.stacks.network_stack import *  # noqa: F403
