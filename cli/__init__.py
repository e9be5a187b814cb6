"""The operator's commands on a stack, run by `bin/heirloom`. Never deployed.

* `target`: which stack
* `output`: what a command says, to people or to programs
* one module for each subcommand
"""
