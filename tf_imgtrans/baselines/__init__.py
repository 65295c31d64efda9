"""The networks that the papers compare theirs with: one room per task, trained under the paper's protocol."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__, submodules=["classical", "enhancement", "on_demand", "segmentation", "translation"])
