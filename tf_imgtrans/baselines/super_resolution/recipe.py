"""The recipes of the super-resolution networks that the progressive paper compares its own with."""

import dataclasses

from tf_imgtrans.baselines.super_resolution.config import GAN_CONFIGS, PRESETS, TINY
from tf_imgtrans.core.recipe import Recipe

_TINY_GAN = {"stage": "gan", "weight_l1": 1e-2, "weight_adversarial": 5e-3, "initial_weights": "random"}


def _recipe(name, summary, **options):
  return Recipe(
      name=name, summary=summary, package=__package__,
      presets={**{preset: configs[name] for preset, configs in PRESETS.items()}, "tiny": TINY[name]},
      trainer="trainer:Trainer", task="tf_imgtrans.data.super_resolution:task",
      generators={name: f"{name}:{name}"}, serializable=("discriminator",), baseline=True,
      example=f"--preset small --data faces --out runs/{name}",
      data="The data folder holds photographs:\n  {photographs}", **options)


ESRGAN = _recipe("esrgan", "ESRGAN: residual-in-residual dense blocks; trained by L1, then against a discriminator.",
                 variants={"stage": {"gan": {**GAN_CONFIGS, "tiny": dataclasses.replace(TINY["esrgan"], **_TINY_GAN)}}})
CARN = _recipe("carn", "CARN: cascading residual blocks.")
RCAN = _recipe("rcan", "RCAN: residual groups with channel attention.")
