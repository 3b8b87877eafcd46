"""Evaluation of pretrained networks with the protocols of the paper and others."""
