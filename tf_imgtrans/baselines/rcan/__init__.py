"""RCAN (Zhang et al. 2018), which the progressive paper compares itself with."""
