// Reports: those that were made, what they recommend, and the schedules by which they are made and sent.
import { useEffect, useState } from 'preact/hooks';
import { Dialog } from '../../parts/Dialog';
import { FacetTabs } from '../../parts/Facets';
import { Trouble } from '../../parts/Trouble';
import { useConnection } from '../../state/connection';
import { mayOperate, project } from '../../state/session';
import { view } from '../../state/view';
import { NewReport } from './NewReport';
import { Recommendations } from './Recommendations';
import { ReportList } from './ReportList';
import './reports.css';
import { Schedules } from './Schedules';

const TABS = [
  ['', 'Reports'],
  ['recommendations', 'Recommendations'],
  ['schedules', 'Schedules'],
] as const;

export default function Reports() {
  useConnection();
  const [isMaking, setMaking] = useState(false);
  const { state } = view.value.facets;
  useEffect(() => {
    document.title = `Reports · ${project.value} · Assay`;
  }, [project.value]);
  return (
    <>
      <Trouble error="" />
      <main class="page">
        <header class="page-header">
          <h1 class="page-title">Reports</h1>
          <FacetTabs facet="state" label="What to show" choices={TABS} />
          {mayOperate.value && (
            <button type="button" class="button is-primary reports-new" onClick={() => setMaking(true)}>
              New report
            </button>
          )}
        </header>
        {state === 'recommendations' && <Recommendations key={project.value} />}
        {state === 'schedules' && <Schedules key={project.value} />}
        {state !== 'recommendations' && state !== 'schedules' && <ReportList key={project.value} />}
        <Dialog title="New report" isOpen={isMaking} onClose={() => setMaking(false)}>
          <NewReport />
        </Dialog>
      </main>
    </>
  );
}
