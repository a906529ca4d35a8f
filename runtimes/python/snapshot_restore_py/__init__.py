"""Hooks of a function around its snapshot: the names of the package `snapshot-restore-py` of PyPI, for functions that
do not bring it. Without snapshots nothing is ever called.

    @register_before_snapshot
    def close_connections(): ...

    register_after_restore(connect, "database", retries=3)
"""

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    """Has func(*args, **kwargs) called once INIT is done, the last registered first. Returns func."""
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Has func(*args, **kwargs) called in each instance before its first invocation, in the order of registration."""
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    return _before_snapshot


def get_after_restore():
    return _after_restore
