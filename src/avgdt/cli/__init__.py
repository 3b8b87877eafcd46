"""The command line: one module per command, which parses its options, calls one function and prints."""
