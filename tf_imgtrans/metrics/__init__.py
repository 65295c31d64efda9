"""Image quality metrics: one per file, each opening with its card (definition, range, protocol, comparability).

A metric takes float [N, H, W, 3] RGB images in [0, 1] and gives float64 [N], one value per image; it needs NumPy,
SciPy and OpenCV only. The challenge's scores take the means of such values instead of images, and the segmentation scores
take maps of classes, all frames at once. Metrics of sets (fid, feature_distance, sliced_wasserstein) take two sets of
images, as arrays or one image at a time, and give a dict; the networks of the first two need Keras.
"""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names stand in __init__.pyi
