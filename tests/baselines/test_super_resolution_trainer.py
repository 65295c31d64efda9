"""Training of the super-resolution networks: one step of each stage, starting weights, resumed runs."""


import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.carn.network import Carn
from tf_imgtrans.baselines.esrgan.network import Esrgan
from tf_imgtrans.baselines.esrgan.objective import generator_loss, relativistic_discriminator_loss
from tf_imgtrans.baselines.rcan.network import Rcan
from tf_imgtrans.core.networks import digest
from tf_imgtrans.data.super_resolution import shrink
from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.recipes import find_recipe

GAN = {"stage": "gan", "weight_perceptual": 0.1, "perceptual_layer": "block1_conv2", "vgg_weights": "random"}
CASES = {"esrgan": ("esrgan", {}), "gan": ("esrgan", GAN), "carn": ("carn", {}),
         "carn_single": ("carn", {"multi_scale": False}), "rcan": ("rcan", {})}  # recipe, and changes of its tiny preset
NAMES = list(CASES)
CLASSES = {"esrgan": Esrgan, "gan": Esrgan, "carn": Carn, "carn_single": Carn, "rcan": Rcan}
GAN_TERMS = {"total", "l1", "perceptual", "adversarial", "discriminator", "real_score", "fake_score"}


def _batch(config, seed=1):
  size = config.patch_size
  target = recipes.smooth_images(config.batch_size, size, size, 3, seed=seed)
  return shrink(target, config.scale).numpy(), target


def _trainer(name, precision="float32", **options):
  recipe, changes = CASES[name]
  return find_recipe(recipe).make_trainer(find_recipe(recipe).preset("tiny", **{**changes, **options}), precision)


# One step ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_one_step(name):
  trainer = _trainer(name)
  config = trainer.config
  assert type(trainer.generator) is CLASSES[name] and trainer.generator.config == config
  assert ("discriminator" in trainer.parts) == (trainer.vgg is not None) == (name == "gan")
  assert trainer.provenance() == ({"vgg19": digest(trainer.vgg)} if name == "gan" else {})
  before = recipes.state(trainer)
  terms = trainer.train_step(_batch(config))
  assert terms.keys() == (GAN_TERMS if name == "gan" else {"total", "l1"})
  assert {value.dtype.name for value in terms.values()} == {"float32"}
  assert all(np.isfinite(value) for value in recipes.numbers(terms).values())
  still = {path for path, value in recipes.state(trainer).items()
           if path.split("/")[0] in ("generator", "discriminator") and (value == before[path]).all()}
  if name == "carn":  # the upsamplers of two scales
    others = {2, 3, 4} - {_scale_of_the_step()}
    assert still == {path for path in before if path.startswith("generator/")
                     and any(f"scale{scale}_up" in path for scale in others)}
  elif name == "rcan":  # two channels of an attention may both be below zero, and stay there
    assert all("_squeeze/" in path or "_excite/kernel" in path for path in still)
  else:  # both losses see differences of logits alone
    assert {path.split("discriminator/", 2)[-1] for path in still} == ({"head/bias"} if name == "gan" else set())
  assert int(trainer.step) == 1


def _scale_of_the_step(seed=0):
  """The scale at which the loss of the first step is the one that the trainer gives."""
  trainer = _trainer("carn", seed=seed)
  batch = _batch(trainer.config)
  target = tf.constant(batch[1])
  losses = {}
  for scale in (2, 3, 4):
    part = target[:, :4 * scale, :4 * scale]
    fake = trainer.generator(shrink(part, scale), training=True, scale=scale)
    losses[scale] = float(tf.reduce_mean(tf.abs(part - fake)))
  found = float(trainer.train_step(batch)["l1"])
  near = [scale for scale, loss in losses.items() if abs(loss - found) < 1e-5 * loss]
  assert len(near) == 1, (losses, found)
  return near[0]


def test_every_scale_is_drawn():
  assert {_scale_of_the_step(seed) for seed in range(8)} == {2, 3, 4}


