"""The pages behind links for feedback: what is asked, two thumbs, and thanks. No script; all is escaped."""

from html import escape

from assay.collector.v1 import feedback_service_pb2 as feedback

from gateway.links_page import moment_text, page
from gateway.problems import Problem

COMMENT_LENGTH_MAX = 250
_LATER = ("Try again in a moment", "Assay does not answer just now. Your vote was not lost: it has not been taken yet.")
_REFUSALS = {
    "LINK_INVALID": ("This link does not work", "It is not complete, or not from this Assay. Copy the whole link from the message."),
    "LINK_EXPIRED": ("This link has expired", "Votes are taken for some days. Ask whoever sent it for a new one."),
    "QUOTA_RATE_EXCEEDED": ("Too many votes at once", "Try again in a minute."),
    "COLLECTOR_UNAVAILABLE": _LATER,
    "DATABASE_UNAVAILABLE": _LATER,
    "BUS_UNAVAILABLE": _LATER,
    "STREAM_FULL": _LATER,
    "DEADLINE_EXCEEDED": _LATER,
}


def feedback_page(link: feedback.GetFeedbackLinkResponse) -> str:
    """What is voted on, and the two buttons."""
    what = "task" if link.WhichOneof("subject") == "task_id" else "answer"
    form = (
        '<form method="post"><label for="comment">Why, if you like</label>'
        f'<input id="comment" name="comment" maxlength="{COMMENT_LENGTH_MAX}" autocomplete="off">'
        '<button type="submit" name="vote" value="up">👍 Good</button>'
        '<button type="submit" name="vote" value="down">👎 Not good</button></form>'
    )
    expiry = f'<p class="fine">The link works until {moment_text(link.expire_time)}. Of several votes of yours the last one counts.</p>'
    return page("Was this good?", f"<p>The {what} <strong>{escape(link.title)}</strong></p>{form}{expiry}", home="")


def thanks_page(vote: feedback.FeedbackVote.ValueType) -> str:
    """That the vote is taken."""
    told = "👍" if vote == feedback.FEEDBACK_VOTE_UP else "👎"
    return page("Thank you", f"<p>Your vote is {told}. Open the link again to change it.</p>", home="")


def refused_page(problem: Problem) -> str:
    """Why a link does not work, in plain words."""
    title, text = _REFUSALS.get(problem.reason, ("This did not work", problem.detail))
    return page(title, f"<p>{escape(text)}</p>", home="")
