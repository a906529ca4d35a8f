"""POST /backup and `lambent backup`: a data folder as of one moment, made while the server works."""

import concurrent.futures
import itertools
import os
import pathlib
import random
import shutil
import stat
import subprocess
import threading

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from functions_api import ECHO, fetch
from lambent import BINARY
from tables_api import create_table


def ask(server, method="POST", keys=None, service="lambent"):
    """(status, text)"""
    request = botocore.awsrequest.AWSRequest(method, server.endpoint + "/backup")
    botocore.auth.SigV4Auth(keys or server.session().get_credentials(), service, "us-east-1").add_auth(request)
    status, _, body = fetch(server.endpoint + "/backup", method=method, headers=dict(request.headers.items()))
    return status, body.decode().strip()



def keys_of(server, table):
    pages = server.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return {item["id"]["S"] for page in pages for item in page["Items"]}


def write_until(stop, server, table, part, acknowledged):
    client = server.client("dynamodb")
    for number in itertools.count():
        if stop.is_set():
            return
        client.put_item(TableName=table, Item={"id": {"S": f"{part}-{number}"}, "x": {"S": "x" * 2000}})
        acknowledged.append(f"{part}-{number}")


def deploy_until(stop, server, made):
    """Functions come and go: what a backup names must have its code."""
    client = server.client("lambda")
    while not stop.is_set():
        name = server.create_function({"app.py": f"def handler(event, context):\n    return {len(made)}\n"})
        made.append(name)
        if len(made) > 2:
            client.delete_function(FunctionName=made[-3])


def test_a_backup_under_load_holds_all_that_was_acknowledged_and_works(new_server, tmp_path):
    server = new_server().start()
    table, function = create_table(server.client("dynamodb")), server.create_function(ECHO)
    stop, acknowledged, made, backups = threading.Event(), [], [], []
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        work = [pool.submit(write_until, stop, server, table, part, acknowledged) for part in range(3)]
        work.append(pool.submit(deploy_until, stop, server, made))
        try:
            for number in range(3):
                while len(acknowledged) < 200 * (number + 1):
                    assert not any(each.done() for each in work)
                before = list(acknowledged)
                status, folder = ask(server)
                assert status == 200, folder
                shutil.move(folder, tmp_path / f"copy-{number}")
                backups.append((tmp_path / f"copy-{number}", before))
        finally:
            stop.set()
        for each in work:
            each.result()
    keys = server.session().get_credentials().access_key
    server.stop()
    for folder, before in backups:
        copy = new_server(name=folder.name).start()
        found = keys_of(copy, table)
        assert set(before) <= found <= set(acknowledged)
        assert copy.invoke(function, {"n": 1})[0] == {"n": 1}
        for each in copy.client("lambda").list_functions()["Functions"]:
            copy.invoke(each["FunctionName"])
        assert copy.session().get_credentials().access_key == keys
        copy.stop()


def test_only_the_root_key_makes_a_backup_and_only_by_post(server):
    assert fetch(server.endpoint + "/backup", method="POST")[0] == 403
    assert ask(server, service="lambda")[0] == 403
    assert ask(server, keys=botocore.credentials.Credentials("AKIAUNKNOWN", "none"))[0] == 403
    assert ask(server, method="GET") == (405, "POST makes a backup")
    assert not (server.data / "backups").exists()


def test_a_backup_that_fails_says_why_and_leaves_nothing(new_server):
    server = new_server().start()
    blocked = server.data / "backups"
    blocked.write_text("")
    status, text = ask(server)
    assert status == 500 and text.startswith("No backup was made: ") and "backups" in text
    blocked.unlink()
    (blocked / "20200101T000000Z.unfinished/store").mkdir(parents=True)
    owner = server.data.stat()
    for each in (blocked, *blocked.rglob("*")):
        os.chown(each, owner.st_uid, owner.st_gid)
    status, folder = ask(server)
    assert status == 200, folder
    assert list(blocked.iterdir()) == [pathlib.Path(folder)], "what an interrupted one left is gone"


# ---- lambent backup


def test_the_command_copies_a_running_servers_data_to_a_folder_that_works(new_server, tmp_path):
    server = new_server().start()
    table, function = create_table(server.client("dynamodb")), server.create_function(ECHO)
    server.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "a"}})
    done = server.run("backup", "--data", str(server.data), "--to", str(tmp_path / "copy"))
    assert done.stdout.startswith(f"{tmp_path}/copy: ") and done.stderr == ""
    assert list((server.data / "backups").iterdir()) == [], "nothing stays in the data folder"
    assert {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "copy").rglob("*")} == {0o600, 0o700}
    again = server.run("backup", "--data", str(server.data), "--to", str(tmp_path / "copy"), check=False)
    assert again.returncode == 1 and "it exists already; name a new folder" in again.stderr
    keys = server.session().get_credentials().access_key
    server.stop()
    late = server.run("backup", "--data", str(server.data), "--to", str(tmp_path / "late"), check=False)
    assert late.returncode == 1 and f"reach the server at {server.endpoint}: Connection refused" in late.stderr
    copy = new_server(name="copy").start()
    assert keys_of(copy, table) == {"a"} and copy.invoke(function, {"n": 1})[0] == {"n": 1}
    assert copy.session().get_credentials().access_key == keys


# The first is found before anything is copied, the second on the way: a file system that has room, but for few files.
@pytest.mark.parametrize("options, says", (("size=64k", "and there is room for"), ("nr_inodes=8", "No space left on device")))
def test_the_command_leaves_nothing_where_there_is_no_room(new_server, tmp_path, options, says):
    server = new_server().start()
    server.create_function({"app.py": ECHO["app.py"], "large": random.Random(1).randbytes(200_000)})
    room = tmp_path / "room"
    room.mkdir()
    script = f'mount -t tmpfs -o {options} tmpfs "$0" && cd "$0" && "$1" backup --data "$2" --to copy; code=$?; ls; exit $code'
    done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script, room, BINARY, server.data],
                          capture_output=True, text=True)
    assert done.returncode == 1 and says in done.stderr
    assert done.stdout == "", "nothing is left"
    assert list((server.data / "backups").iterdir()) == []