@pytest.mark.parametrize("name", ["esrgan", "carn_single", "rcan", "gan"])
def test_the_loss_of_a_step_is_before_it(name):
  """The generator moves before the discriminator: both see the weights that the step began with."""
  trainer = _trainer(name, seed=2)
  source, target = map(tf.constant, _batch(trainer.config))
  fake = trainer.generator(source, training=True)
  discriminator = trainer.parts.get("discriminator")
  total, expected = l1(target, fake), {}
  if discriminator:
    logits = [discriminator(each, training=True) for each in (target, fake)]
    total, expected = generator_loss(trainer.config, target, fake, *logits, trainer.vgg)
  terms = recipes.numbers(trainer.train_step((source, target)))
  for term, value in {"total": total, "l1": total, **expected}.items():
    np.testing.assert_allclose(terms[term], float(value), rtol=1e-4, err_msg=term)
  if discriminator:
    np.testing.assert_allclose(terms["discriminator"], float(relativistic_discriminator_loss(*logits)), rtol=1e-4)
    real, fake = (np.float64(each) for each in logits)
    np.testing.assert_allclose(terms["real_score"], np.mean(1 / (1 + np.exp(fake.mean() - real))), rtol=1e-4)
    np.testing.assert_allclose(terms["fake_score"], np.mean(1 / (1 + np.exp(real.mean() - fake))), rtol=1e-4)


def test_the_rate_is_halved():
  """After two steps and after three, of both optimizers."""
  trainer = _trainer("gan", halve_at=(2, 3), learning_rate=1e-3)
  rates = []
  for _ in range(5):
    rates.append([float(trainer.optimizers[name].learning_rate) for name in ("generator", "discriminator")])
    trainer.train_step(_batch(trainer.config))
  np.testing.assert_allclose(rates, np.outer([1e-3, 1e-3, 5e-4, 2.5e-4, 2.5e-4], [1, 1]), rtol=1e-6)
  assert float(_trainer("rcan", halve_at=()).optimizers["generator"].learning_rate) == pytest.approx(1e-4)


def test_gradients_are_clipped_together():
  """Adam does not see a factor that all of its gradients share, but its first moments do."""
  moments = []
  for clip in (0.0, 1e-3):
    trainer = _trainer("carn_single", gradient_clip=clip)
    trainer.train_step(_batch(trainer.config))
    found = [value for path, value in recipes.state(trainer).items() if path.endswith("_momentum")]
    moments.append(np.concatenate([value.ravel() for value in found]))
  length = np.linalg.norm(moments[0])
  assert length > 1e-3
  np.testing.assert_allclose(moments[1], moments[0] * (1e-4 / length), rtol=1e-3, atol=1e-10)  # beta_1 keeps a tenth


# Where stage gan starts ------------------------------------------------------------------------------------------------

def test_starting_weights(tmp_path):
  """Of a run folder or of a file; its digest is told."""
  first = _trainer("esrgan", seed=7)
  first.generator.save(tmp_path / "generator.keras")
  for path in (tmp_path, tmp_path / "generator.keras"):
    trainer = _trainer("gan", initial_weights=str(path))
    for a, b in zip(first.generator.get_weights(), trainer.generator.get_weights()):
      recipes.assert_same(a, b)
    assert trainer.provenance()["initial_weights"] == digest(first.generator)
    half = _trainer("gan", "mixed_bfloat16", initial_weights=str(path))
    assert digest(half.generator) == digest(first.generator)


def test_wrong_starting_weights(tmp_path):
  with pytest.raises(ValueError, match="stage gan starts from a generator .*--config.initial_weights"):
    _trainer("gan", initial_weights="")
  with pytest.raises(FileNotFoundError, match="generator.keras do not exist: expected a finished run folder"):
    _trainer("gan", initial_weights=str(tmp_path))
  (tmp_path / "generator.keras").write_bytes(b"no archive")
  with pytest.raises(ValueError, match="generator.keras cannot be loaded"):
    _trainer("gan", initial_weights=str(tmp_path))
  for name, changes in (("rcan", {}), ("esrgan", {"channels": 8}), ("esrgan", {"scale": 2})):
    _trainer(name, **changes).generator.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="other.keras hold (Rcan|Esrgan) of .* not Esrgan of .* at scale 4"):
      _trainer("gan", initial_weights=str(tmp_path / "other.keras"))


# Runs ----------------------------------------------------------------------------------------------------------------
