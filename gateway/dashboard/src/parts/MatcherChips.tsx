// Matchers, to be read: exactly as they are written, in words where one hovers.
import { matcherWords } from '../metrics/matchers';
import './matcher-chips.css';
import { tip } from './Tooltip';

export function MatcherChips({ matchers }: { matchers: readonly string[] }) {
  return (
    <span class="matcher-chips">
      {matchers.map((one) => (
        <code key={one} {...tip(matcherWords(one))}>
          {one}
        </code>
      ))}
    </span>
  );
}
