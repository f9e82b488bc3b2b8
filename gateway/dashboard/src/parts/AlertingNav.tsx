// The pages about telling people, side by side.
import { addressOf, path } from '../state/view';
import './alerting-nav.css';

const PAGES = [
  ['/alerts', 'Alerts'],
  ['/rules', 'Rules'],
  ['/silences', 'Silences'],
  ['/receivers', 'Receivers'],
  ['/routing', 'Routing'],
] as const;

export function AlertingNav() {
  return (
    <nav class="alerting-nav" aria-label="Alerting">
      {PAGES.map(([to, name]) => (
        <a key={to} href={addressOf(to)} aria-current={path.value === to ? 'page' : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}
