// The projects: their zone and how many series they may have.
import { useState } from 'preact/hooks';
import { createProject, listProjects, updateProject } from '../../api/access';
import type { Project } from '../../api/model';
import { count, plural, text } from '../../format/format';
import { day } from '../../format/time';
import { isZone } from '../../metrics/shifts';
import { Dialog } from '../../parts/Dialog';
import { EntriesSkeleton } from '../../parts/Entries';
import { Field } from '../../parts/Field';
import { Failure } from '../../parts/State';
import { ZoneField } from '../../parts/ZoneField';
import { useAction } from '../../state/action';
import { useResource } from '../../state/resource';
import { isInstallationAdmin, loadSession, mayAdminister, timeZone } from '../../state/session';
import { addressOf } from '../../state/view';

/** What the collector takes. */
const ID = '[a-z0-9\\-]{1,32}';

export function Projects() {
  const { data, error, reload } = useResource('projects', listProjects);
  const [edited, setEdited] = useState<Project | 'new' | null>(null);
  const done = (): void => {
    setEdited(null);
    reload();
    void loadSession(); // The header offers them.
  };
  return (
    <section class="card" aria-label="Projects" aria-busy={!data && !error}>
      <header class="list-header">
        <h2>Projects</h2>
        <p class="is-faint" role="status">
          {data && plural(data.length, 'project')}
        </p>
        {isInstallationAdmin.value && (
          <span class="settings-tools">
            <button type="button" class="button is-primary" onClick={() => setEdited('new')}>
              New project
            </button>
          </span>
        )}
      </header>
      {data && <ProjectTable projects={data} onEdit={setEdited} />}
      {!data && !error && <EntriesSkeleton />}
      {!data && error && <Failure what="Projects are not known now" error={error} onRetry={reload} />}
      <Dialog
        title={edited === 'new' ? 'New project' : `Project ${edited?.project ?? ''}`}
        isOpen={edited !== null}
        onClose={() => setEdited(null)}
      >
        {edited !== null && <ProjectForm project={edited === 'new' ? null : edited} onDone={done} />}
      </Dialog>
    </section>
  );
}

function ProjectTable({ projects, onEdit }: { projects: readonly Project[]; onEdit: (project: Project) => void }) {
  return (
    <div class="settings-scroll" tabIndex={0} role="region" aria-label="Table of the projects">
      <table class="settings-table">
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col">Time zone</th>
            <th scope="col" class="is-number">
              Series at most
            </th>
            <th scope="col">Made</th>
            <th scope="col">
              <span class="visually-hidden">What can be done</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {projects.map((one) => (
            <tr key={one.project}>
              <th scope="row">
                <a href={addressOf('/', { project: one.project })}>{one.project}</a>
              </th>
              <td>{one.time_zone}</td>
              <td class="is-number">{text(count(one.series_limit))}</td>
              <td>{one.create_time && day(Date.parse(one.create_time), timeZone.value)}</td>
              <td class="settings-actions">
                {mayAdminister.value && (
                  <button type="button" class="button" aria-label={`Change ${one.project}`} onClick={() => onEdit(one)}>
                    Change
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ProjectForm({ project, onDone }: { project: Project | null; onDone: () => void }) {
  const [name, setName] = useState('');
  const [zone, setZone] = useState(project?.time_zone ?? timeZone.value);
  const [seriesLimit, setSeriesLimit] = useState(project?.series_limit ?? 0);
  const { isBusy, error, run } = useAction();
  return (
    <form
      class="form settings-form"
      onSubmit={(event) => {
        event.preventDefault();
        void run(async () => {
          if (project) await updateProject(project.project, { time_zone: zone || 'UTC', series_limit: seriesLimit });
          else await createProject(name, zone || 'UTC');
        }).then((isDone) => isDone && onDone());
      }}
    >
      {!project && (
        <Field label="Id" hint="Small letters, digits and -, at most 32. It stays as it is.">
          <input
            class="input"
            required
            pattern={ID}
            value={name}
            onInput={(event) => setName(event.currentTarget.value.trim())}
          />
        </Field>
      )}
      <ZoneField zone={zone} onChange={setZone} />
      {project && (
        <Field label="Series at most" hint="Past it, task and prompt of new ones fold into “other”; nothing is refused.">
          <input
            class="input"
            type="number"
            min={1}
            required
            value={seriesLimit}
            onInput={({ currentTarget: { valueAsNumber: value } }) => {
              if (Number.isInteger(value)) setSeriesLimit(value);
            }}
          />
        </Field>
      )}
      <p class="form-foot">
        <button type="submit" class="button is-primary" disabled={isBusy || !isZone(zone)}>
          {isBusy ? 'Saving …' : project ? 'Save' : 'Make it'}
        </button>
        {error && (
          <span class="is-bad" role="alert">
            {error.message}
          </span>
        )}
      </p>
    </form>
  );
}
