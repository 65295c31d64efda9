"""Trains Mux/Demux photo enhancement: the same as `tf-imgtrans train mux_demux`. See --help."""

from tf_imgtrans.cli.train import script

if __name__ == "__main__":
  script("mux_demux")
