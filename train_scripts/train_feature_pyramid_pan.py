"""Trains the perceptual adversarial network with a feature pyramid: the same as `tf-imgtrans train feature_pyramid_pan`."""

from tf_imgtrans.cli.train import script

if __name__ == "__main__":
  script("feature_pyramid_pan")
