"""The kept pixels of a photograph: drawing them, and reconstructing the image from them with a model (Sec. 4.5)."""

import numpy as np

from tf_imgtrans.core.images import to_float32, to_uint8
from tf_imgtrans.data import corruptions


def sample(pixels, share, sampling, seed):
  """Draws the pixels to keep.

  Args:
    pixels: uint8 [H, W, 3].
    share: float in (0, 1].
    sampling: "edge" or "random", as of data.corruptions.edge_points and random_points.
    seed: int or int pair.
  Returns:
    bool [H, W].
  """
  draw = {"edge": corruptions.edge_points, "random": corruptions.random_points}[sampling]
  _, mask = draw(to_float32(pixels), share, seed)
  return mask.numpy()[..., 0] > 0


def rebuild(model, sparse, kept, keep_points=False):
  """Reconstructs an image from kept pixels with a model.

  Args:
    model: callable on float32 [1, H, W, 3] in [0, 1], such as the result of inference.models.load_model.
    sparse: uint8 [H, W, 3], white where no pixel was kept.
    kept: bool [H, W].
    keep_points: bool, whether the kept pixels are copied into the result.
  Returns:
    uint8 [H', W', 3], of the size of the model's output.
  Raises:
    ValueError: keep_points is set, and the model's output has another size.
  """
  image = to_uint8(np.asarray(model(to_float32(sparse[None])))[0])
  if not keep_points:
    return image
  if image.shape != sparse.shape:
    raise ValueError(f"the model gives {image.shape[1]}x{image.shape[0]} pixels for {sparse.shape[1]}x"
                     f"{sparse.shape[0]}: kept pixels have no place in them; leave keep_points out")
  return np.where(kept[..., None], sparse, image)
