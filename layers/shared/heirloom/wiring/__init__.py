"""The one place where the pieces are joined: one module per function, so that each imports what it uses and no more.

Everything is made when it is first asked for and kept for the life of the execution environment: importing a function
needs no environment variable, no network and no secret.
"""
