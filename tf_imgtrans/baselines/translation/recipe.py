"""The recipes of the networks that the feature-pyramid paper compares its own with."""

from tf_imgtrans.baselines.translation.config import PRESETS, TINY
from tf_imgtrans.core.recipe import Recipe


def _recipe(name, module, summary, example):
  return Recipe(
      name=name, summary=summary, package=__package__,
      presets={**{preset: configs[name] for preset, configs in PRESETS.items()}, "tiny": TINY[name]},
      trainer="trainer:Trainer", task="tf_imgtrans.data.translation:task",
      generators={name: f"{module}:{name}"}, baseline=True, paired=True, example=f"{example} --out runs/{name}",
      data="What the data folder holds depends on --config.task and --config.label_set. labels_to_photo:\n  {labels}\n"
           "  {translated}\nsuper_resolution and inpainting:\n  {photographs}")


PIX2PIX = _recipe("pix2pix", "unet_gan", "pix2pix: a U-Net against a patch discriminator.",
                  "--data facades --config.label_set none")
CNN = _recipe("cnn", "unet_gan", "pix2pix without its discriminator: the U-Net, trained by L1.",
              "--data facades --config.label_set none")
CONTEXT_ENCODER = _recipe("context_encoder", "context_encoder", "The context encoder, which fills the middle of an image.",
                          "--data photos")
CRN = _recipe("crn", "crn", "Cascaded refinement networks: labels to photo without a discriminator.", "--data cityscapes")
DRRN = _recipe("drrn", "drrn", "DRRN: recursive residual super-resolution of luma.", "--data photos")
