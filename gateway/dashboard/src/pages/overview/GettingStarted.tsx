// What an empty project shows: how to send the first call, ready to be copied.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from '../../parts/Icon';
import { project, session } from '../../state/session';
import { collectorFrom, firstCall, WAYS, type Way } from './first-call';
import './getting-started.css';

export function GettingStarted() {
  const [way, setWay] = useState<Way>('Python');
  const collector = collectorFrom(location.hostname, session.value?.collector_address ?? '');
  const code = firstCall(way, { origin: location.origin, collector, project: project.value });
  return (
    <main class="start">
      <section class="card start-card">
        <h1>Waiting for the first call</h1>
        <p class="start-lead">
          Nothing has been recorded in <b>{project.value}</b> yet. This page fills by itself, about a second after the
          first call.
        </p>
        <Step number={1} title="Make a key that may record">
          <Code
            code={`export ASSAY_KEY=$(assay keys create --role record --project ${project.value} --json \\\n  | python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')`}
          />
        </Step>
        <Step number={2} title="Send a call">
          <div class="tabs" role="tablist" aria-label="Language">
            {WAYS.map((one) => (
              <button
                type="button"
                role="tab"
                class="tab"
                key={one}
                id={`way-${one}`}
                aria-selected={one === way}
                aria-controls="way-code"
                onClick={() => setWay(one)}
              >
                {one}
              </button>
            ))}
          </div>
          <div role="tabpanel" id="way-code" aria-labelledby={`way-${way}`}>
            <Code code={code} />
          </div>
        </Step>
        <Step number={3} title="Watch it arrive">
          <p class="start-lead">
            Then record every call that your agents make, and evidence of what the answers were worth.
          </p>
        </Step>
      </section>
    </main>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: ComponentChildren }) {
  return (
    <section class="step">
      <span class="step-number" aria-hidden="true">
        {number}
      </span>
      <div class="step-body">
        <h2>{title}</h2>
        {children}
      </div>
    </section>
  );
}

function Code({ code }: { code: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <div class="code">
      <pre tabIndex={0}>{code}</pre>
      <button
        type="button"
        class="button code-copy"
        disabled={!navigator.clipboard}
        onClick={() => void navigator.clipboard.writeText(code).then(() => setCopied(true))}
      >
        <Icon name={isCopied ? 'check' : 'copy'} /> <span role="status">{isCopied ? 'Copied' : 'Copy'}</span>
      </button>
    </div>
  );
}
