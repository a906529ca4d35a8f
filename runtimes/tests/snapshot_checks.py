"""What holds of a template in which a function's INIT has run, whatever its language."""


def snapshot_starter(snapshot, starter, command, file, handler, folder, own_env=None, template_env=None):
    """start(source or {file: text}, env) -> (template, instance(env))"""

    def start(source, env=None):
        files = source if isinstance(source, dict) else {file: source}
        template = snapshot(command, files, handler, folder, {**(own_env or {}), **(template_env or {}), **(env or {})})

        def instance(env=None):
            given = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "AWS_LAMBDA_LOG_STREAM_NAME": "own"}
            return starter.start(template, handler, folder, {**given, **(own_env or {}), **(env or {})})

        return template, instance

    return start


def init_ran_once(start, app):
    """`app` answers with calls, stream, ppid, env and random; gives what its INIT printed."""
    template, instance = start(app, {"AWS_LAMBDA_LOG_STREAM_NAME": "init-stream", "OLD": "gone", "SAME": "same"})
    results = [instance({"SAME": "same", "NEW": "new"}).result() for _ in range(5)]
    for result in results:
        assert result["calls"] == ["init", "before 2", "before 1", "after 1", "after 2"]
        assert (result["stream"], result["ppid"]) == ("own", template.process.pid)
        env = result["env"]
        assert (env["BY_INIT"], env["SAME"], env["NEW"]) == ("kept", "same", "new")
        assert "OLD" not in env and not [name for name in env if name.startswith("LAMBENT_")]
    numbers = [number for result in results for number in result["random"]]
    assert len(set(numbers)) == len(numbers)
    return template.output()


def counts_go_on(start, counter):
    """`counter` answers with the number of its calls."""
    _, instance = start(counter)
    first, second = instance(), instance()
    assert [first.result(), first.result(), second.result(), first.result()] == [1, 2, 1, 3]


def template_reports(start, source, error_type, status):
    template, _ = start(source)
    posted = template.server.posted.get(timeout=20)
    assert (posted.kind, posted.json()["errorType"]) == ("init/error", error_type)
    assert template.process.wait(20) == status


def instances_report(start, source, error_type, status):
    """Gives the messages."""
    _, instance = start(source)
    messages = []
    for _ in range(2):
        run = instance()
        posted = run.receive()
        assert (posted.kind, posted.json()["errorType"]) == ("restore/error", error_type)
        assert run.exit_code() == status
        messages.append(posted.json()["errorMessage"])
    return messages


def no_snapshot_is_made(start, source, left):
    template, _ = start(source)
    assert template.process.wait(20) == 3
    assert "No snapshot is made of this version: INIT left %s" % left in template.output()
