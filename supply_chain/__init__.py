"""What this project is made of besides its own code, and how that is kept honest."""
