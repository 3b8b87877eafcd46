"""The evaluation protocols: one dataclass each, whose fields are the options and whose ``measure`` does it."""
