"""Training: steps, state, checkpoints, logs and strategies, shared by the papers' trainers."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "checkpoints": ["Checkpoints"],
        "loop": ["NonFiniteTerm", "run_training"],
        "run_folder": ["RunFolder"],
        "strategies": ["make_strategy"],
        "trainer": ["GanTrainer"],
        "validation": ["Validator"],
    },
)
