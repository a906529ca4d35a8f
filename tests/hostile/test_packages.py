"""Packages made to harm whoever unpacks them. The answer is AWS's 400; nothing is written outside, nothing stays, the
server does not grow, and a function of another name is answered meanwhile."""

import io
import os
import stat
import struct
import zipfile
import zlib

import pytest
from lambent import ROLE, make_zip, new_name

from functions_api import refused
from probe import CODE
from test_resources import MB, resident_bytes

UNZIP_ERROR = (400, "InvalidParameterValueException",
               "Could not unzip uploaded file. Please check your file, then try to upload again.")
TOO_LARGE = (400, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes")


def zip_with(name, content=b"x", mode=0o100644, flags=0, extra=b""):
    """A function's package with one more entry. The name is written as it is given, in bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("app.py", CODE)
        info = zipfile.ZipInfo("placeholder")
        info.create_system = 3
        info.external_attr = mode << 16
        info.extra = extra
        archive.writestr(info, content)
    raw = name if isinstance(name, bytes) else name.encode()
    return renamed(out.getvalue(), b"placeholder", raw, flags)


def renamed(data, old, new, flags=0):
    """The archive with an entry's name exchanged in both of its headers, and flags set there."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = [(i, i.filename.encode() == old) for i in archive.infolist()]
        end = data.rindex(b"PK\x05\x06")
    out, directory = b"", b""
    at = struct.unpack_from("<I", data, end + 16)[0]
    for info, is_it in infos:
        local = data[info.header_offset:]
        name_length, extra_length = struct.unpack_from("<HH", local, 26)
        body = local[30 + name_length:30 + name_length + extra_length + info.compress_size]
        name = new if is_it else local[30:30 + name_length]
        head = bytearray(local[:30])
        struct.pack_into("<H", head, 26, len(name))
        central = bytearray(data[at:at + 46])
        lengths = struct.unpack_from("<HHH", central, 28)
        rest = data[at + 46 + lengths[0]:at + 46 + sum(lengths)]
        at += 46 + sum(lengths)
        struct.pack_into("<H", central, 28, len(name))
        struct.pack_into("<I", central, 42, len(out))
        if is_it and flags:
            head[6] |= flags
            central[8] |= flags
        out += bytes(head) + name + body
        directory += bytes(central) + name + rest
    tail = bytearray(data[end:])
    struct.pack_into("<II", tail, 12, len(directory), len(out))
    return out + directory + bytes(tail)


def several(*entries):
    """[(name, content, mode)] as a package, in this order, names as often as given."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def changed(data, what, by):
    at = data.rindex(what)
    return data[:at] + by + data[at + len(by):]


GOOD = make_zip({"app.py": CODE, "b.txt": "x"})
LINK = 0o120777
FILE = 0o100644


def files_under(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.fixture
def refuses(server):
    """refuses(package) -> the error of CreateFunction; nothing of the package is left then, inside or outside."""

    def create(package):
        before = (files_under(server.data / "code"), files_under(server.data / "blobs"))
        parents = {folder: set(os.listdir(folder)) for folder in (server.data, server.data.parent, "/", "/tmp/..")}
        error = refused(server.client("lambda").create_function, FunctionName=new_name(), Runtime="python3.11",
                        Handler="app.handler", Role=ROLE, Code={"ZipFile": package})
        after = (files_under(server.data / "code"), files_under(server.data / "blobs"))
        # The folder of a blob's first two digits may stay.
        assert before[0] == after[0]
        assert [f for f in after[1] if f not in before[1] and len(f.split("/")[-1]) == 64] == []
        assert {folder: set(os.listdir(folder)) for folder in parents} == parents
        return error

    return create


# ---- names --------------------------------------------------------------------------------------------------------

SLIPS = {
    "leaves the folder": "../evil", "leaves it deep inside": "a/../../evil", "leaves it to the root": "../" * 40 + "tmp/evil",
    "absolute": "/tmp/evil", "backslash": "..\\evil", "backslash inside": "a\\..\\..\\evil", "drive": "C:/evil",
    "drive without a slash": "C:evil", "only dots": "..", "dots at the end": "a/..", "here": "./evil", "two slashes": "a//evil",
    "NUL": b"evil\0.txt", "NUL before the way out": b"a\0/../../evil", "newline": b"evil\n", "escape": b"evil\x1b[2J",
    "empty": b"", "slash alone": "/",
}


@pytest.mark.case("zip-slip")
@pytest.mark.parametrize("kind", SLIPS)
def test_names_that_lead_elsewhere_are_refused(refuses, kind):
    assert refuses(zip_with(SLIPS[kind])) == UNZIP_ERROR
    assert not os.path.exists("/tmp/evil")


@pytest.mark.case("zip-names")
@pytest.mark.parametrize("length", [256, 5000, 65535])
def test_names_that_are_too_long_are_refused(refuses, length):
    assert refuses(zip_with("n" * length)) == UNZIP_ERROR


@pytest.mark.case("zip-names")
def test_names_that_differ_only_by_case_or_normalisation_are_different_files(server):
    names = ["name", "NAME", "Name", "caf\u00e9", "cafe\u0301", "n" * 255]
    name = server.create_function({"app.py": CODE, **{f"names/{n}": n for n in names}})
    found = server.invoke(name, "result = {n: open('/var/task/names/' + n).read() for n in os.listdir('/var/task/names')}")[0]
    assert found == {n: n for n in names}


# ---- kinds --------------------------------------------------------------------------------------------------------

LINKS = {
    "out": ("link", b"../../../etc/passwd"), "absolute": ("link", b"/etc/passwd"), "to the folder above": ("link", b".."),
    "out behind a way in": ("a/link", b"b/../../../x"), "to /proc": ("link", b"/proc/self/root"), "empty": ("link", b""),
    "long": ("link", b"a/" * 3000),
}


@pytest.mark.case("zip-kinds")
@pytest.mark.parametrize("kind", LINKS)
def test_links_that_lead_out_are_refused(refuses, kind):
    name, target = LINKS[kind]
    assert refuses(zip_with(name, target, LINK)) == UNZIP_ERROR


@pytest.mark.case("zip-kinds")
@pytest.mark.parametrize("mode", [0o020666, 0o060660, 0o010666, 0o140777])
def test_devices_pipes_and_sockets_are_refused(refuses, mode):
    assert refuses(zip_with("device", b"", mode)) == UNZIP_ERROR


@pytest.mark.case("zip-kinds")
@pytest.mark.parametrize("target", [b".", b"b", b"/tmp"])
def test_nothing_is_written_through_a_link(refuses, target):
    """A link and then an entry below it: the link is made last, so its name is a folder's by then."""
    assert refuses(several(("app.py", CODE, FILE), ("link", target, LINK), ("link/evil", "x", FILE))) == UNZIP_ERROR
    assert not os.path.exists("/tmp/evil")


@pytest.mark.case("zip-kinds")
def test_set_user_id_bits_are_lost(server):
    name = new_name()
    server.client("lambda").create_function(
        FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Timeout=30, MemorySize=512,
        Code={"ZipFile": several(("app.py", CODE, FILE), ("tool", "#!/bin/sh\nid -u\n", 0o106777))})
    server.wait_until_active(name)
    mode, output = server.invoke(name, "result = [os.stat('/var/task/tool').st_mode, "
                                       "subprocess.check_output('/var/task/tool').decode()]")[0]
    assert stat.S_IMODE(mode) == 0o755
    assert output.strip() not in ("", "0")
    assert server.invoke(name, """
result = []
for program in ('/usr/bin/su', '/usr/bin/mount', '/usr/bin/passwd', '/usr/bin/sudo'):
    if os.path.exists(program) and not os.statvfs(program).f_flag & os.ST_NOSUID:
        result.append(program)
""")[0] == [], "set-user-id programs of the host"
    on_disk = [p for p in (server.data / "code").rglob("*") if p.lstat().st_mode & 0o7000 and p.is_file()]
    assert on_disk == [], "and on the host's side they are none either"


# ---- sizes --------------------------------------------------------------------------------------------------------


def overlapping(copies):
    """Every entry of the directory is the same compressed megabytes: small to send, huge to unpack."""
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(16 * MB)
    data = body.compress(zeros) + body.flush()
    crc = zlib.crc32(zeros)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0x21, crc, len(data), len(zeros), 1, 0) + b"a" + data
    directory = b"".join(
        struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 0x314, 20, 0, 8, 0, 0x21, crc, len(data), len(zeros), 6, 0, 0, 0, 0,
                    FILE << 16, 0) + f"{n:06}".encode() for n in range(copies))
    return local + directory + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, copies, copies, len(directory), len(local), 0)


