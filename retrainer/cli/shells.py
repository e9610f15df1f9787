r"""How the shells ask for completions, and how they are answered.

A shell gives the command line up to the cursor as `COMP_WORDS`, and bash the text that it replaces as `COMP_CWORD`.
Each line of the answer is `plain NAME MEANING`, or `file` or `dir` if the shell should propose paths itself: then it
quotes them, too, whatever is in their names.
"""

import os
import shlex
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, shell_complete

_BASH = r"""# Completes the commands and flags of retrainer. To install it, add this line to ~/.bashrc:
#   eval "$(retrainer completion bash)"
_retrainer_completion() {
    local kind value meaning
    COMPREPLY=()
    while read -r kind value meaning; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
        esac
    done < <(COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_CWORD="$2" \
        _RETRAINER_COMPLETE=bash_complete "${1/#\~/$HOME}" 2>/dev/null)
}
complete -o nosort -F _retrainer_completion retrainer 2>/dev/null || complete -F _retrainer_completion retrainer
"""

_ZSH = r"""#compdef retrainer
# Completes the commands and flags of retrainer. To install it, add this line to ~/.zshrc:
#   eval "$(retrainer completion zsh)"
_retrainer_completion() {
    local kind value meaning paths
    local -a found
    while read -r kind value meaning; do
        case $kind in
            plain) found+=("${value//:/\\:}${meaning:+:$meaning}") ;;
            *) paths=$kind ;;
        esac
    done < <(COMP_WORDS="${words[1,CURRENT-1]} $PREFIX" _RETRAINER_COMPLETE=zsh_complete ${~words[1]} 2>/dev/null)
    compset -P 1 '--*='
    (( $#found )) && _describe -V value found
    case $paths in
        dir) _path_files -/ ;;
        file) _path_files ;;
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _retrainer_completion "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _retrainer_completion retrainer
fi
"""

# The second function's answer is kept for the third one.
_FISH = r"""# Completes the commands and flags of retrainer. To install it:
#   retrainer completion fish > ~/.config/fish/completions/retrainer.fish
function _retrainer_answer
    set -l line (commandline -cp | string collect)
    set -l program (commandline -po)[1]
    env COMP_WORDS=$line _RETRAINER_COMPLETE=fish_complete (string replace -r '^~' $HOME -- $program) 2>/dev/null
end
function _retrainer_asks
    set -g _retrainer_answers (_retrainer_answer)
    string match -qr '^(file|dir)' -- $_retrainer_answers
end
function _retrainer_names
    set -l before (string match -r '^--[^=]+=' -- (commandline -ct))
    for answer in $_retrainer_answers
        set -l parts (string split -m 2 ' ' -- $answer)
        test "$parts[1]" = plain; and printf '%s\t%s\n' "$before$parts[2]" "$parts[3]"
    end
end
complete --command retrainer --erase
complete --command retrainer --condition _retrainer_asks --force-files
complete --command retrainer --condition 'not _retrainer_asks' --no-files --keep-order --arguments '(_retrainer_names)'
"""


class _Shell(ShellComplete):
    """Answers a shell."""

    def source(self) -> str:
        """The script that the user installs."""
        return self.source_template

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one that it is in."""
        _, *words = words_of(os.environ.get("COMP_WORDS", ""))
        return (words[:-1], words[-1]) if words else ([], "")

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """A line of the answer."""
        if item.type != "plain":
            return item.type
        return " ".join([item.type, item.value, *(item.help or "").split()])


class _Bash(_Shell):
    name = "bash"
    source_template = _BASH

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """A line of the answer; bash replaces only the end of the word, behind a character such as = or @."""
        if item.type == "plain":
            begun = words_of(os.environ.get("COMP_WORDS", ""))[-1]
            flag, equals, _ = begun.partition("=") if begun.startswith("--") else ("", "", "")
            whole = item.value if item.value.startswith("--") else f"{flag if equals else ''}{equals}{item.value}"
            end = os.environ.get("COMP_CWORD", "")
            item = CompletionItem(whole[len(begun) - len(end) :] if begun.endswith(end) else item.value)
        return super().format_completion(item)


class _Zsh(_Shell):
    name = "zsh"
    source_template = _ZSH


class _Fish(_Shell):
    name = "fish"
    source_template = _FISH


SCRIPTS = {one.name: one.source_template for one in (_Bash, _Zsh, _Fish)}


def answer_shell(command: click.Command, instruction: str) -> int:
    """Prints what a shell asks for; returns the exit code.

    Args:
        command: All commands.
        instruction: What the variable `_RETRAINER_COMPLETE` says, such as `bash_source` or `bash_complete`.
    """
    for one in (_Bash, _Zsh, _Fish):
        add_completion_class(one)
    return shell_complete(command, {}, "retrainer", "_RETRAINER_COMPLETE", instruction)


def words_of(line: str) -> list[str]:
    """The words of a command line up to the cursor, at least one; the last is empty if a new one may begin."""
    lexer = shlex.shlex(f"{line}.", posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:  # a quotation is not closed yet
        words.append(lexer.token)
    return [*words[:-1], words[-1].removesuffix(".")]
