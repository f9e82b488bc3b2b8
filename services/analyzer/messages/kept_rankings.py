"""Rankings that are kept: when two recommend the same, their ids, and pages of them as the contract has them."""

import hashlib
from datetime import UTC, datetime, timedelta

from assay.analyzer.v1 import ranking_service_pb2 as contract

from kit import paging
from kit.errors import AssayError, Kind, invalid
from services.analyzer.messages.keys import TEXT_BYTES_MAX, checked_text, page_token_invalid, time_from_message, timestamp
from services.analyzer.store.records import KeptRanking, WantedRankings

PAGE_DEFAULT = 20
# Of rankings of 40 candidates, 2 MB.
PAGE_MAX = 50
# Shares that differ by less are the same recommendation: draws and each new call move them a little.
SHARE_STEP = 0.05
ID_LENGTH = 32
# Of a ranking that is announced; few would choose among more.
SHARES_TOLD_MAX = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US_MAX = 253_402_300_800_000_000


def is_alike(one: contract.RankProvidersResponse, other: contract.RankProvidersResponse) -> bool:
    """Whether two answers to the same question recommend the same."""
    if _choice(one) != _choice(other):
        return False
    shares = [{_name(each.candidate): each.suggested_share for each in ranking.candidates} for ranking in (one, other)]
    return all(abs(share - shares[1][name]) < SHARE_STEP for name, share in shares[0].items())


def ranking_id(project: str, ranking: contract.RankProvidersResponse) -> str:
    """32 hexadecimal digits that follow from the project and all that is answered."""
    plain = contract.RankProvidersResponse()
    plain.CopyFrom(ranking)
    plain.ClearField("ranking_id")
    return hashlib.sha256(f"{project}\0".encode() + plain.SerializeToString(deterministic=True)).hexdigest()[:ID_LENGTH]


def ranking_id_from(text: str) -> str:
    """An id as given. Raises FIELD_INVALID."""
    if len(text) != ID_LENGTH or not set(text) <= set("0123456789abcdef"):
        raise invalid("ranking_id", f"has {ID_LENGTH} hexadecimal digits")
    return text


def ranking_unknown(ranking_id: str) -> AssayError:
    """The refusal of an id that no kept ranking has."""
    message = f"no ranking {ranking_id} is kept"
    return AssayError(Kind.NOT_FOUND, "RANKING_UNKNOWN", message, details={"ranking_id": ranking_id})


def wanted(request: contract.ListRankingsRequest, project: str) -> WantedRankings:
    """Which rankings are asked for. Raises FIELD_INVALID."""
    task_type = checked_text("task_type", request.task_type, TEXT_BYTES_MAX)
    return WantedRankings(project, task_type, time_from_message(request, "start_time"), time_from_message(request, "end_time"))


def page_token(last: KeptRanking, query: WantedRankings) -> str:
    """The token of the page behind this ranking."""
    return paging.encode_token(f"rankings {query}", [(last.make_time - _EPOCH) // timedelta(microseconds=1), last.ranking_id])


def page_position(token: str, query: WantedRankings) -> tuple[datetime, str] | None:
    """Behind which ranking the page begins, None for the first one. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, f"rankings {query}"):
        case [int(make_us), str(ranking_id)] if 0 <= make_us < _US_MAX and len(ranking_id) <= ID_LENGTH:
            return _EPOCH + timedelta(microseconds=make_us), ranking_id
    raise page_token_invalid()


def kept_to_message(kept: KeptRanking) -> contract.KeptRanking:
    """A kept ranking as the contract has it."""
    return contract.KeptRanking(
        make_time=timestamp(kept.make_time),
        question=contract.RankProvidersRequest.FromString(kept.question),
        ranking=contract.RankProvidersResponse.FromString(kept.ranking),
    )


def kept_summary(kept: KeptRanking) -> contract.KeptRankingSummary:
    """What a kept ranking recommends, without why."""
    ranking = contract.RankProvidersResponse.FromString(kept.ranking)
    first = ranking.candidates[:SHARES_TOLD_MAX]
    return contract.KeptRankingSummary(
        project=kept.project,
        ranking_id=kept.ranking_id,
        task_type=kept.task_type,
        make_time=timestamp(kept.make_time),
        shares=[contract.SuggestedShare(candidate=one.candidate, share=one.suggested_share) for one in first],
    )


def _choice(ranking: contract.RankProvidersResponse) -> tuple[object, ...]:
    """Who is first, tied with the first, in an anomaly, and left out; without shares and estimates."""
    ranked = ranking.candidates
    return (
        [_name(ranked[0].candidate)] if ranked else [],
        {_name(one.candidate): (one.is_tied_with_first, one.is_in_anomaly) for one in ranked},
        {_name(one.candidate): one.reason for one in ranking.left_out},
        ranking.empty_reason,
    )


def _name(candidate: contract.RankingCandidate) -> tuple[str, str]:
    return candidate.provider, candidate.model
