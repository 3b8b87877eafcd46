"""Encoders, projection heads and the network Phi, with their precision, memory format and weights files."""
