"""The networks: encoders, projection heads, Phi, their precision and their weights."""
