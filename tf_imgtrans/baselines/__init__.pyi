from . import (
    bicubic as bicubic,
)
from . import (
    carn as carn,
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
    dped as dped,
)
from . import (
    drrn as drrn,
)
from . import (
    esrgan as esrgan,
)
from . import (
    johnson as johnson,
)
from . import (
    on_demand as on_demand,
)
from . import (
    pix2pix as pix2pix,
)
from . import (
    rcan as rcan,
)
from . import (
    segmentation as segmentation,
)
from . import (
    srcnn as srcnn,
)
