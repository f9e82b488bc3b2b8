// While a condition is being written it may be none yet: what is written stands here, and in the draft what it makes.
import { useState } from 'preact/hooks';
import { ownOrRead, written, type Matcher } from '../../metrics/matchers';
import { MatcherEditor } from '../../parts/MatcherEditor';

interface ConditionsProps {
  label: string;
  none: string;
  matchers: readonly string[];
  onChange: (matchers: string[]) => void;
}

export function Conditions({ label, none, matchers, onChange }: ConditionsProps) {
  const [own, setOwn] = useState<readonly Matcher[]>([]);
  return (
    <div class="field" role="group" aria-label={label}>
      <span>{label}</span>
      <MatcherEditor
        matchers={ownOrRead(own, matchers)}
        none={none}
        onChange={(next) => {
          setOwn(next);
          onChange(next.map(written));
        }}
      />
    </div>
  );
}
