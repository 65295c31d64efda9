"""What follows from the progressive paper's configuration: sizes, channels, variants and presets."""

import dataclasses

import pytest

from tf_imgtrans.core.config import differences
from tf_imgtrans.papers.progressive_pan import Config
from tf_imgtrans.papers.progressive_pan.config import PRESETS, VARIANTS


@pytest.mark.parametrize("fields, scale, connections, sizes", [
    ({}, 8, 5, (8, 16, 32, 64, 128, 256, 512, 1024)),
    ({"progressive": False}, 8, 5, (1024,)),
    ({"input_size": 64, "output_size": 256}, 4, 4, (8, 16, 32, 64, 128, 256)),
    ({"output_size": 256, "skips": 5}, 2, 5, (8, 16, 32, 64, 128, 256)),  # Sec. 5.6: 128 to 256
    ({"start_size": 128}, 8, 5, (128, 256, 512, 1024)),
    ({"input_size": 8, "output_size": 8}, 1, 1, (8,)),
])
def test_sizes(fields, scale, connections, sizes):
  config = Config(**fields)
  assert (config.scale, config.connections, config.sizes) == (scale, connections, sizes)
  assert tuple(stage.resolution for stage in config.stages) == sizes
  assert hash(config) == hash(Config(**fields))  # what is cached does not count


def test_channels():
  """StyleGAN's nf(s) = min(8192 / 2^s, 512) of its stage s = log2(size) - 1."""
  expected = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
  assert {size: Config().channels(size) for size in expected} == expected
  assert Config(channel_base=64, channels_max=8).channels(1024) == 1  # never none


def test_variants_are_the_rows_of_table_2():
  assert VARIANTS.keys() == {"full", "l1", "l2", "non_progressive", "non_noise"}
  changed = {name: {field: getattr(Config(**fields), field) for field in differences(Config(**fields), Config())}
             for name, fields in VARIANTS.items()}
  assert changed == {"full": {}, "l1": {"objective": "l1"}, "l2": {"objective": "l2"},
                     "non_progressive": {"progressive": False}, "non_noise": {"noise": "off"}}


def test_variants_of_presets_end_with_the_output_size():
  for preset in PRESETS.values():
    for changes in VARIANTS.values():
      config = dataclasses.replace(preset, **changes)
      assert config.stages[-1].resolution == config.output_size


def test_presets():
  small = PRESETS["small"]
  assert small.sizes == (8, 16, 32) and small.scale == 4
  assert [stage.minibatch for stage in small.stages] == [16, 8, 8]  # of all replicas together
  # 6000 images of 8 pixels, and 12000 of each other size.
  assert small.iterations == 6000 // 16 + 2 * (12000 // 8) and small.images_at(small.iterations) == 30_000
