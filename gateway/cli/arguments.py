"""What a command line may leave out: the addresses at which domains are served."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

DEFAULT_ADDRESSES: Final = {
    "--sdv": "127.0.0.1:55555",
    "--viss": "127.0.0.1:8090",
    "--aaos": "127.0.0.1:40004",
    "--web": "127.0.0.1:8080",
    "--metrics": "127.0.0.1:9464",
}
_ADDRESS: Final = re.compile(r"(\S*:)?\d+")


def option_before(word: str, words: Sequence[str]) -> str | None:
    """The domain's option right after which a word stands that is not its address."""
    return next((option for option, after in pairwise(words) if option in DEFAULT_ADDRESSES and after == word), None)


def with_default_addresses(words: Sequence[str]) -> list[str]:
    """The command line with an address after each of the domains' options: the default where none is written."""
    done: list[str] = []
    for index, word in enumerate(words):
        done.append(word)
        following = words[index + 1] if index + 1 < len(words) else ""
        if word in DEFAULT_ADDRESSES and not _ADDRESS.fullmatch(following):
            done.append(DEFAULT_ADDRESSES[word])
    return done
