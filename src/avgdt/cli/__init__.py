"""Command line: one module per command, which parses the options, calls one function and prints the result."""
