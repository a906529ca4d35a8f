"""The tables that a run prints, in Markdown, so that docs/performance.md holds them as they are."""

import targets


def table(head, rows):
    """Columns as wide as their widest cell; the first one to the left, the others to the right."""
    cells = [head, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def line(row):
        return "| " + " | ".join(cell.ljust(width) if number == 0 else cell.rjust(width)
                                 for number, (cell, width) in enumerate(zip(row, widths))) + " |"

    ruler = " | ".join("-" * width if number == 0 else "-" * (width - 1) + ":" for number, width in enumerate(widths))
    ruler = f"| {ruler} |"
    return "\n".join([line(cells[0]), ruler, *map(line, cells[1:])])


def number(value, digits=1):
    return "-" if value is None else f"{value:,.{digits}f}"


def of_machine(results):
    machine = results["machine"]
    lines = [f"{machine['date']}, commit {machine['commit']}, {machine['binary']}",
             f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, "
             f"Linux {machine['kernel']}, {machine['system']}, {machine['python']}, Node.js {machine['node']}"]
    for section in ("warm", "cold", "tables"):
        part = results.get(section)
        if part and part.get("machine_while"):
            shares, loads = part["machine_while"], part["load_average"]
            lines.append(f"during {section}: load average {min(loads):.1f} to {max(loads):.1f}, processors "
                         f"{shares['busy']:.0%} busy with this and anything else, "
                         f"{shares['stolen']:.0%} taken by the hypervisor")
    return "\n".join(lines)


def of_warm(warm, what="warm calls, 40 bytes of JSON"):
    rows = []
    for title, found in warm["contenders"].items():
        for level, values in found["connections"].items():
            rows.append([title, level, number(values["p50_us"], 0), number(values["p99_us"], 0),
                         number(values["requests_per_second"], 0), number(values["cpu_us"]),
                         number(values["server_cpu_us"]),
                         number(found["memory"]["rest_mib"]), number(found["memory"]["after_load_mib"])])
    text = table([what, "connections", "p50 us", "p99 us", "requests/s", "CPU us/request",
                  "of it the server", "PSS at rest, MiB", "after load"], rows)
    return text + missing(warm["missing"])


def of_tables(tables):
    return of_warm(tables, "tables, items of 250 bytes")


def of_cold(cold):
    rows = []
    for kind, levels in cold["starts"].items():
        rows += [[f"{kind}, {level}", *values_of(found)] for level, found in levels.items()]
    rows += [[title, *values_of(found)] for title, found in cold["bare"].items()]
    head = ["cold starts, ms", "n", "min", "p50", "p99"]
    return table(head, rows) + missing(cold["missing"]) + "\n\n" + of_phases(cold)


def of_phases(cold):
    """Means of what the server says itself of the same starts, and at which level it made them."""
    phases = ["queue", "shell", "fork", "restore", "init", "first_byte", "total"]
    rows = [[title, *[number(found.get(phase, 0.0), 2) for phase in phases],
             ", ".join(f"{count} {level}" for level, count in cold["levels_used"][title].items())]
            for title, found in cold["mean_phases_ms"].items()]
    return table(["of it in the server, mean ms", *[phase.replace("_", " ") for phase in phases], "starts"], rows)


def values_of(found):
    return [found["n"], number(found["min"], 2), number(found["p50"], 2), number(found["p99"], 2)]


def of_density(density):
    rows = []
    if "idle" in density:
        idle = density["idle"]
        rows += [[f"{idle['functions']} idle Python instances, PSS of all, MiB", number(idle["instances_pss_mib"])],
                 ["each, MiB", number(idle["per_instance_pss_mib"], 2)],
                 ["processes in their sandboxes", idle["processes_in_sandboxes"]],
                 ["calls that failed on the way there", idle["failed_calls"]],
                 ["spawner, templates and egress process beside them, PSS, MiB",
                  number(idle["spawner_templates_egress_pss_mib"])],
                 ["server beside them, RSS, MiB", number(idle["server_rss_mib"])]]
    if "known" in density:
        known = density["known"]
        start = known["start_to_first_answer_ms"]
        rows += [["server after a start with as many functions known, RSS, MiB", number(known["server_rss_mib"])],
                 ["the same, all processes, PSS, MiB", number(known["all_pss_mib"])],
                 [f"start to first answer, {start['n']} times, p50, ms", number(start["p50"])],
                 ["the same, slowest, ms", number(start["max"])]]
    why = {"memory and start": density["missing"]} if "missing" in density else {}
    return table(["memory and start", ""], rows) + missing(why)


def missing(reasons):
    return "".join(f"\nnot measured: {what}: {' '.join(why.split())}" for what, why in reasons.items())


def of_targets(results):
    def figure(measured, unit):
        return "-" if measured is None else f"{number(measured, 3 if unit == 'x' else 2)} {unit}"

    rows = [[what, figure(measured, unit), f"{reach:.3g}", "-" if beyond is None else f"{beyond:.3g}", verdict]
            for what, unit, measured, reach, beyond, verdict in targets.judged(results)]
    return table(["target", "measured", "to reach", "wanted beyond", ""], rows)


def text(results):
    parts = [of_machine(results)]
    for section, make in (("warm", of_warm), ("cold", of_cold), ("density", of_density), ("tables", of_tables)):
        if section in results:
            parts.append(make(results[section]))
    parts.append(of_targets(results))
    return "\n\n".join(parts)
