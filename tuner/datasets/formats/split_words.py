"""Names of folders, files and values that mean a split: "train", "asl_alphabet_test", "Validation Data"."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

_WORDS = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset", "traindata", "trn", "fit"), "train"),
    **dict.fromkeys(
        ("test", "testing", "testset", "testdata", "tst", "eval", "evaluation", "holdout"), "test"
    ),
    **dict.fromkeys(
        ("val", "valid", "validation", "validate", "valset", "validset", "dev", "devset"), "valid"
    ),
}
_WORDS |= {"privatetest": "test", "publictest": "valid"}
_NEUTRAL = re.compile(
    r"set|data|dataset|images?|imgs?|pics|pictures|photos?|folder|split|samples?|files?|with|labels?|labell?ed"
    r"|new|final|all|x|y|the|of|inputs?|targets?"
)


def words(name: str) -> list[str]:
    """The words of a name, in lower case: "TrainSet_v2" has "train", "set", "v"."""
    plain = unicodedata.normalize("NFC", name)
    plain = re.sub(
        r"^([XxYy])(?=(?i:train|test|val))", r"\1 ", plain.replace("t10k", "test")
    )  # Xtrain; MNIST's files
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain)
    return [word.lower() for word in re.split(r"[^A-Za-zÀ-ÿ]+|\d+", apart) if word]


def split_of(name: str) -> str | None:
    """The split, "train", "test" or "valid", where a name has a word for exactly one; else None."""
    both = words(name)
    whole = "".join(both)
    if whole in _WORDS:
        return _WORDS[whole]
    found = {_WORDS[word] for word in both if word in _WORDS}
    return found.pop() if len(found) == 1 else None


def is_plain(name: str) -> bool:
    """Whether a name says nothing but a split: "Training Data", and not "train station"."""
    return split_of(name) is not None and all(
        word in _WORDS or _NEUTRAL.fullmatch(word) for word in words(name)
    )


def stem(name: str) -> str:
    """The rest of a name without its split: "asl alphabet" of "asl_alphabet_train"."""
    return " ".join(word for word in words(name) if word not in _WORDS and not _NEUTRAL.fullmatch(word))


def rest_of(name: str) -> str:
    """The other words of the name of an array: "x" of "train_set_x"."""
    return " ".join(word for word in words(name) if word not in _WORDS and word not in {"set", "dataset"})


def are_splits(names: list[str]) -> bool:
    """Whether names side by side are those of splits: all plain, or with one stem and several splits."""
    roles = {split_of(name) for name in names}
    if None in roles:
        return False
    if all(is_plain(name) for name in names):
        return True
    return len({stem(name) for name in names}) == 1 and (len(roles) > 1 or len(names) == 1)


def siblings(path: Path, plain: Callable[[str], str]) -> list[tuple[Path, str]]:
    """What lies beside a file or folder and differs from it in words for splits and numbers alone.

    Args:
        path: of the file or folder.
        plain: what of a name tells the split: without its suffix, say.

    Returns:
        Each with its plain name, sorted; nothing where the folder cannot be listed.
    """
    own = path.absolute()
    try:
        found = sorted(other for other in own.parent.iterdir() if not other.name.startswith("."))
    except OSError:
        return []
    named = [(other, plain(other.name)) for other in found if other.name != own.name]
    return [(other, name) for other, name in named if stem(name) == stem(plain(own.name))]
