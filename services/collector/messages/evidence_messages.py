"""Evidence as it travels on the bus to what the writer stores of it."""

from collections.abc import Sequence

from services.collector.domain.evidence import Piece
from services.collector.domain.measures import QUALITY_NANOS
from services.collector.messages.ingest_messages import Received


def pieces(received: Sequence[Received]) -> list[Piece]:
    """All evidence of the messages; `Piece.message` numbers them as `received` does."""
    found = []
    for number, one in enumerate(received):
        for evidence in one.message.evidence.evidence:
            is_evaluation = evidence.WhichOneof("kind") == "evaluation"
            says_accepted = evidence.WhichOneof("kind") == "feedback" and evidence.feedback.HasField("accepted")
            found.append(
                Piece(
                    project_id=one.info.project_id,
                    message=number,
                    evidence_id=evidence.evidence_id,
                    call_id=evidence.call_id,
                    task_id=evidence.task_id,
                    observe_us=evidence.observe_time.ToMicroseconds(),
                    receive_date=one.info.receive_date,
                    evaluator=evidence.evaluation.evaluator if is_evaluation else None,
                    score_nanos=round(evidence.evaluation.score_ratio * QUALITY_NANOS) if is_evaluation else None,
                    accepted=evidence.feedback.accepted if says_accepted else None,
                    payload=evidence.SerializeToString(),
                )
            )
    return found
