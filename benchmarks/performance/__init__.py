"""How fast the service is: `make bench` measures it beside a floor and beside other servers, on the same store."""
