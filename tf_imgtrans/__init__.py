"""Four image-to-image translation papers in TensorFlow 2 and Keras 3, up to the phone and the server.

Importing the package is light: TensorFlow and Keras are imported with the first name that needs them.
"""

import wrapt as _wrapt
from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names stand in __init__.pyi


def _register_with_keras(_keras):
  from tf_imgtrans.recipes import import_serializable

  import_serializable()


# `keras.saving.load_model` finds only registered classes, and ours register when their module is imported. So they
# are imported as soon as Keras is, whoever imports it.
_wrapt.register_post_import_hook(_register_with_keras, "keras")
