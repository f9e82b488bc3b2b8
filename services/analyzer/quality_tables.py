"""The tables of quality in the schema `analyzer`; ARCHITECTURE.md lists who writes them."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from services.analyzer.tables import IdText, metadata, series_columns

# Up to which position evidence has been read, and the weights as JSON: empty for those that come with Assay. `score_count`: how many scores
# were made in all, the latest at `score_us`.
quality_project_table = Table(
    "quality_project",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("weights_version", Integer, nullable=False, server_default=text("0")),
    Column("weights", Text, nullable=False, server_default=text("''")),
    Column("keep_content", Boolean, nullable=False, server_default=text("false")),
    Column("score_count", BigInteger, nullable=False, server_default=text("0")),
    Column("score_us", BigInteger, nullable=False, server_default=text("0")),
)

# What was read of a piece of evidence, as JSON. `evidence` is the piece itself without content; that is kept where the project wants it.
evidence_reading_table = Table(
    "evidence_reading",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("evidence_id", IdText, primary_key=True),
    Column("is_task", Boolean, nullable=False),
    Column("subject_id", IdText, nullable=False),
    Column("observe_us", BigInteger, nullable=False),
    Column("reader_version", Integer, nullable=False),
    Column("readings", Text, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("content", LargeBinary),
    Index("evidence_reading_subject", "project", "is_task", "subject_id"),
)

# A score has no series until its call or task is known to the collector, which is asked again at `locate_us`. `component_scores` has one
# place for each component, null where there is nothing. `is_due`: to be made anew. `is_told`: the collector has it, or needs it not.
score_table = Table(
    "score",
    metadata,
    Column("project", IdText, primary_key=True),
    Column("is_task", Boolean, primary_key=True),
    Column("subject_id", IdText, primary_key=True),
    Column("version", BigInteger, nullable=False),
    *series_columns(nullable=True),
    Column("start_us", BigInteger),
    Column("score", Double),
    Column("low", Double),
    Column("high", Double),
    Column("deviation", Double),
    Column("component_scores", ARRAY(Double), nullable=False),
    Column("evidence_count", Integer, nullable=False),
    Column("weights_version", Integer, nullable=False),
    Column("reader_version", Integer, nullable=False),
    Column("score_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("is_due", Boolean, nullable=False),
    Column("is_told", Boolean, nullable=False),
    Column("locate_us", BigInteger),
    Column("locate_count", Integer, nullable=False),
    Index("score_start", "project", "start_us"),
    Index("score_due", "project", postgresql_where=text("is_due")),
    Index("score_untold", "project", postgresql_where=text("NOT is_told")),
    Index("score_locate", "project", "locate_us", postgresql_where=text("locate_us IS NOT NULL")),
)
