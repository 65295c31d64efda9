"""Trains a baseline: the same as `tf-imgtrans train baseline`. See --help."""

from tf_imgtrans.cli.train import script

if __name__ == "__main__":
  script("baseline")
