"""Runs as HTML pages, tables and diagrams, made from the files of their folders; no network is run here."""
