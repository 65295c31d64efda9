"""The X-GANs network trained to rebuild photographs from scattered pixels, as compress and decompress need it."""
