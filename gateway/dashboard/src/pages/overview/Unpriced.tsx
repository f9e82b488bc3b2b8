// The mark of a cost that leaves something out.
import { count, plural, text } from '../../format/format';
import { tip } from '../../parts/Tooltip';

interface UnpricedProps {
  unpriced: number;
  calls: number;
  /** Instead of the number of unpriced calls, where there is no room for it. */
  text?: string;
}

export function Unpriced({ unpriced, calls, text: short }: UnpricedProps) {
  const explanation = `${plural(unpriced, 'call')} of ${text(count(calls))} ${unpriced === 1 ? 'has' : 'have'} no known price. Their cost is not in the sum.`;
  return (
    <span class="unpriced" {...tip(explanation)}>
      {short ?? `+ ${text(count(unpriced))} unpriced`}
    </span>
  );
}