@pytest.mark.case("zip-bomb")
def test_a_bomb_is_refused_at_250_megabytes(server, refuses, other):
    package = overlapping(600)
    assert len(package) < MB
    before = resident_bytes(server.pid)
    assert refuses(package) == TOO_LARGE
    assert resident_bytes(server.pid) - before < 64 * MB
    assert not list((server.data / "code").glob("tmp-*"))
    assert other("result = 'alive'") == "alive"


@pytest.mark.case("zip-bomb")
def test_a_bomb_within_a_package_stays_packed(server):
    inner = several(*[(f"zeros{n}", bytes(10 * MB), FILE) for n in range(5)])
    outer = several(("app.py", CODE, FILE), *[(f"{n}.zip", inner, FILE) for n in range(16)])
    name = new_name()
    server.client("lambda").create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE,
                                            Code={"ZipFile": outer})
    server.wait_until_active(name)
    assert server.invoke(name, "result = sum(os.stat('/var/task/' + n).st_size for n in os.listdir('/var/task'))")[0] < 2 * MB


def many_entries(count):
    """Empty files, as many as asked for, in as few bytes as a directory allows; ZIP64 where 65,535 are not enough."""
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0x21, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 0x314, 20, 0, 0, 0, 0x21, 0, 0, 0, 7, 0, 0, 0, 0, FILE << 16, 0)
    directory = b"".join(entry + f"{n:07}".encode() for n in range(count))
    at = len(local)
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), at)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(directory), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), at, 0)
    return local + directory + end64 + locator + end


