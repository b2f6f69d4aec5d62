from portside.stacks.props import *  # noqa: F403
