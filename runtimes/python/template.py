"""Entry point of a template: python3.X -S -B /var/runtime/template.py (see README.md).

What it imports stays loaded in every instance that is forked from it.
"""

from lambent_runtime.template import main  # found first: Python puts this script's folder at sys.path[0]

main()