@pytest.mark.case("zip-lies")
def test_very_many_entries_are_refused(server, refuses, other):
    package = many_entries(300_000)
    before = resident_bytes(server.pid)
    assert refuses(package) in (UNZIP_ERROR, TOO_LARGE)
    assert resident_bytes(server.pid) - before < 150 * MB, "the package itself, as text and as bytes"
    assert other("result = 'alive'") == "alive"


def lies():
    good = zip_with("zeros", bytes(1000))
    end = good.rindex(b"PK\x05\x06")
    central, local = good.rindex(b"PK\x01\x02"), good.rindex(b"PK\x03\x04")

    def with_field(at, form, value, data=good):
        out = bytearray(data)
        struct.pack_into(form, out, at, value)
        return bytes(out)

    return {
        "text": b"this is no zip",
        "truncated": GOOD[: len(GOOD) // 2],
        "without end": GOOD[:-10],
        "encrypted": zip_with("secret", flags=1),
        "wrong checksum": changed(zip_with("file", b"some content"), b"some content", b"sOme"),
        "smaller than it says": with_field(central + 24, "<I", 5000, with_field(local + 22, "<I", 5000)),
        "larger than it says": with_field(central + 24, "<I", 10, with_field(local + 22, "<I", 10)),
        "packed beyond the file": with_field(central + 20, "<I", 1 << 30),
        "an offset beyond the file": with_field(central + 42, "<I", 1 << 30),
        "a directory beyond the file": with_field(end + 16, "<I", 1 << 30),
        "a directory that is too long": with_field(end + 12, "<I", 1 << 30),
        "more entries than there are": with_field(end + 10, "<H", 60000, with_field(end + 8, "<H", 60000)),
        "another disk": with_field(end + 4, "<H", 3),
        "ZIP64 without its parts": with_field(end + 16, "<I", 0xFFFFFFFF),
        "an unknown method": with_field(central + 10, "<H", 99, with_field(local + 8, "<H", 99)),
        "a name twice": several(("app.py", CODE, FILE), ("app.py", CODE + "#", FILE)),
        "a file that is a folder too": several(("app.py", CODE, FILE), ("a", "x", FILE), ("a/b", "x", FILE)),
    }


with pytest.warns(UserWarning, match="Duplicate name"):
    LIES = lies()


@pytest.mark.case("zip-lies")
@pytest.mark.parametrize("kind", LIES)
def test_packages_that_do_not_say_the_truth_are_refused(refuses, kind):
    assert refuses(LIES[kind]) == UNZIP_ERROR


TWICE = {
    "one behind the other": several(("app.py", "def handler(e, c): return 'first'\n", FILE)) + GOOD,
    "something behind the end": GOOD + b"what follows",
    "one in the comment of the other": GOOD[:-2] + struct.pack("<H", len(GOOD)) + GOOD,
}


@pytest.mark.case("zip-lies")
@pytest.mark.parametrize("kind", TWICE)
def test_an_archive_with_two_readings_is_refused(refuses, kind):
    """Nobody can look at one directory of entries and somebody else unpack another."""
    assert refuses(TWICE[kind]) == UNZIP_ERROR


@pytest.mark.case("zip-empty")
def test_an_empty_package_is_refused(refuses):
    expected = (400, "InvalidParameterValueException", "Uploaded file must be a non-empty zip")
    assert refuses(make_zip({})) == expected
    assert refuses(b"") == expected


# ---- where code may come from ---------------------------------------------------------------------------------------


@pytest.mark.case("foreign-code")
def test_code_by_reference_is_refused_with_a_reason(server):
    """There is no S3 here, so no bucket of another tenant; and no image registry."""
    client = server.client("lambda")
    for code in ({"S3Bucket": "somebody-elses", "S3Key": "code.zip"}, {"ImageUri": "registry.example/secret:latest"}):
        runtime = {} if "ImageUri" in code else {"Runtime": "python3.11", "Handler": "app.handler"}
        status, error, message = refused(client.create_function, FunctionName=new_name(), Role=ROLE, Code=code,
                                         PackageType="Image" if "ImageUri" in code else "Zip", **runtime)
        assert (status, error) == (400, "InvalidParameterValueException")
        assert "S3" in message or "image" in message.lower(), message
