"""Contents of evidence, which the collector keeps in a stream of their own, in parts, for a while."""

from assay.telemetry.v1.evidence_pb2 import ContentReference

from kit.bus import Bus
from services.analyzer import streams


class Contents:
    """Fetches contents, and drops those that are done with."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def fetch(self, project: str, reference: ContentReference) -> bytes | None:
        """The content of a reference, None where it is not kept any more. Raises BUS_UNAVAILABLE."""
        content = bytearray()
        while len(content) < reference.byte_count:
            subject = f"{_subject(project, reference)}.{len(content) // streams.CONTENT_PART_BYTES}"
            part = await self._bus.last_payload(streams.CONTENT, subject)
            if not part:
                return None
            content += part
        return bytes(content)

    async def drop(self, project: str, reference: ContentReference) -> None:
        """Forgets a content. Raises BUS_UNAVAILABLE; then it is forgotten when its time is over."""
        await self._bus.purge_subject(streams.CONTENT, f"{_subject(project, reference)}.*")


def _subject(project: str, reference: ContentReference) -> str:
    return f"{streams.CONTENT_SUBJECT}.{project}.{reference.content_id}"
