"""The package as a whole: light to import, and every contracted name in its place."""

import importlib
import inspect
import pathlib
import pkgutil

import pytest
import recipes

import tf_imgtrans as ti

NAMES = {
    "tf_imgtrans": ["create_generator", "list_generators", "__version__"],
    "tf_imgtrans.layers": ["Mux", "Demux", "InstanceNormalization", "NoiseChannels", "NoiseInjection",
                           "LaplacianPyramid", "MinibatchStddev", "EqualizedConv2D"],
    "tf_imgtrans.losses": ["weighted_l1", "perceptual", "contextual", "color", "total_variation", "discriminator_log_loss",
                           "generator_log_loss", "feature_matching", "corresponding_point", "non_saturating", "r1_penalty"],
    "tf_imgtrans.metrics": ["psnr", "ssim", "ms_ssim", "niqe", "pirm_score", "segmentation_scores",
                            "frechet_distance", "fid", "sliced_wasserstein"],
    "tf_imgtrans.data.corruptions": ["random_points", "edge_points", "color_noise", "white_block", "color_blocks"],
    "tf_imgtrans.data.degradations": ["phone_camera", "low_resolution", "degraded_low_resolution"],
    "tf_imgtrans.papers.mux_demux": ["Generator", "Discriminator", "Config", "Trainer"],
    "tf_imgtrans.papers.x_gans": ["Generator", "Discriminators", "Config", "Trainer"],
    "tf_imgtrans.papers.feature_pyramid_pan": ["Generator", "Discriminators", "Config", "Trainer"],
    "tf_imgtrans.papers.progressive_pan": ["Generator", "Discriminator", "Config", "Trainer"],
    "tf_imgtrans.benchmark": ["count_macs"],
}
SIGNATURES = {
    "tf_imgtrans.losses": {
        "weighted_l1": "(y_true, y_pred)", "color": "(y_true, y_pred)", "total_variation": "(y_pred)",
        "perceptual": "(true_features, pred_features)",
        "contextual": "(true_features, pred_features, bandwidth=0.5, epsilon=1e-05)",
        "discriminator_log_loss": "(real_logits, fake_logits)", "generator_log_loss": "(fake_logits)",
        "feature_matching": "(true_features, pred_features)", "non_saturating": "(fake_logits)",
        "r1_penalty": "(discriminator, real_images, gamma)",
        "corresponding_point": "(source, y_pred, mask, norm='l2')"},
    "tf_imgtrans.metrics": {
        "psnr": "(y_true, y_pred, channel='rgb', crop_border=0)", "ssim": "(y_true, y_pred, channel='rgb', crop_border=0)",
        "ms_ssim": "(y_true, y_pred, channel='rgb', variant='standard')", "niqe": "(images, channel='y', crop_border=0)",
        "frechet_distance": "(mu1, sigma1, mu2, sigma2)", "sliced_wasserstein": "(images_a, images_b, seed=0)",
        "segmentation_scores": "(labels, predictions, classes=19, ignore=255)",
        "pirm_score": "(psnr, mos, cpu_ms, baseline_cpu_ms=3274.0)"},
    "tf_imgtrans.data.corruptions": {
        "random_points": "(image, share, seed)", "edge_points": "(image, share, seed, operator='sobel')",
        "color_noise": "(image, valid_share, seed)", "white_block": "(image, size=128)",
        "color_blocks": "(image, patches, seed)"},
}


@pytest.mark.parametrize("module, name", [(module, name) for module, names in NAMES.items() for name in names])
def test_contracted_names(module, name):
  assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module, name", [(module, name) for module, names in SIGNATURES.items() for name in names])
def test_contracted_signatures(module, name):
  parameters = inspect.signature(getattr(importlib.import_module(module), name)).parameters.values()
  seen = [parameter.replace(annotation=parameter.empty) for parameter in parameters]
  count = SIGNATURES[module][name].count(",") + 1
  assert f"({', '.join(map(str, seen[:count]))})" == SIGNATURES[module][name]
  assert all(parameter.default is not parameter.empty for parameter in seen[count:])  # more may come, with defaults


def _packages():
  root = pathlib.Path(ti.__file__).parent
  return ["tf_imgtrans", *(found.name for found in pkgutil.walk_packages([str(root)], "tf_imgtrans.") if found.ispkg)]


@pytest.mark.parametrize("package", _packages())
def test_every_listed_name_resolves(package):
  module = importlib.import_module(package)
  for name in getattr(module, "__all__", ()):
    assert getattr(module, name) is not None, name


def test_list_generators():
  assert ti.list_generators() == sorted(ti.list_generators())
  assert {"mux_demux", "mux_demux_hp"} <= set(ti.list_generators())


def test_a_metric_is_called_as_keras_calls_its_losses():
  for module, names in (("losses", ["weighted_l1", "color"]), ("metrics", ["psnr", "ssim", "ms_ssim"])):
    for name in names:
      parameters = list(inspect.signature(getattr(getattr(ti, module), name)).parameters)
      assert parameters[:2] == ["y_true", "y_pred"], name


LIGHT = """
import sys
import tf_imgtrans
heavy = sorted({"tensorflow", "keras", "numpy", "cv2", "scipy", "skimage", "PIL"} & set(sys.modules))
assert not heavy, heavy
tf_imgtrans.list_generators()
heavy = sorted({"tensorflow", "keras"} & set(sys.modules))
assert not heavy, heavy
print(tf_imgtrans.__version__)
"""


def test_importing_the_package_imports_no_tensorflow():
  assert recipes.run_python(LIGHT).strip() == ti.__version__


def test_classes_are_known_whatever_is_imported_first():
  """Keras may be imported in the middle of an import of ours, as TensorFlow loads it when its modules are inspected."""
  for first in ("tf_imgtrans.data.degradations", "tf_imgtrans.data.settings"):
    said = recipes.run_python(f"import importlib, sys, tensorflow\nimportlib.import_module({first!r})\nimport keras\n"
                              "print('tf_imgtrans.papers.mux_demux.generator' in sys.modules)\n")
    assert said.strip() == "True", first
