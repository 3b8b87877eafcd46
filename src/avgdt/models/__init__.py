"""The networks: encoders, projection heads, Phi, their arithmetic and their weights."""
