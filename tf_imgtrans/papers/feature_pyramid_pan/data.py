"""Data of the paper's tasks (Sec. 3), as every method of image translation reads them."""

from tf_imgtrans.data.translation import (
    DataFolder,
    find,
    held_out,
    read,
    task,
    training_data,
)

__all__ = ["DataFolder", "find", "held_out", "read", "task", "training_data"]
