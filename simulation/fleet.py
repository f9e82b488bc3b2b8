"""Who is asked for what: the fleet's models, kinds of task, agents and prompts, all with their true figures."""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Floats


@dataclass(frozen=True)
class Price:
    """What the caller states, in nano-dollars a token."""

    input_nanos: int
    output_nanos: int


@dataclass(frozen=True)
class Model:
    """A model as its provider serves it.

    `share` is the part of first tries that go to it, `verbosity` a factor of output tokens, `thinking_ratio` the part of
    them that is reasoning, `wait_s` the median wait before the first token of any kind, `quality_delta` is added to the score,
    `fail_ratio` the part of the time that it spends in failing runs. `price` is None where Assay's own price table decides.
    """

    provider: str
    name: str
    share: float
    tokens_per_s: float
    verbosity: float
    thinking_ratio: float
    wait_s: float
    quality_delta: float
    fail_ratio: float
    price: Price | None = None

    @property
    def is_withdrawn(self) -> bool:
        """Whether it never answers any more."""
        return self.fail_ratio == 1


@dataclass(frozen=True)
class PromptVersion:
    """A version of a prompt: the part of the tasks that use it, and what it adds to the score."""

    name: str
    share: float
    quality_delta: float


@dataclass(frozen=True)
class TaskType:
    """A kind of task: medians of its tokens, its mean score, who does it with which prompt, and the part that is streamed."""

    name: str
    share: float
    input_token_count: int
    output_token_count: int
    quality: float
    agent: str
    prompt_name: str
    versions: tuple[PromptVersion, ...]
    streamed_ratio: float = 0.0
    writes_code: bool = False


@dataclass(frozen=True)
class Fleet:
    """Everything that does not change with time."""

    models: tuple[Model, ...]
    task_types: tuple[TaskType, ...]

    @property
    def versions(self) -> tuple[tuple[int, PromptVersion], ...]:
        """Every prompt version with the place of its task type; columns hold places in this."""
        return tuple((place, version) for place, task_type in enumerate(self.task_types) for version in task_type.versions)


# Speeds, deltas of quality and failing parts are the reference's own at the quantiles 1/24, 3/24 … 23/24 over its models, given to
# names so that small models are fast. The greatest failing part is a withdrawn model's; its share gives it the reference's 4 % of
# the calls. Verbosity has the reference's spread over models (0.7 as logarithm, a quarter less since there are no oddities);
# shares, waits and thinking are chosen.
_MODELS = (
    Model("anthropic", "claude-opus-4-5", 0.08, 42, 1.1, 0.0, 1.4, 0.097, 0.002),
    Model("anthropic", "claude-sonnet-4-5", 0.16, 54, 1.0, 0.0, 1.0, 0.049, 0.013),
    Model("anthropic", "claude-haiku-4-5", 0.10, 100, 0.7, 0.0, 0.6, 0.006, 0.002),
    Model("openai", "gpt-5", 0.13, 46, 1.9, 0.5, 0.9, 0.041, 0.022),
    Model("openai", "gpt-5-mini", 0.11, 63, 1.2, 0.4, 0.7, 0.012, 0.002),
    Model("openai", "gpt-4.1", 0.06, 52, 0.6, 0.0, 0.7, -0.021, 0.044),
    Model("google", "gemini-2.5-pro", 0.09, 49, 1.5, 0.4, 0.9, 0.023, 0.101),
    Model("google", "gemini-2.5-flash", 0.10, 92, 0.8, 0.2, 0.5, -0.014, 0.002),
    Model("mistral", "mistral-large-latest", 0.05, 34, 0.5, 0.0, 0.6, -0.029, 0.002, Price(1_800, 5_400)),
    Model("deepseek", "deepseek-chat", 0.06, 28, 0.7, 0.0, 1.2, -0.044, 0.129),
    Model("deepseek", "deepseek-reasoner", 0.03, 20, 2.6, 0.6, 1.2, -0.054, 0.246),
    Model("google", "gemini-1.5-pro", 0.024, 50, 1.0, 0.0, 0.8, 0.0, 1.0),
    Model("self-hosted", "qwen3-32b", 0.03, 147, 0.9, 0.3, 0.3, -0.093, 0.002, Price(90, 270)),
)


def _versions(*deltas: float) -> tuple[PromptVersion, ...]:
    return tuple(PromptVersion(f"v{number}", 1 / len(deltas), delta) for number, delta in enumerate(deltas, 1))


# Tokens are the medians of the reference's task types of these names (of "orchestration" for code_review). Scores are the means
# of the reference's task types at the quantiles 1/16, 3/16 … 15/16 over its scores. Shares and versions are chosen, the latter so that
# most prompts have one that is better by a known amount. The streamed task has the reference's share of streamed calls.
_TASK_TYPES = (
    TaskType("code_generation", 0.24, 154, 1_719, 0.89, "implementer", "implement", _versions(-0.04, 0.04), writes_code=True),
    TaskType("code_review", 0.12, 1_075, 539, 0.74, "reviewer", "review", _versions(0.0, 0.06)),
    TaskType("customer_support", 0.155, 617, 265, 0.69, "supporter", "answer", _versions(-0.03, 0.03), streamed_ratio=0.65),
    TaskType("summarization", 0.12, 417, 648, 0.94, "librarian", "summarize", _versions(0.0, 0.0)),
    TaskType("translation", 0.10, 190, 549, 0.87, "translator", "translate", _versions(0.0, 0.02)),
    TaskType("tool_calling", 0.14, 634, 145, 0.36, "operator", "use_tools", _versions(-0.05, 0.0, 0.05)),
    TaskType("structured_output", 0.085, 163, 280, 0.99, "extractor", "extract", _versions(0.0, -0.08)),
    TaskType("agent_long_horizon", 0.04, 7_940, 4_718, 0.81, "planner", "plan", _versions(0.0)),
)

FLEET = Fleet(_MODELS, _TASK_TYPES)


def cumulative(shares: tuple[float, ...]) -> Floats:
    """Running sums that end at exactly 1, for drawing places by `numpy.searchsorted`."""
    sums = np.cumsum(shares) / sum(shares)
    sums[-1] = 1.0
    return sums
