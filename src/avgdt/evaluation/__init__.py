"""Measuring what frozen networks have learnt."""
