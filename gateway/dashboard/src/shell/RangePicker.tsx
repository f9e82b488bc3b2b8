// Which stretch of time is on the page: one that ends now and moves, or one that was picked and stays.
import { useState } from 'preact/hooks';
import { fromLocalInput, span, toLocalInput } from '../format/time';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { tip } from '../parts/Tooltip';
import { SHORTEST_FIXED_MS, TRAILING } from '../state/ranges';
import { timeZone } from '../state/session';
import { changeView, view } from '../state/view';

export function RangePicker() {
  const [isOpen, setOpen] = useState(false);
  const { range } = view.value;
  const isFixed = range.kind === 'fixed';
  return (
    <div class="range" role="group" aria-label="Time range">
      {TRAILING.map((one) => (
        <button
          type="button"
          key={one.name}
          class="range-choice"
          aria-pressed={one === range}
          {...tip(`The ${one.label}`)}
          onClick={() => changeView({ range: one })}
        >
          {one.name}
        </button>
      ))}
      <button
        type="button"
        class="range-choice"
        aria-pressed={isFixed}
        {...tip('Pick start and end, or drag over a chart')}
        onClick={() => setOpen(true)}
      >
        <Icon name="calendar" /> {isFixed ? span(range.startMs, range.endMs, timeZone.value) : 'Custom'}
      </button>
      <Dialog title="Custom range" isOpen={isOpen} onClose={() => setOpen(false)}>
        <CustomRange onDone={() => setOpen(false)} />
      </Dialog>
    </div>
  );
}

function CustomRange({ onDone }: { onDone: () => void }) {
  const { range } = view.value;
  const zone = timeZone.value;
  const endMs = range.kind === 'fixed' ? range.endMs : Date.now();
  const startMs = range.kind === 'fixed' ? range.startMs : endMs - range.range_s * 1_000;
  const [start, setStart] = useState(toLocalInput(startMs, zone));
  const [end, setEnd] = useState(toLocalInput(endMs, zone));
  const [from, to] = [fromLocalInput(start, zone), fromLocalInput(end, zone)];
  const isWrong = !(to - from >= SHORTEST_FIXED_MS);
  return (
    <form
      class="range-form"
      onSubmit={(event) => {
        event.preventDefault();
        changeView({ range: { kind: 'fixed', startMs: from, endMs: to } });
        onDone();
      }}
    >
      <label>
        From
        <input
          class="input"
          type="datetime-local"
          required
          value={start}
          onInput={(event) => setStart(event.currentTarget.value)}
        />
      </label>
      <label>
        To
        <input
          class="input"
          type="datetime-local"
          required
          value={end}
          onInput={(event) => setEnd(event.currentTarget.value)}
        />
      </label>
      <p class="is-faint">
        {isWrong ? 'At least a quarter of an hour, the end after the start.' : `Times are in ${zone}.`}
      </p>
      <button type="submit" class="button is-primary" disabled={isWrong}>
        Show
      </button>
    </form>
  );
}
