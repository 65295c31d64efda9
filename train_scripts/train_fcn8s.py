"""Trains FCN-8s, which scores labels-to-photo translation: the same as `tf-imgtrans train fcn8s`. See --help."""

from tf_imgtrans.cli.train import script

if __name__ == "__main__":
  script("fcn8s")
