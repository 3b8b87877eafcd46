"""Runs told as pages, pictures and tables."""
