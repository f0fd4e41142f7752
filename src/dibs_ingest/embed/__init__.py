"""Text to vectors: a contract, and the ways to keep it."""

from dibs_ingest.embed.embedder import Embedder, Vectors, open_embedder

__all__ = ["Embedder", "Vectors", "open_embedder"]
