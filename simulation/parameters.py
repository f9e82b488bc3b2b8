"""The numbers that shape the fleet, and where each is from.

"Reference" is the set of 16,284 real calls to 83 models on 37 kinds of task, April to August 2026, with 14,687 scores,
derived from ctala/ai-benchmarks-alternativos, commit 657d4e2 (MIT). Only figures are taken from it. A *cell* is one model on
one kind of task. What the reference cannot tell (it was run by one person, in batches) is marked as chosen.
"""

from typing import Final

# --- Tokens and time -------------------------------------------------------------------------------------------------------
# Natural logarithm of latency over the 14,685 answered calls: the cell explains 1 - 0.646² / 1.407² = 79 % of the variance.
LOG_LATENCY_EXPLAINED_RATIO: Final = 0.79
# Standard deviation inside a cell, median of the cells with five calls and more; all rows pooled it is 0.65.
LOG_LATENCY_CELL_SD: Final = 0.55
# The same for output tokens, input tokens, and output tokens per second of latency.
LOG_OUTPUT_CELL_SD: Final = 0.56
LOG_INPUT_CELL_SD: Final = 0.24
LOG_SPEED_CELL_SD: Final = 0.32
# What a model does on a kind of task beyond what model and task do each (least squares of the logarithm, additive): output
# tokens 0.42, speed 0.38.
LOG_OUTPUT_PAIR_SD: Final = 0.42
# Spread of the time to first token in a cell is 0.81 where thinking is included; of the wait alone: chosen.
LOG_WAIT_CELL_SD: Final = 0.5
# Calls with a time to first token: 1,486 of 16,284.
STREAMED_RATIO: Final = 0.091
# Latency of failed calls in seconds at the 10, 25, 50, 75 and 90 % quantile; they are refused at once, or late.
FAILED_LATENCY_S: Final = ((0.0, 0.10, 0.25, 0.50, 0.75, 0.90, 1.0), (0.010, 0.011, 0.014, 0.019, 0.157, 2.099, 20.0))
# Where the reference's callers gave up, the largest group: 541 s.
TIMEOUT_S: Final = 540.0
# Part of the input that comes out of a provider's cache, where it has one. Chosen: the reference reports no cache.
CACHED_RATIO_MAX: Final = 0.6

# --- Failures --------------------------------------------------------------------------------------------------------------
# 9.8 % of the calls fail. By model, in order of start: 0.7 % after a success, 93.6 % after a failure, so in runs of 14 calls on average.
FAIL_RATIO: Final = 0.098
FAIL_AFTER_SUCCESS_RATIO: Final = 0.0073
FAIL_AFTER_FAIL_RATIO: Final = 0.936
# 42 of 14,620 successes are followed by a failure that stays alone.
FAIL_ALONE_RATIO: Final = 0.003
# A run's mean length in time. Chosen: the reference's batches have runs in calls, and hardly any time between calls.
RUN_MEAN_S: Final = 900.0
# Error codes of failed calls and their share, without the six models that were withdrawn and answer 404 for good (4.2 % of all
# calls go to them); "500" stands for rare others, too.
ERROR_RATIOS: Final = {"403": 0.325, "400": 0.316, "429": 0.114, "402": 0.076, "404": 0.052, "504": 0.009, "503": 0.003, "500": 0.105}
WITHDRAWN_ERROR: Final = "404"
# Chosen, so that every outcome occurs: the reference has neither refusals by safety filters nor cancelled calls.
REFUSED_RATIO: Final = 0.002
CANCELLED_RATIO: Final = 0.002

# --- Quality ---------------------------------------------------------------------------------------------------------------
# Scores: mean 0.79, standard deviation 0.28, 39 % are exactly 1, 2 % exactly 0; the cell explains 55 %.
SCORE_MEAN: Final = 0.79
SCORE_SD: Final = 0.28
SCORE_FULL_RATIO: Final = 0.39
SCORE_EXPLAINED_RATIO: Final = 0.55
# A normal value of this standard deviation in a cell, and of that over the pairs of model and task beyond what both do each, has
# such scores when it is cut to 0..1, if its mean lies above theirs by the shift (found by trying; a test compares).
LATENT_CELL_SD: Final = 0.27
LATENT_PAIR_SD: Final = 0.20
SCORE_CUT_SHIFT: Final = 0.135
# Share of the scores given by a judge (8,348 of 14,687); the others are a verifier's.
JUDGE_RATIO: Final = 0.57
# Chosen: the reference scores every answer, which is dear; fleets score some.
SCORED_RATIO: Final = 0.30
FEEDBACK_RATIO: Final = 0.08  # tasks of which somebody says whether the result was kept
CHECKED_RATIO: Final = 0.40  # tasks that write code whose tests, coverage and static analysis are reported

# --- Tasks -----------------------------------------------------------------------------------------------------------------
# Chosen throughout: the reference has one call a task.
TRIES_MAX: Final = 3  # the third try asks another model
REVISIONS_MAX: Final = 2
REVISED_BELOW_SCORE: Final = 0.5
REVISED_RATIO: Final = 0.6  # of the results below it
# Calls of a task on average, measured on 500,000 tasks without incidents; turns a rate of calls into one of tasks.
CALLS_PER_TASK: Final = 1.22
