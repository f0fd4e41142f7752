"""dibs."""
