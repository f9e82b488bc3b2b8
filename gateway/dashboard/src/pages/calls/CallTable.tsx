// Calls as a table; where there is little room, as cards. Each row is a link as a whole.
import type { StoredCall } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { count, duration, money, score, text } from '../../format/format';
import { clock, day, instant } from '../../format/time';
import { costOf, outcomeOf, priceWords, secondsOf, tokensOf } from '../../metrics/calls';
import { OutcomeMark } from '../../parts/OutcomeMark';
import { tip } from '../../parts/Tooltip';
import { Value } from '../../parts/Value';
import { nowMs } from '../../state/now';
import { timeZone } from '../../state/session';
import { addressOf } from '../../state/view';
import './call-table.css';

const SKELETON_ROWS = 8;

const HEADS = [
  ['Started', ''],
  ['Outcome', ''],
  ['Provider and model', ''],
  ['Task', ''],
  ['Agent', ''],
  ['Latency', 'From sending the request to the last byte of the answer.'],
  ['Tokens', 'Of the request → of the answer.'],
  ['Cost', ''],
  ['Quality', DEFINITIONS.quality],
] as const;
const FIRST_NUMBER = 5;

function Head() {
  return (
    <thead>
      <tr>
        {HEADS.map(([name, meaning], index) => (
          <th key={name} scope="col" class={index >= FIRST_NUMBER ? 'is-number' : ''}>
            {meaning ? (
              <span class="term" tabIndex={0} {...tip(meaning)}>
                {name}
              </span>
            ) : (
              name
            )}
          </th>
        ))}
      </tr>
    </thead>
  );
}

export function addressOfCall(callId: string): string {
  return addressOf(`/calls/${encodeURIComponent(callId)}`);
}

export function CallTable({ calls }: { calls: readonly StoredCall[] }) {
  return (
    <table class="call-table">
      <Head />
      <tbody>
        {calls.map((call) => (
          <CallRow key={call.call_id} call={call} />
        ))}
      </tbody>
    </table>
  );
}

function CallRow({ call }: { call: StoredCall }) {
  const tokens = tokensOf(call);
  const prompt = [call.prompt_name, call.prompt_version].filter(Boolean).join(' ');
  const cost = costOf(call);
  return (
    <tr>
      <th scope="row" class="call-when">
        <a class="call-link" href={addressOfCall(call.call_id)}>
          <When time={call.start_time ?? ''} />
        </a>
      </th>
      <td class="call-outcome">
        <OutcomeMark outcome={outcomeOf(call)} />
        {call.error_type && <span class="call-small">{call.error_type}</span>}
      </td>
      <td class="call-who">
        <b>{call.provider}</b> <span class="call-model">{call.model}</span>
      </td>
      <td class="call-task">
        {call.task_type} {prompt && <span class="call-small">{prompt}</span>}
      </td>
      <td class="call-agent">{call.agent}</td>
      <td class="is-number" data-label="Latency">
        <Value of={duration(secondsOf(call.latency))} />
      </td>
      <td class="is-number" data-label="Tokens">
        {tokens ? `${text(count(tokens.input))} → ${text(count(tokens.output))}` : '–'}
      </td>
      <td class="is-number" data-label="Cost">
        {cost === null ? (
          <span class="call-unpriced" {...tip(priceWords(call))}>
            ?
          </span>
        ) : (
          <Value of={money(cost)} note={priceWords(call)} />
        )}
      </td>
      <td class="is-number" data-label="Quality">
        <Value of={score(call.quality_ratio)} />
      </td>
    </tr>
  );
}

/** The time of day to the second; the day as well where it is not today. */
function When({ time }: { time: string }) {
  const ms = Date.parse(time);
  const zone = timeZone.value;
  const isToday = day(ms, zone) === day(nowMs.value, zone);
  return (
    <span {...tip(instant(ms, zone))}>
      {!isToday && <span class="call-day">{day(ms, zone).replace(/ \d+$/, '')} </span>}
      {clock(ms, zone)}
    </span>
  );
}

export function CallTableSkeleton() {
  return (
    <table class="call-table is-skeleton" aria-hidden="true">
      <Head />
      <tbody>
        {Array.from({ length: SKELETON_ROWS }, (_, index) => (
          <tr key={index}>
            {HEADS.map(([name]) => (
              <td key={name}>
                <span class="skeleton">{name} 00:00</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
