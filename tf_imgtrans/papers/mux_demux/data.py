"""Data of the paper (Sec. 4.3): DPED's pairs of patches, as every method of photo enhancement reads them."""

from tf_imgtrans.data.enhancement import read, task, training_data

__all__ = ["read", "task", "training_data"]
