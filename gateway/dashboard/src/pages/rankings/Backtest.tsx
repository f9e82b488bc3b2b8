// What following the ranking would have brought by the calls of the last week, and what other ways of choosing would have.
import { useState } from 'preact/hooks';
import type { RankingBacktest, ReplayedOutcome, ReplayedPolicy } from '../../api/model';
import { backtestRanking, type RankingQuery } from '../../api/rankings';
import { plural, ratio, text } from '../../format/format';
import { OUTCOME_NAMES, OUTCOMES, POLICIES } from '../../metrics/rankings';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { useAction } from '../../state/action';

// With fewer the intervals say nothing.
const EFFECTIVE_LEAST = 10;

export function Backtest({ query }: { query: RankingQuery }) {
  const [answer, setAnswer] = useState<RankingBacktest | null>(null);
  const { isBusy, error, run } = useAction();
  const ask = (): void => void run(async () => setAnswer(await backtestRanking(query)));
  return (
    <section class="card replay-card" aria-label="Back-test" aria-busy={isBusy}>
      <header class="list-header">
        <h2>Would following it have paid?</h2>
        <p class="is-faint" role="status">
          {answer && answer.policies.length > 0 && `${plural(answer.call_count, 'call')} of the last 7 days replayed`}
        </p>
        <button type="button" class="button replay-ask" disabled={isBusy} onClick={ask}>
          {isBusy ? 'Replaying …' : answer ? 'Again' : 'Replay the last 7 days'}
        </button>
      </header>
      {error && <Failure what="The calls could not be replayed" error={error} onRetry={ask} />}
      {answer?.empty_reason && (
        <State icon="info" title="Nothing was replayed">
          <p>{answer.empty_reason}</p>
        </State>
      )}
      {answer && answer.policies.length > 0 && <Policies answer={answer} />}
      {!answer && !error && (
        <p class="replay-words is-faint">
          Replays recorded calls against the ranking, and against always the same, the cheapest, the fastest and chance:
          doubly robust estimates with 90 % intervals.
        </p>
      )}
    </section>
  );
}

function Policies({ answer }: { answer: RankingBacktest }) {
  return (
    <>
      <div class="replay-scroll" tabIndex={0} role="region" aria-label="Policies">
        <table class="replay">
          <thead>
            <tr>
              <th scope="col">Policy</th>
              {OUTCOME_NAMES.map((name) => (
                <th scope="col" key={name} class="is-number">
                  {OUTCOMES[name].label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {answer.policies.map((one) => (
              <PolicyRow key={one.policy} one={one} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="replay-words is-faint">This takes for granted:</p>
      <ul class="replay-words is-faint">
        {answer.assumptions.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
    </>
  );
}

function PolicyRow({ one: { policy, choices, outcomes } }: { one: ReplayedPolicy }) {
  const [label, meaning] = POLICIES[policy];
  const chosen = choices.slice(0, 3).map(({ candidate, share }) => `${candidate.model} ${text(ratio(share))}`);
  return (
    <tr class={policy === 'SUGGESTED_SHARE' ? 'is-ranking' : ''}>
      <th scope="row" {...tip(`${meaning} It would have chosen ${chosen.join(', ')}.`)}>
        {label}
      </th>
      {OUTCOME_NAMES.map((name) => (
        <td key={name} class="is-number">
          <OutcomeCell one={outcomes.find(({ outcome }) => outcome === name)} />
        </td>
      ))}
    </tr>
  );
}

function OutcomeCell({ one }: { one: ReplayedOutcome | undefined }) {
  if (!one || one.doubly_robust.value === null) return <span class="is-faint">–</span>;
  const { format } = OUTCOMES[one.outcome];
  const { value, low, high } = one.doubly_robust;
  const isThin = one.effective_count < EFFECTIVE_LEAST;
  const words =
    `${text(format(value))} (${text(format(low))} – ${text(format(high))}), worth ${plural(Math.round(one.effective_count), 'call')} of its own; ` +
    `callers made ${text(ratio(Math.min(1, one.covered_ratio)))} of its choices, too${isThin ? '. Too few: the interval says nothing' : ''}`;
  return (
    <span class={isThin ? 'is-faint' : ''} {...tip(words)}>
      <b>{text(format(value))}</b>
      <br />
      <small>
        {text(format(low))} – {text(format(high))}
      </small>
    </span>
  );
}
