"""Transformers from their published dimensions: prefill of n tokens, or decode at context n."""

from traces.transformer.graph import workload
from traces.transformer.model import Transformer, models

__all__ = ["Transformer", "models", "workload"]
