// One of the things that the policy calls by a name: its name, what it holds, and the way to be rid of it.
import type { ComponentChildren } from 'preact';
import { Field } from '../../parts/Field';

interface NamedCardProps {
  kind: string;
  name: string;
  onRename: (name: string) => void;
  onRemove: () => void;
  children: ComponentChildren;
}

const NAME_MOST = 64;

export function NamedCard({ kind, name, onRename, onRemove, children }: NamedCardProps) {
  return (
    <section class="card form named" aria-label={name || kind}>
      <header class="named-head">
        <Field label={kind}>
          <input
            class="input named-name"
            maxLength={NAME_MOST}
            placeholder="its name"
            value={name}
            onInput={(event) => onRename(event.currentTarget.value)}
          />
        </Field>
        <button type="button" class="button" onClick={onRemove}>
          Remove
        </button>
      </header>
      {children}
    </section>
  );
}

/** A name that none of them has yet. */
export function freeName(first: string, taken: readonly string[]): string {
  let name = first;
  for (let number = 2; taken.includes(name); number += 1) name = `${first} ${number}`;
  return name;
}
