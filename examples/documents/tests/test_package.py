"""The packages as they are deployed, each in a Python of its own that sees nothing else."""
import os
import subprocess
import sys
import zipfile

import pytest
from conftest import PACKAGE


@pytest.mark.parametrize("function", ["upload", "download"])
def test_a_package_has_all_that_its_handler_needs(function, tmp_path):
    with zipfile.ZipFile(PACKAGE.parent / f"{function}.zip") as packed:
        packed.extractall(tmp_path)
    event = {"name": "a/b", "text": "text"}
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {function}; print({function}.handler({event}, None))"
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "PATH": os.environ["PATH"]}
    ran = subprocess.run([sys.executable, "-I", "-c", program], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "'statusCode': 400" in ran.stdout


@pytest.mark.parametrize("function", ["upload", "download"])
def test_a_package_keeps_lambdas_limits(function):
    zipped = PACKAGE.parent / f"{function}.zip"
    assert zipped.stat().st_size < 50_000_000
    with zipfile.ZipFile(zipped) as packed:
        assert sum(entry.file_size for entry in packed.infolist()) < 250_000_000
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
