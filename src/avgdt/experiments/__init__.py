"""Experiments with several training runs: ablations, the curriculum of figure 3, and the search over compositions."""
