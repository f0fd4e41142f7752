"""What runs inside a measured system's own process. The standard library only: its environment may have no dibs."""
