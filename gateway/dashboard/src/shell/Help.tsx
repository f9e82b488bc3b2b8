// The help: what the keys do, and what the numbers mean.
import { Dialog } from '../parts/Dialog';
import { DEFINITIONS, type Term } from '../definitions';
import './help.css';

const KEYS: readonly (readonly [readonly string[], string])[] = [
  [['/'], 'Search the table'],
  [['↑', '↓'], 'Move through the table; Home and End to its ends'],
  [['Enter'], 'Open or close a row'],
  [['t'], 'Theme: as the system, light, dark'],
  [['?'], 'This help'],
  [['Esc'], 'Close what is open, leave the search'],
];

const TERMS: readonly (readonly [string, Term])[] = [
  ['Calls', 'calls'],
  ['Call rate', 'rate'],
  ['Success', 'success'],
  ['Latency', 'latency'],
  ['First token', 'firstToken'],
  ['Tokens', 'tokens'],
  ['Cost', 'cost'],
  ['Cost per accepted task', 'costPerAccepted'],
  ['Quality', 'quality'],
  ['Usual', 'usual'],
  ['Before', 'before'],
  ['Anomaly', 'anomaly'],
  ['Severity', 'severity'],
  ['Rank interval', 'rankInterval'],
  ['Ranking score', 'rankingScore'],
  ['Suggested share', 'share'],
  ['Pareto front', 'front'],
  ['Confidence sequence', 'sequence'],
  ['Stratum', 'strata'],
  ['Estimated quality', 'qualityEstimate'],
  ['Lag', 'lag'],
  ['Received', 'received'],
  ['Duplicate', 'duplicate'],
  ['Rejected', 'rejected'],
  ['Dead-lettered', 'deadLettered'],
  ['In flight', 'inFlight'],
  ['Dropped by clients', 'clientDropped'],
];

export function Help({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Dialog title="Help" isOpen={isOpen} onClose={onClose}>
      <h3>Keys</h3>
      <dl class="help-list">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd class="key" key={key}>
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <h3>What the numbers mean</h3>
      <dl class="help-list">
        {TERMS.map(([name, term]) => (
          <div key={term}>
            <dt>{name}</dt>
            <dd>{DEFINITIONS[term]}</dd>
          </div>
        ))}
      </dl>
      <p class="is-faint">
        Hover over a number for its exact value. Drag over a chart to zoom in, and compare with the range before. Tables
        can be saved as CSV. The address holds the view: share it, or go back. Programs find the same numbers in the <a href="/api/v1/docs">REST API</a>.
      </p>
    </Dialog>
  );
}
