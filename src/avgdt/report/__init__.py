"""HTML pages, tables and diagrams of runs and experiments, made from stored results and recordings; no network is
evaluated."""
