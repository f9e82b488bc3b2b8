"""Evidence against normal in what came since a supposed onset: e-values that carry the baseline's own uncertainty."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaincc, betaln, log_ndtr

from services.analyzer.domain.arrays import Floats

_LOG_2 = float(np.log(2))
# Below this a tail probability is as good as none; its logarithm stays finite.
_TINY = 1e-300


def mean_log_e(
    count: Floats, deviation_sum: Floats, *, spread: Floats, error: Floats, freedom: Floats, shift_spread: float, sign: Floats
) -> Floats:
    """Natural logarithm of the e-value that the mean of normal values has moved in the direction of `sign`.

    `deviation_sum`: sum over `count` calls of what they are off the baseline's centre; `spread`: variance of one call, known from
    `freedom` observations; `error`: variance of the centre's own error; `shift_spread`: standard deviation of shifts, in those of a call.
    Under both hypotheses the centre's error is part of the sum, under the alternative a normal shift as well, cut to one side: the ratio
    of the two densities, with Student's tails since the spread is an estimate. An e-value, as it is a ratio of predictive densities
    (Grünwald, de Heide, Koolen, Safe testing, JRSS B 2024; mixtures over shifts: Robbins, Annals of Mathematical Statistics 1970).
    """
    normal = count * spread + count**2 * error
    shifted = normal + count**2 * (shift_spread**2 * spread)
    exponent = (freedom + 1) / 2
    square = deviation_sum**2
    gain = exponent * (np.log1p(square / (freedom * normal)) - np.log1p(square / (freedom * shifted)))
    side = sign * deviation_sum * np.sqrt(1 / normal - 1 / shifted)
    log_e: Floats = gain + 0.5 * np.log(normal / shifted) + _LOG_2 + log_ndtr(side)
    return log_e


def ratio_log_e(count: Floats, hits: Floats, ratio: Floats, error: Floats, *, is_up: bool) -> Floats:
    """Natural logarithm of the e-value that the probability of a hit has moved up (or down) from the baseline's.

    `hits` of `count` calls since the onset; `ratio`, `error`: the baseline's centre and the variance of its error, taken as a beta
    distribution of these moments. Ratio of the beta-binomial probabilities of what was seen. Under the alternative the probability is
    anywhere above the centre, as often between 2 and 4 % as between 20 and 40 %, or anywhere below it, evenly.
    """
    trials = np.maximum(ratio * (1 - ratio) / np.maximum(error, _TINY) - 1, 1.0)
    alpha, beta = ratio * trials, (1 - ratio) * trials
    misses = count - hits
    normal = betaln(alpha + hits, beta + misses) - betaln(alpha, beta)
    if is_up:
        # The density is 1/(q ln(1/p)); where hardly anything was hit, half a hit keeps the integral finite.
        hits = np.maximum(hits, 0.5)
        inside = np.maximum(betaincc(hits, misses + 1, ratio), _TINY)
        shifted = betaln(hits, misses + 1) + np.log(inside) - np.log(-np.log(ratio))
    else:
        inside = np.maximum(betainc(hits + 1, misses + 1, ratio), _TINY)
        shifted = betaln(hits + 1, misses + 1) + np.log(inside) - np.log(ratio)
    log_e: Floats = shifted - normal
    return log_e
