"""What the service costs: `make cost` counts the calls of every kind of request and writes docs/cost.md."""
