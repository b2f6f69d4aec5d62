from portside.stacks.docdb_props import *  # noqa: F403
