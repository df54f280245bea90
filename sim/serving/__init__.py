"""Serving: batches of sequences that grow by a token an iteration, on a system of arch.serving."""
