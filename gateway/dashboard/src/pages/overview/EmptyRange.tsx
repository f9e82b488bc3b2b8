// What is shown where there are calls, but none in the range: the way to them.
import { useEffect, useState } from 'preact/hooks';
import { getLatestCallTime } from '../../api/client';
import { instant } from '../../format/time';
import { project, timeZone } from '../../state/session';
import { changeView, view } from '../../state/view';

const DAY_MS = 86_400_000;
const LOOK_BACK_MS = 30 * DAY_MS;

export function EmptyRange() {
  const [latestMs, setLatestMs] = useState<number | null>(null);
  const { range, filters } = view.value;
  const isFiltered = Object.keys(filters).length > 0;

  useEffect(() => {
    let isWanted = true;
    getLatestCallTime(project.value).then(
      (ms) => isWanted && setLatestMs(ms),
      () => undefined, // The offer is a convenience; without it the page says as much as it knows.
    );
    return () => {
      isWanted = false;
    };
  }, [project.value]);

  function showLatest(ms: number): void {
    const endMs = Math.ceil((ms + 1) / DAY_MS) * DAY_MS;
    changeView({ range: { kind: 'fixed', startMs: endMs - LOOK_BACK_MS, endMs }, filters: {} });
  }

  return (
    <section class="empty card">
      <h2>No calls in {range.kind === 'trailing' ? `the ${range.label}` : 'this range'}</h2>
      <p>
        {isFiltered && 'Nothing that matches the filters. '}
        {latestMs !== null && `The latest call started on ${instant(latestMs, timeZone.value)}.`}
      </p>
      <p class="empty-actions">
        {latestMs !== null && (
          <button type="button" class="button is-primary" onClick={() => showLatest(latestMs)}>
            Show the 30 days up to then
          </button>
        )}
        {isFiltered && (
          <button type="button" class="button" onClick={() => changeView({ filters: {} })}>
            Remove the filters
          </button>
        )}
      </p>
    </section>
  );
}
