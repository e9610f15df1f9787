"""The document of `clean`."""

from collections.abc import Sequence

from retrainer.cli.documents.document import Fields
from retrainer.measuring.cleaning_effect import CleaningEffect
from retrainer.results.cleaning import Cleaning
from retrainer.results.fields import of_effect


def of_cleaning(
    result: Cleaning, clean_list: str, effect: CleaningEffect | None, commands: Sequence[Sequence[str]]
) -> Fields:
    """The fields of `clean`.

    Args:
        result: What was found.
        clean_list: The list that was written.
        effect: What the decisions bring; None if it was not measured.
        commands: What to type next.
    """
    return {
        **result.to_dict(),
        "clean_list": clean_list,
        "effect": effect and of_effect(effect),
        "next": [" ".join(command) for command in commands],
    }
