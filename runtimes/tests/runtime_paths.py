"""Where the runtimes are, and the flags that their READMEs name."""

import os

RUNTIMES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON_FLAGS = ["-S", "-B"]
NODE_TEMPLATE_FLAGS = ["--single-threaded", "--v8-pool-size=1", "--no-flush-bytecode"]
