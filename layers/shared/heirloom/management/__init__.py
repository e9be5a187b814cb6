"""The Management API under `/api/v2/`, with Auth0's paths, names, scopes and errors.

* `api`: a request becomes the call of a route, after everything that speaks against it
* `route`, `pagination`, `problem`: what routes are made of
* one module for each resource: its routes, what they take, what they answer
* `declaring`: changes of what a tenant file declares, by the tenant file's own rules
* `openapi`: the document about these routes and about `protocol`, the endpoints of the protocols
"""
