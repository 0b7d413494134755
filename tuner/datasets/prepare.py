"""From the files of a data set to prepared arrays: read, check, group, split, audit, store."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets import cache
from tuner.datasets.audit.build import build_audit
from tuner.datasets.audit.duplicates import Duplicates, find_duplicates, join_known
from tuner.datasets.base import DataOptions, Dataset, Labels, Prepared, Progress, RawData, Source
from tuner.datasets.splits import MIN_IMAGES, TEST_FOLDS, hold_out
from tuner.errors import DataError

MIN_SIDE = 4
"""Pixels; smaller pictures show nothing a convolution could find."""


def prepared(source: Source, options: DataOptions, progress: Progress) -> Dataset:
    """The prepared data set of a source: from the cache, or read, audited and put there.

    Raises:
        DataError, UsageError: as the source finds; or the images and labels cannot be searched on.
    """
    entries = source.files(options, progress)
    digest = cache.fingerprint(entries, _identity(source, options), options.cache_dir)
    directory = cache.directory_of(options.cache_dir, source.name, digest)
    if not cache.is_complete(directory):
        with cache.exclusive(directory, progress):
            if not cache.is_complete(directory):
                before = cache.stat_key(entries)
                progress(f"reading {source.name}")
                raw = source.read(entries, options, progress)
                if cache.stat_key(entries) != before:
                    raise DataError(
                        f"files of {source.name!r} changed while they were read\n"
                        "start again when they are complete"
                    )
                return _prepare(raw, source, directory, digest, progress)
    return replace(Dataset.open(directory), name=source.name, traits=source.traits)


def _identity(source: Source, options: DataOptions) -> dict[str, Any]:
    """All but the content of files that decides what the arrays are."""
    return {
        "source": source.name,
        "kind": type(source).__name__,
        "labels": options.labels and options.labels.name,
        "test": options.test and options.test.name,
        "label_column": options.label_column,
        "group_column": options.group_column,
        "group_regex": options.group_regex,
        "image_shape": options.image_shape,
    }


def _prepare(raw: RawData, source: Source, directory: Any, digest: str, progress: Progress) -> Dataset:
    _check(raw)
    found = find_duplicates(
        [raw.train_images] if raw.test_images is None else [raw.train_images, raw.test_images],
        _known_labels(raw),
        _percent("looking for near-copies", progress),
    )
    groups, notes = _with_known_groups(raw, found)
    data, kept, more = _split(raw, groups)
    _check_counts(data.train_labels, raw.class_names)
    progress("auditing")
    audit = build_audit(
        data, raw, replace(found, exact=found.exact[kept], groups=found.groups[kept]), (*notes, *more)
    )
    arrays = {name: getattr(data, name) for name in Prepared.__dataclass_fields__}
    return cache.store(directory, arrays, audit, source.name, raw.class_names, digest, source.traits)


def _known_labels(raw: RawData) -> Labels:
    """Labels of all images, -1 for those of a test split, which are not to be looked at."""
    tests = 0 if raw.test_images is None else len(raw.test_images)
    return np.concatenate([raw.train_labels, np.full(tests, -1, raw.train_labels.dtype)])


def _check(raw: RawData) -> None:
    """Refuses what no split could be made of."""
    shape = raw.train_images.shape
    if min(shape[1:3]) < MIN_SIDE:
        raise DataError(f"images of {shape[1]}×{shape[2]} pixels; expected at least {MIN_SIDE}×{MIN_SIDE}")
    if raw.test_images is not None and raw.test_images.shape[1:] != shape[1:]:
        expected = "×".join(map(str, shape[1:]))
        found = "×".join(map(str, raw.test_images.shape[1:]))
        raise DataError(f"test images are {found}, training images {expected}; expected one shape for both")
    present = np.unique(raw.train_labels)
    if len(present) < 2:
        names = ", ".join(repr(raw.class_names[label]) for label in present)
        raise DataError(
            f"all {len(raw.train_labels)} images have one class, {names}; expected at least two classes"
        )


def _check_counts(labels: Labels, class_names: tuple[str, ...]) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    rarest = int(counts.argmin())
    if counts[rarest] < MIN_IMAGES:
        raise DataError(
            f"class {class_names[rarest]!r} has {counts[rarest]} training images,"
            f" too few for {MIN_IMAGES} folds\n"
            f"expected at least {MIN_IMAGES} of each class, after a test split where none came with the data"
        )


def _with_known_groups(raw: RawData, found: Duplicates) -> tuple[Labels, list[str]]:
    """Groups of near-copies, joined where images belong to one known group."""
    if raw.train_groups is None:
        return found.groups, []
    known = [raw.train_groups]
    if raw.test_images is not None:
        unknown = np.full(len(raw.test_images), -1, np.int64)
        known.append(unknown if raw.test_groups is None else raw.test_groups)
    ids = np.concatenate(known)
    count = len(np.unique(ids[ids >= 0]))
    return join_known(found.groups, ids), [
        f"{count} known groups keep their images on one side of every split"
    ]


def _split(raw: RawData, groups: Labels) -> tuple[Prepared, NDArray[np.intp], list[str]]:
    """Train and test; which image of the files, train first, became which; and notes."""
    n = len(raw.train_images)
    if raw.test_images is not None:
        assert raw.test_labels is not None
        data = Prepared(
            *(raw.train_images, raw.train_labels, groups[:n]),
            *(raw.test_images, raw.test_labels, groups[n:]),
        )
        return data, np.arange(len(groups)), []
    test = hold_out(raw.train_labels, groups)
    a, b = np.flatnonzero(~test), np.flatnonzero(test)
    data = Prepared(
        *(raw.train_images[a], raw.train_labels[a], groups[a]),
        *(raw.train_images[b], raw.train_labels[b], groups[b]),
    )
    note = (
        f"the data came without a test split: {len(b):,} images are held out,"
        f" {1 / TEST_FOLDS:.0%} drawn once and for all, groups whole"
    )
    return data, np.concatenate([a, b]), [note]


def _percent(what: str, progress: Progress) -> Callable[[int, int], None]:
    said = [-1]

    def tell(done: int, total: int) -> None:
        tenth = 10 * done // total
        if tenth > said[0]:
            said[0] = tenth
            progress(f"{what}: {10 * tenth} %")

    return tell
