"""Chooses whom to call by Assay's rankings, from memory: never waits, and has an answer when Assay is away."""

import os
import random
from collections.abc import Collection, Sequence
from pathlib import Path

from assay.analyzer.v1.ranking_service_pb2 import RankingCandidate, RankProvidersRequest, RankProvidersResponse

from assay_client import lifecycle
from assay_client.choice import Candidate, Choice
from assay_client.feed import Feed
from assay_client.settings import read_settings

DEFAULT_URL = "127.0.0.1:7002"
# Each has a thread and a stream of its own. For more kinds of task the default is chosen.
TASK_TYPES_MAX = 32
_random = random.SystemRandom()  # the global generator belongs to the application, and a forked child must not choose as its parent


class Rankings:
    """Rankings of an analyzer, kept up to date behind the answers. One for a process will do; threads and event loops may share it.

    `default` is chosen until there is a ranking, and where there is none. `candidates` are all that the caller can call; without
    them, whoever the ranking has may be chosen. `question` is what else is asked (objective, bounds, prompt), as the contract
    has it; its task type is filled in. While Assay is away the last ranking is followed for `kept_s`.

    Settings are those of `Client`, but for the address, which is the analyzer's (ASSAY_RANKINGS_URL), and the key, which needs
    the role `read` (ASSAY_RANKINGS_KEY, else ASSAY_KEY). Raises ValueError for those that are wrong.
    """

    def __init__(
        self,
        default: Candidate | tuple[str, str],
        *,
        candidates: Sequence[Candidate | tuple[str, str]] = (),
        question: RankProvidersRequest | None = None,
        kept_s: float = 3_600.0,
        url: str | None = None,
        key: str | None = None,
        project: str | None = None,
        tls_ca: Path | None = None,
        tls_certificate: Path | None = None,
        tls_key: Path | None = None,
        tls_server_name: str | None = None,
        insecure_connect: bool | None = None,
    ) -> None:
        self._settings = read_settings(
            url=url or os.environ.get("ASSAY_RANKINGS_URL") or DEFAULT_URL,
            key=key or os.environ.get("ASSAY_RANKINGS_KEY") or None,
            project=project,
            tls_ca=tls_ca,
            tls_certificate=tls_certificate,
            tls_key=tls_key,
            tls_server_name=tls_server_name,
            insecure_connect=insecure_connect,
        )
        self._default = Candidate(*default)
        self._candidates = frozenset(Candidate(*each) for each in candidates)
        self._question = question or RankProvidersRequest()
        self._kept_s = kept_s
        self._feeds: dict[str, Feed] = {}
        self._is_closed = False
        lifecycle.watch_forks(self)

    def choose(self, task_type: str, among: Collection[Candidate] = ()) -> Choice:
        """Whom to call for this kind of task: at random, by the shares that the ranking suggests. Never waits or raises.

        `among` says that only these can be called now. Without a ranking that has any of them, it is the default, or if that
        is none of them, each with the same probability.
        """
        feed = self._feed(task_type)
        known = None if feed is None else feed.known(self._kept_s)
        if known is not None:
            ranking, is_old = known
            shares = self._shares(ranking, among)
            if shares:
                candidate, ratio = _drawn(shares)
                return Choice(candidate, task_type, ratio, ranking.ranking_id, "old ranking" if is_old else "ranking")
        if not among or self._default in among:
            return Choice(self._default, task_type, 1.0)
        return Choice(_random.choice(list(among)), task_type, 1.0 / len(among))

    def wait(self, task_type: str, timeout_s: float) -> bool:
        """Waits until there is an answer to choose by, for programs that would rather begin later; whether there is."""
        feed = self._feed(task_type)
        return feed is not None and feed.wait(timeout_s)

    def close(self) -> None:
        """Ends what runs behind the answers. What is known is used for `kept_s` more."""
        self._is_closed = True
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether there are threads."""
        return any(feed.is_running for feed in list(self._feeds.values()))

    @property
    def thread_ids(self) -> list[int]:
        """What the system calls its threads."""
        return [feed.thread_id for feed in list(self._feeds.values()) if feed.thread_id is not None]

    def stop(self) -> None:
        """Ends the threads, until `resume` or the next choice."""
        for feed in list(self._feeds.values()):
            feed.stop()

    def resume(self) -> None:
        """Starts them again."""
        if not self._is_closed:
            for feed in list(self._feeds.values()):
                feed.start()

    def reset(self) -> None:
        """In a forked child: what was known is old until its own threads hear more."""
        for feed in self._feeds.values():
            feed.reset()

    def _feed(self, task_type: str) -> Feed | None:
        """What is known of this kind of task; from now on it is asked for. None for one too many."""
        feed = self._feeds.get(task_type)
        if feed is None:
            if len(self._feeds) >= TASK_TYPES_MAX:
                return None
            question = RankProvidersRequest()
            question.CopyFrom(self._question)
            question.task_type = task_type
            if self._candidates:
                question.candidates.extend(RankingCandidate(provider=each.provider, model=each.model) for each in self._candidates)
            feed = self._feeds.setdefault(task_type, Feed(self._settings, question))
        if not self._is_closed:
            feed.start()
        return feed

    def _shares(self, ranking: RankProvidersResponse, among: Collection[Candidate]) -> list[tuple[Candidate, float]]:
        """Who may be chosen, and the share that the ranking suggests for each."""
        allowed = among or self._candidates
        ranked = ((Candidate(each.candidate.provider, each.candidate.model), each.suggested_share) for each in ranking.candidates)
        return [(candidate, share) for candidate, share in ranked if share > 0 and (not allowed or candidate in allowed)]


def _drawn(shares: Sequence[tuple[Candidate, float]]) -> tuple[Candidate, float]:
    """One of them by their shares, and the probability with which it was."""
    total = sum(share for _, share in shares)
    place = _random.random() * total
    for candidate, share in shares:
        place -= share
        if place < 0:
            return candidate, share / total
    return shares[-1][0], shares[-1][1] / total
