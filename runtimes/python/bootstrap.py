"""Entry point of the Python runtime: python3.X -S -B /var/runtime/bootstrap.py (see README.md).

It stays tiny because a script is compiled at every start; everything else is imported and so cached as bytecode.
"""

from lambent_runtime.main import main  # found first: Python puts this script's folder at sys.path[0]

main()
