"""Networks that go on learning with labels, or learn from labels alone."""
