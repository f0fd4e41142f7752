"""dibs as a system to be measured: in the environment this runs in."""

import sys
from pathlib import Path
from typing import Final

from dibs.bench.driver import System

DIBS: Final = System(name="dibs", adapter=Path(__file__).with_name("dibs_system.py"), python=Path(sys.executable))
