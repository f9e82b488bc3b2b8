// Where a call's time, tokens and money went, and how it came here.
import type { CallWithEvidence, StoredCall } from '../../api/model';
import { count, duration, money, ratio, text } from '../../format/format';
import { clock } from '../../format/time';
import { costOf, priceWords, secondsOf, tokensOf, writingSpeed } from '../../metrics/calls';
import { Icon } from '../../parts/Icon';
import { tip } from '../../parts/Tooltip';
import { Value } from '../../parts/Value';
import { timeZone } from '../../state/session';

export function Spent({ call }: { call: StoredCall }) {
  const latency = secondsOf(call.latency);
  const first = secondsOf(call.time_to_first_token);
  const speed = writingSpeed(call);
  const tokens = tokensOf(call);
  return (
    <section class="card spent" aria-label="Time and tokens">
      <h2>Time</h2>
      <Bar
        whole={latency}
        parts={[
          { label: 'waiting for the first token', size: first ?? 0, mark: 'is-second' },
          { label: first === null ? 'until the answer was there' : 'writing', size: (latency ?? 0) - (first ?? 0), mark: '' },
        ]}
        show={(size) => text(duration(size))}
      />
      <p class="is-faint spent-note">
        {first === null ? 'The answer was not streamed.' : speed !== null && `Written at ${speed.toFixed(0)} tokens a second.`}
      </p>
      <h2>Tokens</h2>
      {tokens ? (
        <>
          <Bar
            whole={tokens.input}
            title="in"
            parts={[
              { label: 'read from cache', size: tokens.cacheRead, mark: 'is-second' },
              { label: 'written to cache', size: tokens.cacheWrite, mark: 'is-third' },
              { label: 'new', size: tokens.input - tokens.cacheRead - tokens.cacheWrite, mark: '' },
            ]}
            show={(size) => text(count(size))}
          />
          <Bar
            whole={tokens.output}
            title="out"
            parts={[
              { label: 'reasoning', size: tokens.reasoning, mark: 'is-second' },
              { label: 'answer', size: tokens.output - tokens.reasoning, mark: '' },
            ]}
            show={(size) => text(count(size))}
          />
        </>
      ) : (
        <p class="is-faint spent-note">The provider did not say.</p>
      )}
    </section>
  );
}

interface BarProps {
  whole: number | null;
  title?: string;
  parts: readonly { label: string; size: number; mark: string }[];
  show: (size: number) => string;
}

/** A whole and its parts; each part is said in words below. */
function Bar({ whole, title = '', parts, show }: BarProps) {
  const there = parts.filter(({ size }) => size > 0);
  return (
    <div class="spent-bar">
      <p class="spent-whole">
        <b>{whole === null ? '–' : show(whole)}</b> {title}
      </p>
      <div class="spent-body">
        <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
          <rect class="spent-none" width="100" height="4" />
          {there.map(({ label, size, mark }, index) => (
            <rect
              key={label}
              class={`spent-part ${mark}`}
              x={(100 * there.slice(0, index).reduce((sum, one) => sum + one.size, 0)) / (whole || 1)}
              width={Math.max(0.4, (100 * size) / (whole || 1))}
              height="4"
            />
          ))}
        </svg>
        <ul>
          {there.map(({ label, size, mark }) => (
            <li key={label}>
              <span class={`spent-mark ${mark}`} aria-hidden="true" /> {label} <b>{show(size)}</b>{' '}
              {there.length > 1 && <span class="is-faint">{text(ratio(size / (whole || 1)))}</span>}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

export function Price({ call }: { call: StoredCall }) {
  const cost = costOf(call);
  return (
    <section class="card price" aria-label="Cost">
      <h2>Cost</h2>
      <p class={`price-figure${cost === null ? ' is-unknown' : ''}`}>
        {cost === null ? 'not known' : <Value of={money(cost)} />}
      </p>
      <p class="price-from">
        <Icon name={call.price_origin === 'UNKNOWN' ? 'warning' : 'check'} />
        <span>{priceWords(call)}</span>
      </p>
    </section>
  );
}

/** The messages that carried it: more than one where it was sent again. */
export function Arrival({ whole: { call, messages } }: { whole: CallWithEvidence }) {
  const zone = timeZone.value;
  return (
    <section class="card facts" aria-label="How it came">
      <h2>How it came</h2>
      <ol class="arrival">
        {messages.map((one) => {
          const received = one.receive_time ? Date.parse(one.receive_time) : null;
          const stored = one.store_time ? Date.parse(one.store_time) : null;
          return (
            <li key={`${one.batch_id} ${one.part}`}>
              <p>
                {received !== null && <>received {clock(received, zone)}</>}
                {received !== null && stored !== null && (
                  <>
                    , stored <b>{text(duration((stored - received) / 1_000))}</b> later
                  </>
                )}
              </p>
              <p class="is-faint" {...tip('Batch, its part, and the message on the bus: as the logs name them')}>
                batch <code>{one.batch_id}</code>, part {one.part}, message {text(count(one.stream_sequence))}
              </p>
            </li>
          );
        })}
      </ol>
      {messages.length === 0 && (
        <p class="is-faint">
          In batch <code>{call.batch_id}</code>; its message is not kept any more.
        </p>
      )}
    </section>
  );
}
