"""What the service costs (`make cost`), and how fast it is (`make bench`)."""
