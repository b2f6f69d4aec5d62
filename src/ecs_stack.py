from portside.stacks.ecs_stack import *  # noqa: F403
