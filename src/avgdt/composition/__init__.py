"""The algebra of generalized data transformations (section 3.1 of the paper) as frozen dataclasses; no PyTorch."""
