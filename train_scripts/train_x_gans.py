"""Trains X-GANs: the same as `tf-imgtrans train x_gans`. See --help."""

from tf_imgtrans.cli.train import script

if __name__ == "__main__":
  script("x_gans")
