"""The tests run the sources as they are now with the libraries and fonts of the package that pack.sh makes: its folder is
build/examples/documents/upload, or $DOCUMENTS_PACKAGE. test_package.py runs the package itself."""
import os
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[1]
PACKAGE = Path(os.environ.get("DOCUMENTS_PACKAGE", EXAMPLE.parents[1] / "build/examples/documents/upload"))

if not (PACKAGE / "upload.py").exists():
    raise pytest.UsageError(f"{PACKAGE} has no package: run examples/documents/pack.sh first, or examples/documents/test.sh")
os.environ["DOCUMENTS_FONTS"] = str(PACKAGE / "ttf")
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
sys.path[:0] = [str(EXAMPLE), str(PACKAGE), str(Path(__file__).parent)]  # the sources as they are now, packed libraries

from fake_table import FakeTable  # noqa: E402


@pytest.fixture
def table():
    return FakeTable()


@pytest.fixture
def upload(table, monkeypatch):
    import upload
    from storage import DocumentStore

    monkeypatch.setattr(upload, "store", DocumentStore(table))
    return upload.handler


@pytest.fixture
def download(table, monkeypatch):
    import download
    from storage import DocumentStore

    monkeypatch.setattr(download, "store", DocumentStore(table))
    return download.handler


@pytest.fixture
def texts():
    return EXAMPLE / "texts"
