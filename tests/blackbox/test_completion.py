"""What the shells complete, each asked in its own way; and the manual pages beside it."""

import subprocess

from paths import BUILD, ROOT

DOCS = BUILD / "docs"

BASH = """
source "$1"
COMP_WORDS=(${@:2} "$WORD") COMP_CWORD=$(($# - 1))
_ferry 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""

# zsh's own machinery works only on a terminal: stand-ins print what it would be handed.
ZSH = """
_arguments() print -l -- "$@"
_describe() print -l -- "${(P@)2}"
words=("${@:2}" "$WORD") CURRENT=$#
source $1
"""


def ask(shell, *command, word=""):
    result = subprocess.run(
        [shell, *command], env={"PATH": "/bin", "WORD": word}, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.split("\n")[:-1]


def bash(*line, word):
    return ask("bash", "-c", BASH, "bash", DOCS / "ferry", *line, word=word)


def zsh(*line, word):
    return ask("zsh", "-f", "-c", ZSH, "zsh", DOCS / "_ferry", *line, word=word)


def fish(*line, word, home):
    script = f"source {DOCS}/ferry.fish; complete -C '{' '.join([*line, word])}'"
    command = ["env", f"HOME={home}", "fish", "--no-config", "-c", script]
    return [line.split("\t")[0] for line in ask(*command)]


def test_bash():
    assert bash("ferry", word="li") == ["listen"]
    assert "--json" in bash("ferry", "listen", word="--")
    assert bash("ferry", "listen", word="--max-m") == ["--max-message"]
    assert bash("ferry", "listen", word="uni") == ["unix:"]
    assert bash("ferry", "listen", "--max-clients", word="") == [""]
    assert bash("ferry", "help", word="li") == ["listen"]


def test_zsh():
    assert "listen:" in "\n".join(zsh("ferry", word="li"))
    specs = zsh("ferry", "listen", word="")
    assert specs[:2] == ["-s", "-S"]
    assert any(spec.startswith("--max-clients=[") for spec in specs)
    assert any(spec.startswith("(-q --quiet)-q[say nothing") for spec in specs)
    assert specs[-1] == "*:word:_ferry_words"


def test_fish(tmp_path):
    assert fish("ferry", word="li", home=tmp_path) == ["listen"]
    assert fish("ferry", "listen", word="--max-m", home=tmp_path) == ["--max-message"]
    assert "unix:" in fish("ferry", "listen", word="uni", home=tmp_path)
    assert fish("ferry", "help", word="li", home=tmp_path) == ["listen"]


def commands(ferry):
    lines = ferry("help").stdout.splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


def test_every_command_has_a_page_and_two_examples(ferry):
    assert commands(ferry)
    for command in commands(ferry):
        page = (DOCS / f"ferry-{command}.1").read_text()
        help_text = ferry(command, "--help").stdout
        assert page.count(f"\\fBferry {command}") >= 2, command
        assert help_text.partition("examples:")[2].count(f"ferry {command}") >= 2, command


def test_every_prose_has_its_page():
    for prose in (ROOT / "docs/man").glob("*.scd"):
        name = "ferry.1" if prose.stem == "ferry" else f"ferry-{prose.stem}.1"
        assert (DOCS / name).exists(), prose
