"""`retrainer clean`."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from retrainer.cli.flags import Subject
from retrainer.cli.flags import command as command_of
from retrainer.errors import OptionError
from retrainer.events import Event, Observer, PhotoSkipped, Warned
from retrainer.options import headings
from retrainer.options.cleaning import CleanOptions
from retrainer.options.documents import DocumentOptions
from retrainer.options.groups import Options, option, path_option
from retrainer.options.paths import PAGE, require_apart
from retrainer.options.terminal import TerminalOptions
from retrainer.system.terminal import say
from retrainer.text import counted, shown

if TYPE_CHECKING:
    from retrainer.measuring.cleaning_effect import CleaningEffect
    from retrainer.results.cleaning import Cleaning

FAILED = 1


@dataclass(frozen=True, kw_only=True)
class _ActionFlags(Options):
    """What is done with the findings."""

    heading = headings.DECIDING

    interactive: bool = option(False, "Decide in a browser: serve a page on this machine until Ctrl-C ends it.")
    port: int = option(
        0, "With --interactive: the port of the page; 0 takes a free one.", minimum=1024, maximum=65_535, also=0
    )
    page: str = path_option("", "Write a page that shows the findings to this file.", PAGE)
    measure: bool = option(
        False,
        "Train without and with the decisions, on the same folds, and print the difference with its interval.",
        heading=headings.HOW_GOOD,
    )
    apply: bool = option(
        False, "Only move the photos that are set aside, into the folder PHOTOS.set_aside. --undo moves them back."
    )
    undo: bool = option(False, "Only move back what --apply moved.")


@dataclass(frozen=True, kw_only=True)
class CleanFlags(CleanOptions, _ActionFlags, DocumentOptions, TerminalOptions):
    """The flags of the command."""

    def __post_init__(self) -> None:
        """Checks that the flags go together."""
        super().__post_init__()
        of_looking = ("accept", "page", "measure", "json")
        apart = {
            "undo": ("apply", "interactive", *of_looking),
            "apply": ("interactive", *of_looking),
            "interactive": ("measure", "json"),
        }
        for name, others in apart.items():
            given = [other for other in others if getattr(self, other)]
            if getattr(self, name) and given:
                raise OptionError(f"--{name}: expected no --{given[0]} beside it.", "Give one after the other.")
        if self.port and not self.interactive:
            raise OptionError("--port: expected --interactive beside it, whose page it serves.", "Add --interactive.")
        if self.page and self.clean_list:
            require_apart("--page", self.page, [self.clean_list])


def run(flags: CleanFlags) -> int:
    """Looks for photos that may be wrong, prints what was found, and does what the flags say."""
    if not flags.image_dir:
        raise OptionError(
            "PHOTOS is missing: expected a folder with one sub-folder of photos per class.",
            "Type `retrainer clean PHOTOS`.",
        )
    if flags.apply or flags.undo:
        return _move(flags)
    from retrainer.cleaning.looking import clean
    from retrainer.observers.logs import log_of
    from retrainer.system.files import require_writable

    if flags.page:
        require_writable(flags.page)
    with log_of(flags) as log:
        result = clean(flags.only(CleanOptions), on_progress=log if flags.verbose else _without_findings(log))
        effect = result.measure() if flags.measure else None
    if flags.page:
        result.page(flags.page)
    if flags.interactive:
        result = _decided_in_browser(result, flags)
    _print(result, effect, flags)
    return 0


def _without_findings(log: Observer) -> Observer:
    """A log that leaves out the warnings that the result lists as findings."""

    def passed_on(event: Event) -> None:
        if not isinstance(event, PhotoSkipped) and not (isinstance(event, Warned) and event.is_finding):
            log(event)

    return passed_on


def _print(result: "Cleaning", effect: "CleaningEffect | None", flags: CleanFlags) -> None:
    from retrainer.cli.clean_steps import next_commands
    from retrainer.cli.clean_words import count_lines, effect_lines, surest_lines
    from retrainer.cli.documents.cleaning import of_cleaning
    from retrainer.cli.documents.document import print_document
    from retrainer.cli.next_steps import lines_of
    from retrainer.cli.words import wrapped

    commands = next_commands(result, flags.only(CleanOptions), measured=effect is not None)
    if flags.json:
        print_document("clean", of_cleaning(result, flags.clean_list, effect, commands))
        return
    lines = list(count_lines(result))
    for number, path in enumerate(filter(None, (flags.clean_list, flags.page))):
        lines += wrapped("" if number else "Written", path)
    if effect:
        lines += ["", *effect_lines(effect)]
    # Who decided in the browser has seen them.
    surest = [] if flags.interactive else surest_lines(result)
    say("\n".join([*lines, *surest, *(lines_of(commands) if commands else [])]))


def _decided_in_browser(result: "Cleaning", flags: CleanFlags) -> "Cleaning":
    """Serves the page until Ctrl-C; returns the result with the decisions that were made there."""
    from retrainer.photos.clean_list.file import read_clean_list
    from retrainer.serving.review import serve_review

    def ready(address: str) -> None:
        say(f"Open this address in a browser on this machine, and end with Ctrl-C:\n  {address}", err=True)

    decided, total = serve_review(flags.clean_list, result.shown_photos, port=flags.port, on_ready=ready)
    say(f"Ended with {decided:,} of {total:,} photos and classes decided.", err=True)
    return replace(result, clean_list=read_clean_list(flags.clean_list))


def _move(flags: CleanFlags) -> int:
    """Moves photos that are set aside, or moves them back; returns the exit code."""
    from retrainer.cleaning.moving import bring_back, set_aside
    from retrainer.cli.clean_steps import retrain_command
    from retrainer.cli.next_steps import lines_of
    from retrainer.observers.logs import log_of
    from retrainer.photos.clean_list.file import read_clean_list

    with log_of(flags) as log:
        if flags.undo:
            done = bring_back(flags.image_dir, log)
        else:
            read_as = {name: getattr(flags, name) for name in ("split_by", "label_from", "bottleneck_dir")}
            done = set_aside(read_clean_list(flags.clean_list), flags.image_dir, log, **read_as)
    photos = counted(done.moved, "photo")
    where = f"back from '{shown(done.folder)}'" if flags.undo else f"into '{shown(done.folder)}'"
    lines = [f"Moved {photos} {where}." if done.moved else "No photo was moved."]
    if done.moved and flags.apply:
        options = flags.only(CleanOptions)
        lines += lines_of([retrain_command(options), options.command("--undo")])
    say("\n".join(lines))
    return FAILED if done.left else 0


command = command_of(
    "clean",
    CleanFlags,
    run,
    "Find photos that may be wrong: wrong labels, copies, photos of something else, and unreadable, dark or blurred "
    "ones. The findings are written to a list in which decisions are kept; the photos stay as they are.",
    (
        "retrainer clean photos",
        "retrainer clean photos --interactive",
        "retrainer clean photos --accept label,copy --measure",
    ),
    Subject("image_dir", "PHOTOS"),
)
