// Conditions on labels, one below the other; labels and values that open alerts have are suggested.
import { useId } from 'preact/hooks';
import { LABELS, OPERATOR_WORDS, OPERATORS, problemOf, type Matcher, type Operator } from '../metrics/matchers';
import { alerts } from '../state/alerts';
import { Icon } from './Icon';
import './matcher-editor.css';
import { tip } from './Tooltip';

const MOST = 32;

interface MatcherEditorProps {
  matchers: readonly Matcher[];
  onChange: (matchers: readonly Matcher[]) => void;
  /** Shown where there are none. */
  none: string;
}

/** What open alerts have as the value of a label. */
function suggested(name: string): string[] {
  const known = alerts.value?.open.flatMap((one) => one.labels[name] ?? []) ?? [];
  return [...new Set(known)].sort();
}

export function MatcherEditor({ matchers, onChange, none }: MatcherEditorProps) {
  const change = (index: number, part: Partial<Matcher>): void =>
    onChange(matchers.map((one, at) => (at === index ? { ...one, ...part } : one)));
  return (
    <div class="matchers">
      {matchers.length === 0 && <p class="is-faint">{none}</p>}
      {matchers.map((matcher, index) => (
        <Row
          key={index}
          number={index + 1}
          matcher={matcher}
          onChange={(part) => change(index, part)}
          onRemove={() => onChange(matchers.filter((_, at) => at !== index))}
        />
      ))}
      {matchers.length < MOST && (
        <button
          type="button"
          class="button matchers-add"
          onClick={() => onChange([...matchers, { name: '', operator: '=', value: '' }])}
        >
          <Icon name="plus" /> Condition
        </button>
      )}
    </div>
  );
}

function Row({
  number,
  matcher,
  onChange,
  onRemove,
}: {
  number: number;
  matcher: Matcher;
  onChange: (part: Partial<Matcher>) => void;
  onRemove: () => void;
}) {
  const id = useId();
  const problem = problemOf(matcher);
  return (
    <div class="matcher" role="group" aria-label={`Condition ${number}`}>
      <input
        class="input"
        aria-label="Label"
        placeholder="label"
        list={`${id}-names`}
        value={matcher.name}
        aria-invalid={problem !== ''}
        onInput={(event) => onChange({ name: event.currentTarget.value.trim() })}
      />
      <datalist id={`${id}-names`}>
        {LABELS.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <select
        class="select"
        aria-label="How it is compared"
        value={matcher.operator}
        onChange={(event) => onChange({ operator: event.currentTarget.value as Operator })}
      >
        {OPERATORS.map((operator) => (
          <option key={operator} value={operator}>
            {OPERATOR_WORDS[operator]}
          </option>
        ))}
      </select>
      <input
        class="input"
        aria-label="Value"
        placeholder={matcher.operator.endsWith('~') ? 'pattern' : 'value'}
        list={`${id}-values`}
        value={matcher.value}
        onInput={(event) => onChange({ value: event.currentTarget.value })}
      />
      <datalist id={`${id}-values`}>
        {suggested(matcher.name).map((value) => (
          <option key={value} value={value} />
        ))}
      </datalist>
      <button
        type="button"
        class="button is-icon"
        aria-label={`Remove condition ${number}`}
        {...tip('Remove')}
        onClick={onRemove}
      >
        <Icon name="close" />
      </button>
      {problem && matcher.name !== '' && <small class="is-bad">{problem}</small>}
    </div>
  );
}
