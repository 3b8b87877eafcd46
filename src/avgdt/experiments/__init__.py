"""Experiments that consist of several runs: ablations, the curriculum of figure 3, and the search for compositions."""
