"""What photographs without targets become before `evaluate` shows them to a model."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Degradation:
  """What photographs become before the model sees them."""

  scale: int  # of the model; 1: the phone camera's
  image_size: int  # 0: as they are
  shrink: str

  @property
  def description(self):
    size = f"middle squares of {self.image_size} pixels, " if self.image_size else ""
    return size + (f"shrunk to 1/{self.scale} by {self.shrink}" if self.scale > 1 else "phone_camera")

  def __call__(self, path):
    """(source, target) of a photograph, float32."""
    from tf_imgtrans.core.images import read_uint8
    from tf_imgtrans.data.degradations import area, low_resolution, phone_camera
    from tf_imgtrans.data.folders import HELD_OUT_SEED
    from tf_imgtrans.data.resizing import central_square, resize

    image = read_uint8(path)
    if self.image_size:
      image = resize(central_square(image), self.image_size)
    target = image.astype(np.float32) / 255
    if self.scale == 1:
      return phone_camera(target, HELD_OUT_SEED).numpy(), target
    height, width = (side // self.scale * self.scale for side in target.shape[:2])
    target = target[:height, :width]
    return (area if self.shrink == "area" else low_resolution)(target, self.scale).numpy(), target
