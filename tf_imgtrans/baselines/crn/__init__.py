"""Cascaded refinement networks."""
