"""Every test here ends with the conservation law."""

from support.engine import connect, conserved, ear, engine

__all__ = ["connect", "conserved", "ear", "engine"]
