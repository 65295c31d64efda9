"""Trains progressive super-resolution: the same as `tf-imgtrans train progressive_pan`. See --help."""

from tf_imgtrans.cli.train import script

if __name__ == "__main__":
  script("progressive_pan")
