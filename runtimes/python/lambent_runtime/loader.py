"""Makes sys.path and the builtins what AWS's runtime shows, and finds the user's handler."""

import sys

TASK_ROOT = "/var/task"
_LAYERS = "/opt/python"


class Fault(Exception):
    """An error of the function as a whole that has an AWS name such as Runtime.ImportModuleError.

    trace: lines for stackTrace, or None.
    """

    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.trace = trace


def first_folders(task_root):
    """Where modules are looked for first: the function, then its layers."""
    return [task_root, "%s/lib/python%d.%d/site-packages" % ((_LAYERS,) + sys.version_info[:2]), _LAYERS]


def arrange_sys_path(task_root):
    """Puts the function, then the layers, then this runtime in front of PYTHONPATH and the standard library."""
    first = first_folders(task_root) + [sys.path[0]]
    sys.path[:] = first + [entry for entry in sys.path[1:] if entry not in first]


def arrange_builtins():
    """Gives the names that the skipped `site` module defines and that functions do use."""
    import _sitebuiltins
    import builtins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.help = _sitebuiltins._Helper()


def load_handler(name):
    """The callable named by "module.function"; the module may be "package/module" or "package.module".

    Raises Fault for the mistakes that AWS names; what else the module raises while it loads passes through.
    """
    try:
        path, function = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (name, error)) from None
    module_name = path.replace("/", ".")
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = "Cannot use built-in module %s as a handler module" % path
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        __import__(module_name)  # unlike importlib.import_module it leaves no frames of its own in a traceback
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (path, error)) from error
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        raise Fault("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (path, error), trace) from error
    try:
        return getattr(sys.modules[module_name], function)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function, path)
        raise Fault("Runtime.HandlerNotFound", message) from None
