"""Heads on a trunk: none yet beside the scalar one of transformers."""
