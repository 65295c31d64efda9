"""Data of the paper (Sec. 4): photographs that are corrupted on the fly, as every method of reconstruction reads them."""

from tf_imgtrans.data.reconstruction import (
    corrupt,
    data_summary,
    held_out,
    patch_store,
    read,
    task,
    training_data,
)

__all__ = ["corrupt", "data_summary", "held_out", "patch_store", "read", "task", "training_data"]
