"""Algebra of generalized data transformations (section 3.1 of the paper) as frozen dataclasses, without PyTorch."""
