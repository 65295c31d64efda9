from .models import LoadedModel as LoadedModel
from .models import at_scale as at_scale
from .models import load_model as load_model
from .predict import (
    AnySize as AnySize,
)
from .predict import (
    PredictReport as PredictReport,
)
from .predict import (
    output_paths as output_paths,
)
from .predict import (
    predict_files as predict_files,
)
from .receptive_field import Field as Field
from .receptive_field import FixedStatistics as FixedStatistics
from .tiles import Tiler as Tiler
from .tiles import predict_tiled as predict_tiled
from .video import predict_video as predict_video
