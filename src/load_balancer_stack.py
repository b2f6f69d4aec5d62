from portside.stacks.load_balancer_stack import *  # noqa: F403
