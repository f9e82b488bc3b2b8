// The way from page to page: a rail at the side, or a bar at the bottom where there is little room. What wants somebody is counted on it.
import { useEffect, useRef } from 'preact/hooks';
import { plural } from '../format/format';
import { Icon } from '../parts/Icon';
import { tip } from '../parts/Tooltip';
import { routeOf } from '../routes';
import { alerts } from '../state/alerts';
import { anomalies } from '../state/anomalies';
import { TRAILING } from '../state/ranges';
import { project } from '../state/session';
import { addressOf, path, view, type View } from '../state/view';
import './nav.css';
import { PLACES, type Place } from './places';

const BADGE_MOST = 99;

function isAt({ path: to, also = [] }: Place): boolean {
  if (to === '/' ? path.value === '/' : path.value.startsWith(to)) return true;
  return also.some((begin) => path.value.startsWith(begin));
}

/** What the range is there. */
function rangeOf({ keepsRange, rangeName }: Place): Pick<View, 'range'> | object {
  if (keepsRange) return { range: view.value.range };
  const named = TRAILING.find(({ name }) => name === rangeName);
  return named ? { range: named } : {};
}

function PlaceLink({ place }: { place: Place }) {
  const load = (): void => void routeOf(place.path).route.load();
  return (
    <a
      class="nav-place"
      href={addressOf(place.path, rangeOf(place))}
      aria-current={isAt(place) ? 'page' : undefined}
      onPointerEnter={load}
      onFocus={load}
    >
      <Icon name={place.icon} />
      <span class="nav-label">{place.label}</span>
      {place.badge === 'anomalies' && <AnomalyBadge />}
      {place.badge === 'alerts' && <AlertBadge />}
    </a>
  );
}

export function Nav() {
  return (
    <nav class="nav" aria-label="Pages">
      <a class="nav-brand" href={addressOf('/')} aria-label="Assay: overview" {...tip('Assay')}>
        <Icon name="balance" />
      </a>
      <ul class="nav-places">
        {PLACES.map((place) => (
          <li key={place.path} class={`${place.isMain ? '' : 'is-second'}${place.isApart ? ' is-apart' : ''}`}>
            <PlaceLink place={place} />
          </li>
        ))}
        <More />
      </ul>
    </nav>
  );
}

/** The places that a small screen has no room for. */
function More() {
  const sheet = useRef<HTMLDivElement>(null);
  const places = PLACES.filter((place) => !place.isMain);
  useEffect(() => sheet.current?.hidePopover(), [path.value]);
  if (places.length === 0) return null;
  return (
    <li class="nav-more">
      <button
        type="button"
        class="nav-place"
        popovertarget="nav-sheet"
        aria-current={places.some(isAt) ? 'true' : undefined}
      >
        <Icon name="more" />
        <span class="nav-label">More</span>
      </button>
      <div id="nav-sheet" class="nav-sheet" popover="auto" ref={sheet}>
        {places.map((place) => (
          <PlaceLink key={place.path} place={place} />
        ))}
      </div>
    </li>
  );
}

function AnomalyBadge() {
  const known = anomalies.value;
  if (!known || known.project !== project.value || known.open.length === 0) return null;
  const { length } = known.open;
  return (
    <Badge
      count={length}
      isAlarming={known.open[0]!.severity === 'CRITICAL'}
      words={`${plural(length, 'anomaly', 'anomalies')} open`}
    />
  );
}

/** Those that nobody looks after. */
function AlertBadge() {
  const known = alerts.value;
  const firing = known?.project === project.value ? known.open.filter((one) => one.state === 'FIRING') : [];
  if (firing.length === 0) return null;
  return (
    <Badge
      count={firing.length}
      isAlarming={firing[0]!.severity === 'CRITICAL'}
      words={`${plural(firing.length, 'alert')} firing`}
    />
  );
}

/** A number on a place that wants somebody. */
function Badge({ count, isAlarming, words }: { count: number; isAlarming: boolean; words: string }) {
  return (
    <span class={`badge${isAlarming ? ' is-alarming' : ''}`}>
      <span aria-hidden="true">{count > BADGE_MOST ? `${BADGE_MOST}+` : count}</span>
      <span class="visually-hidden">, {words}</span>
    </span>
  );
}
