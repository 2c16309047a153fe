"""Which labels are probably wrong, by the experts' votes and by what the texts say. Pure.

Two judges, of which neither has seen the task that it judges: what the experts are like on other
tasks, and a classifier that learned from other texts. cleanlab weighs them. Heavy libraries are
loaded with this module, so only the job that makes a report loads it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.internal.multiannotator_utils import assert_valid_inputs_multiannotator
from cleanlab.multiannotator import get_label_quality_multiannotator
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from annotation import aggregation
from annotation.aggregation import Method, Votes
