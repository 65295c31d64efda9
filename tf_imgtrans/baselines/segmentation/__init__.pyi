from .config import PRESETS as PRESETS
from .config import Config as Config
from .network import Segmenter as Segmenter
from .score import fcn_scores as fcn_scores
from .score import load_segmenter as load_segmenter
from .trainer import Trainer as Trainer
