"""Algebra of generalized data transformations (section 3.1 of the paper) in frozen dataclasses; PyTorch is not used."""
