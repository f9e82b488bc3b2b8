// A labelled control of a form, with what there is to say about it below.
import type { ComponentChildren } from 'preact';
import './field.css';

interface FieldProps {
  label: string;
  /** Said below it, in small print. */
  hint?: ComponentChildren;
  /** What is wrong with it; empty where nothing is. */
  problem?: string;
  children: ComponentChildren;
}

export function Field({ label, hint, problem = '', children }: FieldProps) {
  return (
    <label class={`field${problem ? ' is-wrong' : ''}`}>
      <span>{label}</span>
      {children}
      {(problem || hint) && <small class={problem ? 'is-bad' : 'is-faint'}>{problem || hint}</small>}
    </label>
  );
}

/** A control that is on or off. */
export function Check({
  label,
  isOn,
  onChange,
}: {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}) {
  return (
    <label class="field is-check">
      <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}
