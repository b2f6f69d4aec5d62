from portside.stacks.docdb_stack import *  # noqa: F403
