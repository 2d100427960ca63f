"""What tells buyers from others: scikit-learn's logistic regression. Loading it takes seconds, so only the
verb that fits points imports this module, and only when it does."""

from collections.abc import Mapping, Sequence

from sklearn.feature_extraction import DictVectorizer  # type: ignore[import-untyped]
from sklearn.feature_selection import SelectFromModel  # type: ignore[import-untyped]
from sklearn.linear_model import (  # type: ignore[import-untyped]
    LogisticRegression,
    LogisticRegressionCV,
)
from sklearn.pipeline import Pipeline, make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

FOLDS = 5
_PENALTIES = [10 ** (n / 4) for n in range(-12, 1)]
"""From one that leaves no rule to one that leaves nearly all."""


def weights(rows: Sequence[Mapping[str, int]], won: Sequence[bool], most: int) -> dict[str, float]:
    """The rules that help to predict the outcome, at most so many, and the log-odds each adds.

    `rows` hold what each rule gives to a lead. A lasso, as strong as predicts best on leads it was not fitted
    to, chooses the rules; a ridge weighs those that are left.
    """
    bought = sum(won)
    if not any(rows) or min(bought, len(won) - bought) < FOLDS:
        return {}
    names = DictVectorizer()
    table = names.fit_transform(rows)
    chosen = _choice(most).fit(table, won)[-1].get_support()
    if not chosen.any():
        return {}
    ridge = LogisticRegression(max_iter=1000).fit(table[:, chosen], won)
    rules = names.get_feature_names_out()[chosen]
    return dict(zip(map(str, rules), map(float, ridge.coef_[0]), strict=True))


def _choice(most: int) -> Pipeline:
    """Rules on one scale, so that rare ones are not penalised for being rare."""
    lasso = LogisticRegressionCV(
        Cs=_PENALTIES,
        cv=FOLDS,
        l1_ratios=(1.0,),
        solver="liblinear",
        scoring="neg_log_loss",
        random_state=0,
        max_iter=1000,
        use_legacy_attributes=False,
    )
    kept = SelectFromModel(lasso, threshold=1e-6, max_features=most)
    return make_pipeline(StandardScaler(with_mean=False), kept)
