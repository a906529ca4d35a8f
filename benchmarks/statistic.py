"""Percentiles, and the one shape in which figures are kept."""

import statistics


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def figures(values):
    """n, min, p50, p99 and max of what was measured, in its own unit."""
    return {"n": len(values), "min": min(values), "p50": statistics.median(values), "p99": percentile(values, 0.99),
            "max": max(values)}
