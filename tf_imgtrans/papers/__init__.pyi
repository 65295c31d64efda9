from . import (
    feature_pyramid_pan as feature_pyramid_pan,
)
from . import (
    mux_demux as mux_demux,
)
from . import (
    progressive_pan as progressive_pan,
)
from . import (
    x_gans as x_gans,
)
