"""Put before all other folders of Python, it hides what is installed."""
