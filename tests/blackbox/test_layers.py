"""scripts/check-layers sees what it is there to see."""

import subprocess

import pytest

from paths import ROOT

CHECK = ROOT / "scripts/check-layers"


def check(tree, files):
    for name, text in files.items():
        path = tree / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([CHECK, tree], capture_output=True, text=True)


def test_this_tree_passes():
    result = subprocess.run([CHECK, ROOT], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")


def test_downward_passes(tmp_path):
    result = check(
        tmp_path,
        {
            "base/list.h": "",
            "net/dial.h": "#include <sys/socket.h>\n",
            "net/dial.c": '#include "net/dial.h"\n#include "base/list.h"\n',
            "server/door.c": '#include "net/dial.h"\n',
        },
    )
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize(
    "name, line, why",
    [
        ("base/list.c", '#include "net/dial.h"', "of a floor above"),
        ("net/dial.c", '#  include "server/door.h"', "of a floor above"),
        ("wire/http.c", '#include "net/dial.h"', "of a neighbour"),
        ("client/ferry.c", '#include "../server/door.h"', "of a neighbour"),
        ("net/dial.c", '#include "net/gone.h"', 'no file "net/gone.h"'),
        ("wire/http.c", "#include <sys/socket.h>", "wire/ knows nothing of"),
        ("wire/http.c", "#include <time.h>", "wire/ knows nothing of"),
        ("hub/topic.c", "#include <sys/socket.h>", "hub/ knows nothing of"),
        ("attic/old.c", "", "is on no floor"),
    ],
)
def test_anything_else_is_named(tmp_path, name, line, why):
    result = check(tmp_path, {"net/dial.h": "", "server/door.h": "", name: f"\n{line}\n"})
    assert result.returncode == 1
    (complaint,) = result.stdout.splitlines()
    assert f"src/{name}" in complaint and why in complaint


def test_an_empty_tree_is_no_pass(tmp_path):
    assert check(tmp_path, {}).returncode == 1
