"""ESRGAN (Wang et al. 2018), which the progressive paper compares itself with."""
