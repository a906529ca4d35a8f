"""Who may do what: the server without rights, the data folder that it is given, and starts by root and by others."""

import os
import pathlib
import socket
import subprocess

import pytest

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}
DEDICATED = 1_879_113_728

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.split() for key, value in (line.split(":", 1) for line in lines)}


def spawner_of(server):
    children = pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    found = [int(p) for p in children if pathlib.Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")[1:2] == [b"spawner"]]
    assert len(found) == 1
    return found[0]


def fails_to_start(server):
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert server.process.wait(30) == 1
    return server.log()


def owners(folder, *besides):
    paths = [folder, *(path for path in folder.rglob("*") if path.name not in besides)]
    return {path.lstat().st_uid for path in paths}


def test_the_server_has_no_rights(server):
    for thread in os.listdir(f"/proc/{server.pid}/task"):
        found = status(f"{server.pid}/task/{thread}")
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(found[capabilities][0], 16) == 0, capabilities
        assert found["NoNewPrivs"] == ["1"]
        if os.geteuid() == 0:
            assert int(found["CapBnd"][0], 16) == 0
            assert 0 not in map(int, found["Uid"] + found["Gid"]) and found["Groups"] == []
    owner = pathlib.Path(f"/proc/{server.pid}/environ").stat().st_uid
    assert owner == 0, "not dumpable: processes of the same user cannot look into it"


def test_the_spawner_keeps_what_sandboxes_take(server):
    server.create_function(ECHO)
    found = status(spawner_of(server))
    assert found["NoNewPrivs"] == ["1"] and found["Seccomp"] == ["2"]
    if os.geteuid() == 0:
        needed = int(found["CapEff"][0], 16)
        assert {int(found[each][0], 16) for each in ("CapPrm", "CapBnd")} == {needed}
        assert needed.bit_count() <= 12 and int(found["CapInh"][0], 16) == int(found["CapAmb"][0], 16) == 0
        own = os.readlink(f"/proc/{spawner_of(server)}/ns/mnt")
        assert own not in (os.readlink("/proc/self/ns/mnt"), os.readlink(f"/proc/{server.pid}/ns/mnt"))


@only_root
def test_the_server_takes_an_account_that_is_named_and_a_port_below_1024(new_server):
    def is_free(port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) != 0

    port = next(port for port in range(700, 1024) if is_free(port))
    server = new_server("--user", "nobody", "--port", str(port)).start()
    assert set(status(server.pid)["Uid"]) == {"65534"}
    assert server.endpoint.endswith(f":{port}")
    name = server.create_function(ECHO)
    assert server.invoke(name, 1)[0] == 1
    assert owners(server.data) == {65534}


@only_root
def test_a_server_told_to_stay_root_says_so_and_has_no_capabilities(new_server):
    server = new_server("--user", "root").start()
    found = status(server.pid)
    assert set(found["Uid"]) == {"0"} and int(found["CapEff"][0], 16) == 0
    assert "keeps root's user id" in server.log()


@only_root
def test_an_account_that_the_host_does_not_have_is_refused(new_server):
    assert "no such account" in fails_to_start(new_server("--user", "no-such-account-here"))


@only_root
def test_a_data_folder_of_root_becomes_the_servers(new_server, tmp_path):
    server = new_server().start()
    name = server.create_function(ECHO)
    server.invoke(name, 1)
    server.stop()
    outside = tmp_path / "outside"
    outside.write_text("root's")
    subprocess.run(["chown", "-R", "-h", "0:0", str(server.data)], check=True)
    (server.data / "logs" / "link").symlink_to(outside)
    (server.data / "logs" / "folder").symlink_to(tmp_path)
    (server.data / "lambent.toml").write_text('region = "eu-west-1"\n')
    server.start()
    assert owners(server.data, "lambent.toml") == {DEDICATED}
    assert (outside.stat().st_uid, tmp_path.stat().st_uid) == (0, 0), "a link is given, not what it leads to"
    assert (server.data / "lambent.toml").stat().st_uid == 0, "what tells root what to do stays root's"
    assert server.invoke(name, 2)[0] == 2
    assert server.settings()["AWS_REGION"] == "eu-west-1"


@only_root
def test_a_folder_given_half_way_is_given_wholly_by_the_next_start(new_server):
    server = new_server().start()
    name = server.create_function(ECHO)
    server.stop()
    os.chown(server.data, 0, 0)
    for path in sorted(server.data.rglob("*"))[::2]:
        os.lchown(path, 0, 0)
    server.start()
    assert owners(server.data) == {DEDICATED}
    assert server.invoke(name, 2)[0] == 2


@only_root
def test_a_file_of_root_with_a_second_name_is_not_given(new_server, tmp_path):
    server = new_server()
    server.data.mkdir()
    other = tmp_path / "other"
    other.write_text("root's")
    os.link(other, server.data / "endpoint")
    assert "another name elsewhere" in fails_to_start(server)
    assert other.stat().st_uid == 0
    for name in ("endpoint", "lock"):
        os.unlink(server.data / name)
    os.link(other, server.data / "lock")
    assert "not a file of its own" in fails_to_start(server)
    assert other.read_text() == "root's"


@only_root
def test_a_data_folder_of_somebody_else_is_refused(new_server):
    server = new_server()
    server.data.mkdir()
    os.chown(server.data, 12345, 12345)
    said = fails_to_start(server)
    assert "belongs to user 12345" in said and "chown -R" in said
    server.flags = ["--user", "12345"]
    server.start()
    assert set(status(server.pid)["Uid"]) == {"12345"}


@only_root
def test_settings_that_the_servers_user_wrote_are_not_read_by_root(new_server):
    server = new_server().start()
    server.stop()
    settings = server.data / "lambent.toml"
    settings.write_text('user = "root"\n')
    os.chown(settings, DEDICATED, DEDICATED)
    with pytest.raises(AssertionError, match="belongs to user"):
        server.start()
    assert server.process.wait(30) == 2


@only_root
def test_folders_closed_to_the_server_lead_to_its_data_and_nowhere_else(new_server, tmp_path):
    """pytest's folders are 0700 and root's, as /root is."""
    (tmp_path / "secret").write_text("x")
    server = new_server().start()
    name = server.create_function(ECHO)
    assert server.invoke(name, 1)[0] == 1
    seen = pathlib.Path(f"/proc/{server.pid}/root{tmp_path}")
    assert os.listdir(seen) == ["data"]
    assert "secret" in os.listdir(tmp_path)
