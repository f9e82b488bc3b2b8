"""Evidence as a form with files, as CI sends it: each file and each word becomes a piece of evidence of one call or task."""

import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assay.collector.v1.collector_service_pb2 import RecordEvidenceRequest
from assay.telemetry.v1.evidence_pb2 import Evidence
from starlette.datastructures import FormData, UploadFile

from kit.errors import invalid

FILES_MAX = 20
FIELDS_MAX = 30
FIELD_BYTES_MAX = 64 * 1024
# Of a piece's id: what it is about and says, so that a repeat is known.
_ID_LENGTH = 32
_BATCH_ID_BYTES = 16
# A field for a file, and where its content goes.
FILE_FORMS: Mapping[str, tuple[str, str]] = {
    "code": ("code", "content"),
    "diff": ("code", "unified_diff"),
    "junit": ("tests", "junit_xml"),
    "cobertura": ("coverage", "cobertura_xml"),
    "lcov": ("coverage", "lcov"),
    "coverage_json": ("coverage", "coverage_json"),
    "sarif": ("static_analysis", "sarif_json"),
}
_COVERAGE = "coverage"
FILE_FIELDS = (*FILE_FORMS, _COVERAGE)
TEXT_FIELDS = (
    *("project", "batch_id", "call_id", "task_id", "language"),
    *("rating_ratio", "accepted", "kept_ratio", "comment", "rater", "revision_count", "evaluator", "score_ratio"),
)
_FEEDBACK = ("rating_ratio", "accepted", "kept_ratio", "comment")
_WORDS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True)
class _Subject:
    call_id: str
    task_id: str
    observe_us: int

    def piece(self, *parts: bytes) -> Evidence:
        """An empty piece whose id is of subject and parts."""
        digest = hashlib.sha256()
        for part in (self.call_id.encode(), self.task_id.encode(), *parts):
            digest.update(len(part).to_bytes(8, "big") + part)
        piece = Evidence(evidence_id=digest.hexdigest()[:_ID_LENGTH])
        piece.observe_time.FromMicroseconds(self.observe_us)
        if self.call_id:
            piece.call_id = self.call_id
        if self.task_id:
            piece.task_id = self.task_id
        return piece

    def word(self, *parts: bytes) -> Evidence:
        """A piece of words: what was said before may be said again later, and the newest counts."""
        return self.piece(*parts, str(self.observe_us).encode())


async def evidence_request(form: FormData, project: str) -> RecordEvidenceRequest:
    """The batch that a form makes. `project` is the query's. Raises FIELD_INVALID."""
    texts: dict[str, str] = {}
    files: list[tuple[str, UploadFile]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append((name, value))
        elif name in TEXT_FIELDS and name not in texts:
            texts[name] = value
        else:
            raise invalid(name[:64], f"is none of {', '.join(TEXT_FIELDS)}, or there twice; files are {', '.join(FILE_FIELDS)}")
    if bool(texts.get("call_id")) == bool(texts.get("task_id")):
        raise invalid("subject", "name a call_id or a task_id")
    if project and texts.get("project", "") not in {"", project}:
        raise invalid("project", "the query and the form name different projects")
    subject = _Subject(texts.get("call_id", ""), texts.get("task_id", ""), time.time_ns() // 1_000)
    pieces = [_file_piece(subject, name, file.filename or "", await file.read(), texts.get("language", "")) for name, file in files]
    pieces += _word_pieces(subject, texts)
    if not pieces:
        raise invalid("form", "there is no evidence in it")
    batch_id = texts.get("batch_id") or secrets.token_hex(_BATCH_ID_BYTES)
    return RecordEvidenceRequest(project=texts.get("project") or project, batch_id=batch_id, evidence=pieces)


def coverage_form(content: bytes) -> str:
    """Which of the reports of coverage this is, by how it begins."""
    begin = content[:1_024].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "cobertura" if begin.startswith(b"<") else "coverage_json" if begin.startswith(b"{") else "lcov"


def _file_piece(subject: _Subject, field: str, file_name: str, content: bytes, language: str) -> Evidence:
    name = coverage_form(content) if field == _COVERAGE else field
    if name not in FILE_FORMS:
        raise invalid(field[:64], f"files are {', '.join(FILE_FIELDS)}")
    kind, form = FILE_FORMS[name]
    piece = subject.piece(name.encode(), content)
    setattr(getattr(piece, kind), form, content)
    if kind == "code":
        piece.code.language = language
    if name == "code":
        piece.code.path = file_name
    return piece


def _word_pieces(subject: _Subject, texts: Mapping[str, str]) -> Iterator[Evidence]:
    """Feedback, revisions and an evaluation, as far as the form has them."""
    said = {name: texts[name] for name in _FEEDBACK if texts.get(name)}
    if said:
        piece = subject.word(b"feedback", texts.get("rater", "").encode(), repr(sorted(said.items())).encode())
        feedback = piece.feedback
        feedback.rater, feedback.comment = texts.get("rater", ""), said.get("comment", "")
        for name in ("rating_ratio", "kept_ratio"):
            if name in said:
                setattr(feedback, name, _number(name, said[name]))
        if "accepted" in said:
            if said["accepted"].lower() not in _WORDS:
                raise invalid("accepted", "must be true or false")
            feedback.accepted = _WORDS[said["accepted"].lower()]
        yield piece
    if count := texts.get("revision_count"):
        if not (count.isascii() and count.isdigit() and len(count) < 10):
            raise invalid("revision_count", "must be a whole number")
        piece = subject.word(b"revision", count.encode())
        piece.revision.count = int(count)
        yield piece
    if texts.get("evaluator") or texts.get("score_ratio"):
        piece = subject.word(b"evaluation", texts.get("evaluator", "").encode(), texts.get("score_ratio", "").encode())
        piece.evaluation.evaluator = texts.get("evaluator", "")
        piece.evaluation.score_ratio = _number("score_ratio", texts.get("score_ratio", ""))
        yield piece


def _number(field: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise invalid(field, "must be a number") from None
