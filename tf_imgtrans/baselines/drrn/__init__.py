"""DRRN, the deep recursive residual network."""
