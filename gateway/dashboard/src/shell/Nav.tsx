// The way from page to page: a rail at the side, or a bar at the bottom where there is little room. What wants somebody is counted on it.
import type { ComponentChildren } from 'preact';
import { plural } from '../format/format';
import { Icon, type IconName } from '../parts/Icon';
import { tip } from '../parts/Tooltip';
import { routeOf } from '../routes';
import { alerts } from '../state/alerts';
import { anomalies } from '../state/anomalies';
import { project } from '../state/session';
import { addressOf, path, view } from '../state/view';
import './nav.css';

const BADGE_MOST = 99;

interface PlaceProps {
  path: string;
  label: string;
  icon: IconName;
  /** Where pages begin that are reached from there. */
  also?: string;
  /** Where the range of the charts is to be kept. */
  keepsRange?: boolean;
  children?: ComponentChildren;
}

function Place({ path: to, label, icon, also, keepsRange = false, children }: PlaceProps) {
  const isHere = to === '/' ? path.value === '/' : path.value.startsWith(to);
  const isBelow = also !== undefined && path.value.startsWith(also);
  const load = (): void => void routeOf(to).route.load();
  return (
    <li>
      <a
        class="nav-place"
        href={addressOf(to, keepsRange ? { range: view.value.range } : {})}
        aria-current={isHere || isBelow ? 'page' : undefined}
        onPointerEnter={load}
        onFocus={load}
      >
        <Icon name={icon} />
        <span class="nav-label">{label}</span>
        {children}
      </a>
    </li>
  );
}

export function Nav() {
  return (
    <nav class="nav" aria-label="Pages">
      <a class="nav-brand" href={addressOf('/')} aria-label="Assay: overview" {...tip('Assay')}>
        <Icon name="balance" />
      </a>
      <ul class="nav-places">
        <Place path="/" label="Overview" icon="overview" also="/series" keepsRange />
        <Place path="/anomalies" label="Anomalies" icon="anomaly">
          <AnomalyBadge />
        </Place>
        <Place path="/alerts" label="Alerts" icon="bell" also="/rules">
          <AlertBadge />
        </Place>
      </ul>
    </nav>
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
