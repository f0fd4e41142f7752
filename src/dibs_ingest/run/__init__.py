"""Run the service: its database, its processes, its end."""
