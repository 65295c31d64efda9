"""The shipped network of the progressive paper: photographs of four times the height and width."""
