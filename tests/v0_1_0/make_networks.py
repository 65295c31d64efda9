"""Makes generators/NAME.keras and generators/NAME.npz, with the package on the path: python make_networks.py FOLDER

Every generator of `list_generators()` with small options, with weights that are nothing special: those drawn first and some
noise, so that none is 0 or 1 any more, rounded to what float16 can hold. The networks whose widths are fixed have a
row of 101 numbers over and over instead, which packs well. NAME.npz holds `input`, float16, and `output`, float32: what the
file, loaded again, makes of it at inference, as float32; of mux_demux_hp, whose noise is random, with noise_seed 7.
"""

import pathlib
import sys
import zlib

import keras
import numpy as np

import tf_imgtrans as ti

# name -> (options, height and width of the input)
NETWORKS = {
    "mux_demux": ({"growth_half": 4, "growth_quarter": 4, "seed": 3}, (15, 18)),
    "mux_demux_hp": ({"growth_half": 4, "growth_quarter": 4, "noise": "random", "seed": 5}, (15, 18)),
    "x_gans": ({"base_channels": 2, "residual_blocks": 1}, (15, 18)),
    "feature_pyramid_pan": ({"image_size": 32, "base_channels": 1, "upsampling": "resize", "affine": True,
                             "noise": "fixed"}, (15, 18)),
    "progressive_pan": ({"input_size": 8, "output_size": 16, "channel_base": 32, "channels_max": 4}, (8, 8)),
    "srcnn": ({}, (15, 18)),
    "johnson": ({}, (15, 18)),
    "dped": ({}, (15, 18)),
    "resnet_8_32": ({}, (15, 18)),
    "resnet_12_64": ({}, (15, 18)),
    "on_demand": ({"image_size": 16, "base_channels": 1}, (16, 16)),
    "pix2pix": ({"image_size": 32, "load_size": 36, "base_channels": 1}, (19, 18)),
    "cnn": ({"image_size": 32, "load_size": 32, "base_channels": 1, "normalization": "instance"}, (19, 18)),
    "context_encoder": ({"image_size": 64, "load_size": 64, "base_channels": 1, "bottleneck": 4}, (64, 64)),
    "crn": ({"image_size": 16, "load_size": 16, "base_channels": 1, "label_set": "camvid"}, (15, 18)),
    "drrn": ({"base_channels": 4, "residual_units": 2}, (15, 18)),
    "bicubic": ({"scale": 3}, (6, 7)),
    "esrgan": ({"channels": 4, "blocks": 1, "growth": 2, "scale": 2, "seed": 3}, (6, 7)),
    "carn": ({"channels": 4, "groups": 1, "blocks": 1}, (6, 7)),
    "rcan": ({"channels": 4, "groups": 1, "blocks": 1, "reduction": 2, "scale": 2}, (6, 7)),
}
PERIOD = 101  # a prime, so that rows of kernels differ
LARGE = 60000  # numbers; from there on they repeat


def weights(network):
  """The initial weights with noise, or a repeated row of numbers of their size, as float16 holds them."""
  large = network.count_params() > LARGE
  for variable in network.weights:
    array = np.array(variable.numpy())
    if array.dtype.kind != "f":
      yield array
      continue
    rng = np.random.default_rng(zlib.crc32(variable.path.split("/", 1)[1].encode()))
    if large and array.size > PERIOD:
      array = np.resize(rng.normal(0, array.std(), PERIOD), array.shape)
    else:
      array = array + rng.normal(0, 0.3 * array.std() or 0.05, array.shape)
    yield (np.abs(array) if variable.path.endswith("moving_variance") else array).astype(np.float16).astype(np.float32)


def main(folder):
  folder.mkdir(parents=True, exist_ok=True)
  assert sorted(NETWORKS) == ti.list_generators()
  for number, (name, (options, sides)) in enumerate(NETWORKS.items()):
    network = ti.create_generator(name, **options)
    network.set_weights(list(weights(network)))
    if name == "crn":
      network.chosen.assign(7)
    network.save(folder / f"{name}.keras")
    source = (np.random.default_rng(number).integers(0, 17, (1, *sides, 3)) / 16).astype(np.float16)
    loaded = keras.saving.load_model(folder / f"{name}.keras", compile=False)
    seeds = {"noise_seed": 7} if options.get("noise") == "random" else {}
    output = np.array(loaded(source.astype(np.float32), training=False, **seeds))
    assert output.tobytes() == np.array(network(source.astype(np.float32), training=False, **seeds)).tobytes(), name
    np.savez_compressed(folder / f"{name}.npz", input=source, output=output)
    print(f"{name}: {network.count_params()} parameters, output {output.shape} {output.min():.3f} .. {output.max():.3f}, "
          f"mean {output.mean():.3f}, deviation {output.std():.3f}")


if __name__ == "__main__":
  main(pathlib.Path(sys.argv[1]))
