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
    enhancement as enhancement,
)
from . import (
    esrgan as esrgan,
)
from . import (
    on_demand as on_demand,
)
from . import (
    rcan as rcan,
)
from . import (
    segmentation as segmentation,
)
from . import (
    translation as translation,
)
