"""Architectures that several methods use; a method adds its configuration, the names of its layers and its registration."""
