from portside.stacks.load_balanced_service_stack import *  # noqa: F403
from portside.stacks.service_stack import *  # noqa: F403
