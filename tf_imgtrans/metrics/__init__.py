"""Image quality metrics: one per file, each starting with its definition, range, protocol and comparability.

A metric takes float [N, H, W, 3] RGB images in [0, 1] and returns float64 [N], one value per image; it needs only NumPy,
SciPy and OpenCV. The challenge's scores take the means of such values instead of images, and the segmentation scores
take label maps, all frames at once. Metrics of sets (fid, feature_distance, sliced_wasserstein) take two sets of
images, as arrays or one image at a time, and return a dict; the networks of the first two need Keras.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names are listed in __init__.pyi
