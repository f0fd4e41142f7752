"""Ports for servers under test."""

import socket


def free_port() -> int:
    """A port of this machine that nobody listens at right now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
