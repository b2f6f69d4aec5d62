from portside.stacks.bastion_stack import *  # noqa: F403
