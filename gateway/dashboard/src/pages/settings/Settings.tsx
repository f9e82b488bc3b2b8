// Settings: keys, projects, what counts how much, and who changed what.
import { useEffect } from 'preact/hooks';
import { FacetTabs } from '../../parts/Facets';
import { State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { useConnection } from '../../state/connection';
import { isInstallationAdmin, mayAdminister, project } from '../../state/session';
import { view } from '../../state/view';
import { Audit } from './Audit';
import { Keys } from './Keys';
import { Projects } from './Projects';
import './settings.css';
import { Weights } from './Weights';

const PARTS = [
  ['', 'Keys'],
  ['projects', 'Projects'],
  ['weights', 'Weights'],
  ['audit', 'Changes'],
] as const;

export default function Settings() {
  useConnection();
  useEffect(() => {
    document.title = `Settings · ${project.value} · Assay`;
  }, [project.value]);
  const part = view.value.facets.part;
  const isOpenToAll = part === 'projects' || part === 'weights';
  return (
    <>
      <Trouble error="" />
      <main class="page">
        <header class="page-header">
          <h1 class="page-title">Settings</h1>
          <FacetTabs facet="part" label="Which settings" choices={PARTS} />
        </header>
        {part === 'projects' && <Projects />}
        {part === 'weights' && <Weights />}
        {!isOpenToAll && !mayAdminister.value && (
          <section class="card">
            <State icon="key" title="Sign in as an admin to see them">
              <p>Keys and changes are for those who may make keys.</p>
            </State>
          </section>
        )}
        {part === 'audit' && mayAdminister.value && <Changes />}
        {!isOpenToAll && part !== 'audit' && mayAdminister.value && (
          <>
            <Keys key={project.value} of={project.value} />
            {isInstallationAdmin.value && <Keys of="" />}
          </>
        )}
      </main>
    </>
  );
}

/** Those of the project, or of the installation for its admin. */
function Changes() {
  const isOfAll = isInstallationAdmin.value && view.value.facets.kind === 'installation';
  const owner = isOfAll ? '' : project.value;
  return (
    <Audit key={owner} of={owner}>
      {isInstallationAdmin.value && (
        <FacetTabs
          facet="kind"
          label="Whose changes"
          choices={[
            ['', `of ${project.value}`],
            ['installation', 'of the installation'],
          ]}
        />
      )}
    </Audit>
  );
}
