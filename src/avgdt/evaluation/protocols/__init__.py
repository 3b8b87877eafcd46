"""The evaluation protocols: one file, one dataclass of options and one function ``run`` each."""
