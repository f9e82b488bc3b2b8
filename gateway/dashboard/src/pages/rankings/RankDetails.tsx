// Why a candidate stands where it stands: the reasons, and all that is known of it.
import type { RankedCandidate } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { count, text } from '../../format/format';
import { instant } from '../../format/time';
import { measureLabel, RANKED_METRICS } from '../../metrics/rankings';
import { Icon } from '../../parts/Icon';
import { tip } from '../../parts/Tooltip';
import { timeZone } from '../../state/session';
import { addressOf } from '../../state/view';

export function RankDetails({ one }: { one: RankedCandidate }) {
  return (
    <div class="rank-details">
      <div>
        <h3>Why</h3>
        {one.is_in_anomaly && <p class="rank-anomaly">{one.anomaly}</p>}
        <ul class="rank-reasons">
          {one.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
        {one.last_call_time && (
          <p class="is-faint">Last call by {instant(Date.parse(one.last_call_time), timeZone.value)}.</p>
        )}
        <p class="rank-links">
          <a
            href={addressOf('/series', {
              filters: { provider: [one.candidate.provider], model: [one.candidate.model] },
            })}
          >
            <Icon name="trend" /> Trends
          </a>
        </p>
      </div>
      <Estimates one={one} />
    </div>
  );
}

function Estimates({ one }: { one: RankedCandidate }) {
  return (
    <table class="estimates">
      <thead>
        <tr>
          <th scope="col">Estimate</th>
          <th scope="col">Expected</th>
          <th scope="col">90 % interval</th>
          <th scope="col" {...tip('Its own calls, scores or tasks behind it, old ones counting for less.')}>
            Own evidence
          </th>
        </tr>
      </thead>
      <tbody>
        {one.estimates.map(({ measure, value, low, high, evidence_count: evidence }) => {
          const { format, term } = RANKED_METRICS[measure.metric];
          return (
            <tr key={measureLabel(measure)}>
              <th scope="row" {...tip(DEFINITIONS[term])}>
                {measureLabel(measure)}
              </th>
              <td>{text(format(value))}</td>
              <td>
                {text(format(low))} – {text(format(high))}
              </td>
              <td>{text(count(Math.round(evidence)))}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
