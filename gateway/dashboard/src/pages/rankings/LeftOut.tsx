// Who is not ranked, and why.
import type { LeftOutCandidate } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { plural } from '../../format/format';
import { tip } from '../../parts/Tooltip';

const REASONS: Record<LeftOutCandidate['reason'], string> = {
  NOT_ALLOWED: 'Not allowed',
  EVIDENCE_TOO_LITTLE: 'Too little evidence',
  CONSTRAINT_NOT_MET: 'A bound is not kept',
};

export function LeftOut({ leftOut }: { leftOut: readonly LeftOutCandidate[] }) {
  return (
    <section class="card left-out" aria-label="Left out">
      <header class="list-header">
        <h2 class="term" tabIndex={0} {...tip(DEFINITIONS.leftOut)}>
          Left out
        </h2>
        <p class="is-faint" role="status">
          {leftOut.length === 0 ? 'nobody' : plural(leftOut.length, 'candidate')}
        </p>
      </header>
      {leftOut.length > 0 && (
        <ul class="left-out-list">
          {leftOut.map(({ candidate, reason, explanation }) => (
            <li key={`${candidate.provider}/${candidate.model}`}>
              <p class="rank-name">
                <b>{candidate.provider}</b> {candidate.model}
              </p>
              <p class="left-out-reason">{REASONS[reason]}</p>
              <p class="is-faint">{explanation}</p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
