from . import (
    adversarial as adversarial,
)
from . import (
    classical as classical,
)
from . import (
    context_encoder as context_encoder,
)
from . import (
    crn as crn,
)
from . import (
    drrn as drrn,
)
from . import (
    enhancement as enhancement,
)
from . import (
    on_demand as on_demand,
)
from . import (
    pix2pix as pix2pix,
)
from . import (
    segmentation as segmentation,
)
from . import (
    super_resolution as super_resolution,
)
