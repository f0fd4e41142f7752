"""The local model: downloaded once, checked by hash, and turned into the graph that onnxruntime runs."""

from dibs_ingest.model.setup import ModelFiles, ensure_model, find_model

__all__ = ["ModelFiles", "ensure_model", "find_model"]
