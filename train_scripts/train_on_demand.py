"""Trains on-demand learning: the same as `tf-imgtrans train baseline --name on_demand`. See --help."""

from tf_imgtrans.cli.train import script

if __name__ == "__main__":
  script("baseline", "--name", "on_demand")
