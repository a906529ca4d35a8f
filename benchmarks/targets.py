"""The numbers that the project wants to reach, as ratios within one run where that says more, and those reached."""


def warm_of(results, title, connections, name):
    contender = results.get("warm", {}).get("contenders", {}).get(title)
    return contender and contender["connections"].get(connections, {}).get(name)


def table_of(results, title, connections, name):
    return warm_of({"warm": results.get("tables", {})}, title, connections, name)


def table_rows(results):
    def cpu(title):
        return table_of(results, title, "16", "cpu_us")

    for name, reach, beyond in (("GetItem", 1 / 4, 1 / 8), ("PutItem", 1 / 5, 1 / 10), ("Query", 1 / 7, 1 / 15)):
        yield (f"{name}, 16 connections, CPU, to dynalite", "x", ratio(cpu(f"lambent {name}"), cpu(f"dynalite {name}")),
               reach, beyond, True)
    yield ("GetItem, 1 connection, p50, to nginx return 200", "x",
           ratio(table_of(results, "lambent GetItem", "1", "p50_us"),
                 table_of(results, "nginx return 200", "1", "p50_us")), 4, 2, True)
    for name in ("GetItem", "PutItem"):
        large = [cpu(title) for title in results.get("tables", {}).get("contenders", {})
                 if title.startswith(f"lambent {name}, ")]
        yield (f"{name}, CPU with the large table to that with 10,000 items", "x",
               ratio(large[0] if large else None, cpu(f"lambent {name}")), 1.5, 1.1, True)


def cold_of(results, kind, level):
    found = results.get("cold", {}).get("starts", {}).get(kind, {}).get(level)
    return found and found["p50"]


def bare_of(results, title):
    found = results.get("cold", {}).get("bare", {}).get(title)
    return found and found["p50"]


def ratio(value, to):
    return value / to if value is not None and to else None


WORKERD = "workerd echo"
URLS = {"Python": "lambent Python, URL", "Node.js": "lambent Node.js, URL"}


def rows(results):
    """(what, unit, measured or None, to reach, wanted beyond, whether less is better)."""
    yield "cold, C bootstrap, p50", "ms", cold_of(results, "C bootstrap", "blank"), 3, 1.5, True
    yield ("cold, Python, blank, to python3 -I -S -c pass", "x",
           ratio(cold_of(results, "Python", "blank"), bare_of(results, "python3 -I -S -c pass")), 0.6, 0.25, True)
    yield ("cold, Python with boto3 client, snapshot, to import boto3", "x",
           ratio(cold_of(results, "Python, boto3 client", "snapshot"), bare_of(results, "python3 -c 'import boto3'")),
           1 / 60, 1 / 120, True)
    for level in ("blank", "snapshot"):
        yield (f"cold, Node.js, {level}, to node -e 0", "x",
               ratio(cold_of(results, "Node.js", level), bare_of(results, "node -e 0")), 1 / 12, 1 / 25, True)
    for language, title in URLS.items():
        p50, cpu = warm_of(results, title, "1", "p50_us"), warm_of(results, title, "16", "cpu_us")
        p50_to, cpu_to = warm_of(results, WORKERD, "1", "p50_us"), warm_of(results, WORKERD, "16", "cpu_us")
        yield f"warm {language}, 1 connection, p50", "us", p50, 80, 40, True
        yield f"warm {language}, 1 connection, p50, to workerd", "x", ratio(p50, p50_to), 0.5, None, True
        yield f"warm {language}, 16 connections, CPU per call", "us", cpu, 50, 30, True
        yield f"warm {language}, 16 connections, CPU, to workerd", "x", ratio(cpu, cpu_to), 0.6, None, True
        yield (f"warm {language}, 16 connections, requests/s, to workerd", "x",
               ratio(warm_of(results, title, "16", "requests_per_second"),
                     warm_of(results, WORKERD, "16", "requests_per_second")), 1.5, 3, False)
    yield ("signed Invoke to unsigned URL, CPU, 16 connections", "x",
           ratio(warm_of(results, "lambent Python, signed Invoke", "16", "cpu_us"),
                 warm_of(results, URLS["Python"], "16", "cpu_us")), 1.3, 1.15, True)
    yield ("instance per request to reuse, requests/s, 16 connections", "x",
           ratio(warm_of(results, "lambent Python, instance per request", "16", "requests_per_second"),
                 warm_of(results, URLS["Python"], "16", "requests_per_second")), 0.25, 0.5, False)
    density = results.get("density", {})
    yield "idle Python instance, PSS", "MiB", density.get("idle", {}).get("per_instance_pss_mib"), 3, 1, True
    known = density.get("known", {})
    yield "server RSS, idle, all functions known", "MiB", known.get("server_rss_mib"), 60, 40, True
    yield ("server start to first answer, all functions known, p50", "ms",
           known.get("start_to_first_answer_ms", {}).get("p50"), 50, 20, True)
    yield from table_rows(results)


def reaches(measured, limit, less):
    return measured <= limit if less else measured >= limit


def judged(results):
    """The rows with a verdict: reached, reached and beyond, missed, or not measured."""
    for what, unit, measured, reach, beyond, less in rows(results):
        if measured is None:
            verdict = "not measured"
        elif not reaches(measured, reach, less):
            verdict = "MISSED"
        elif beyond is not None and reaches(measured, beyond, less):
            verdict = "reached, and beyond"
        else:
            verdict = "reached"
        yield what, unit, measured, reach, beyond, verdict
