from portside.stacks.own_stacks import Platform as Platform
