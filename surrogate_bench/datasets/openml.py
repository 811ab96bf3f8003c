"""Any data set of OpenML, through scikit-learn's fetcher and its cache."""

from __future__ import annotations

import warnings

from surrogate_bench.datasets.frame import table_of_frame
from surrogate_bench.datasets.source import Table
from surrogate_bench.errors import UserError
from surrogate_bench.registry import register


@register(
    "dataset",
    "openml",
    reference="Vanschoren et al., OpenML: Networked Science in Machine Learning, SIGKDD Explorations 15, 2013, "
    "https://doi.org/10.1145/2641190.2641198",
)
def openml(
    *,
    openml_name: str | None = None,
    version: int | None = None,
    id: int | None = None,
    target: str | None = None,
    root: str | None = None,
) -> Table:
    """A data set of openml.org by name (and version) or by id, downloaded once into scikit-learn's cache.

    target: a column's name; None takes the one that OpenML names. root: where the cache is, scikit-learn's by default.
    """
    if (openml_name is None) == (id is None):
        raise UserError("dataset=openml needs one of dataset.openml_name and dataset.id, as in dataset.id=310")
    from sklearn.datasets import fetch_openml

    which = {"data_id": id} if id is not None else {"name": openml_name, "version": version or "active"}
    shown = f"id {id}" if id is not None else openml_name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a line for every retry
            found = fetch_openml(**which, data_home=root, as_frame=True, parser="pandas", target_column=None)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"cannot get {shown} from OpenML: {reason}") from error
    name = target or (found.details or {}).get("default_target_attribute")
    if not name:
        raise UserError(f"OpenML names no target of {shown}: choose a column with dataset.target")
    return table_of_frame(found.frame, name=str(shown), target=name)
