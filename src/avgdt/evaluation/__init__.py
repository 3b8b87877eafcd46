"""Evaluation of pretrained networks by the protocols of the paper and others."""
