"""Templates that users write: what they can say, and that they can do nothing else, for ever or at all."""

import pytest

from kit.errors import AssayError
from services.alerter.domain.notification.receiver import TEMPLATE_LENGTH_MAX, WebhookConfig
from services.alerter.render.user_template import OUTPUT_LENGTH_MAX, check_template, rendered
from tests.alerter.notify.messages import outgoing

HOOK = WebhookConfig("https://example.com")


def test_a_template_says_what_its_writer_wants() -> None:
    text = "{{ status }}"
    text += "{% for a in alerts if a.state == 'FIRING' %}\n\n{{ a.name | upper }} {{ a.labels.provider }}: {{ a.observed }}{% endfor %}"
    message, _ = outgoing(HOOK, subject_template="[{{ severity }}] {{ title }}", text_template=text)
    assert message.subject == "[CRITICAL] slow · openai"
    assert message.text == "1 firing, 1 acknowledged, 1 resolved\nSLOW openai: 4.2 s"
    assert message.html == ""


@pytest.mark.parametrize(
    "source",
    [
        "{{ range(10 ** 9) }}", "{{ 'a' * 10 ** 9 }}", "{{ 2 ** 2 ** 2 ** 2 ** 2 ** 9 }}", "{% set x = title %}", "{{ title ~ title }}",
        "{% for a in alerts %}{% for b in alerts %}{% for c in alerts %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in alerts recursive %}{{ loop(alerts) }}{% endfor %}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include '/etc/passwd' %}", "{% import 'os' as os %}", "{{ title.upper() }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ [title] }}", "{{ title | center(1000000000) }}", "{{ title | replace('a', 'aaaa') }}", "{{ title | map('upper') }}",
        "{% filter upper %}x{% endfilter %}",
        "{% call m() %}{% endcall %}", "{% with x = 1 %}{% endwith %}", "{% block b %}{% endblock %}", "{{ lipsum() }}",
        "{{ cycler }}{{ -1 }}", "{% if %}", "{{",
        "{{ alerts | join(*alerts) }}", "x" * (TEMPLATE_LENGTH_MAX + 1), "{{ title | nothing }}",
        "{% if title is divisibleby 3 %}{% endif %}",
        "{% if " + "not " * 3_000 + "title %}{% endif %}",
    ],
)  # fmt: skip
def test_what_a_template_may_not_say_is_refused_before_it_is_kept(source: str) -> None:
    with pytest.raises(AssayError) as refused:
        check_template("text_template", source)
    assert refused.value.details == {"field": "text_template"}


@pytest.mark.parametrize(
    "source", ["{{ ''.__class__ }}", "{{ title.__init__.__globals__ }}", "{{ alerts.__class__ }}", "{{ title.format }}"]
)
def test_a_template_sees_nothing_of_python(source: str) -> None:
    try:
        said = rendered(source, {"title": "t", "alerts": []})
    except AssayError:
        return
    assert "class" not in said and "globals" not in said


def test_lists_are_joined_and_texts_are_not() -> None:
    assert rendered("{{ names | join(' / ') }}", {"names": ["a", "b"]}) == "a / b"
    for source in ("{{ 'ab' | join('x') | join('x') }}", "{{ names | join('" + "x" * 21 + "') }}"):
        with pytest.raises(AssayError):
            rendered(source, {"names": ["a", "b"]})


def test_the_longest_text_of_a_template_is_bounded() -> None:
    loops = "{% for a in many %}{% for b in many %}" + "x" * 100 + "{% endfor %}{% endfor %}"
    assert len(rendered(loops, {"many": list(range(200))})) == OUTPUT_LENGTH_MAX


def test_a_template_that_fails_on_what_it_is_given_gives_way_to_ours() -> None:
    message, _ = outgoing(HOOK, text_template="{{ nothing.at.all }}", subject_template="{{ title | round }}")
    assert "p95 is" in message.text and "template failed" in message.text
    assert message.subject == "Alert: slow · openai"
