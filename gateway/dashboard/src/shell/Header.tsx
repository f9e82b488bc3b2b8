// The bar on top of every page: project, range, zone, connection, theme, help.
import { Icon } from '../parts/Icon';
import { tip } from '../parts/Tooltip';
import { leave, project, projectZone, session, timeZone } from '../state/session';
import { nextTheme, themeChoice } from '../state/theme';
import { addressOf, changeView, view, type ZoneChoice } from '../state/view';
import type { Route } from '../routes';
import { CompareToggle } from './CompareToggle';
import { ConnectionState } from './ConnectionState';
import './header.css';
import { RangePicker } from './RangePicker';

const THEMES = {
  system: { icon: 'screen', label: 'Theme: as the system' },
  light: { icon: 'sun', label: 'Theme: light' },
  dark: { icon: 'moon', label: 'Theme: dark' },
} as const;

export function Header({ route, onHelp }: { route: Route; onHelp: () => void }) {
  const shown = THEMES[themeChoice.value];
  return (
    <header class="header">
      <a class="header-brand" href={addressOf('/')} aria-label="Assay">
        <Icon name="balance" />
      </a>
      <ProjectPicker />
      {route.hasRange && <RangePicker />}
      {route.canCompare && <CompareToggle />}
      <ZonePicker />
      <ConnectionState />
      <div class="header-tools">
        <button
          type="button"
          class="button is-icon"
          aria-label={shown.label}
          {...tip(`${shown.label} (t)`)}
          onClick={nextTheme}
        >
          <Icon name={shown.icon} />
        </button>
        <button
          type="button"
          class="button is-icon"
          aria-label="Help"
          {...tip('Keys and definitions (?)')}
          onClick={onHelp}
        >
          <Icon name="help" />
        </button>
        <button
          type="button"
          class="button is-icon"
          aria-label="Sign out"
          {...tip('Sign out')}
          onClick={() => void leave()}
        >
          <Icon name="leave" />
        </button>
      </div>
    </header>
  );
}

function ProjectPicker() {
  const projects = session.value?.projects ?? [];
  if (projects.length < 2) return <span class="header-project">{project.value}</span>;
  return (
    <select
      class="select header-project"
      aria-label="Project"
      value={project.value}
      onChange={(event) => changeView({ project: event.currentTarget.value, filters: {}, search: '' })}
    >
      {projects.map((one) => (
        <option key={one.project} value={one.project}>
          {one.project}
        </option>
      ))}
    </select>
  );
}

function ZonePicker() {
  const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <select
      class="select header-zone"
      aria-label="Time zone"
      {...tip(`Times are in ${timeZone.value}`)}
      value={view.value.zone}
      onChange={(event) => changeView({ zone: event.currentTarget.value as ZoneChoice })}
    >
      <option value="browser">Browser: {browserZone}</option>
      <option value="project">Project: {projectZone.value}</option>
      <option value="utc">UTC</option>
    </select>
  );
}
