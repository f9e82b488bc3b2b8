// A key in the making. Its secret is shown once, and is gone when this closes.
import { useEffect, useState } from 'preact/hooks';
import { createKey } from '../../api/access';
import type { CreatedKey, Role } from '../../api/model';
import { INSTALLATION_ROLES, PROJECT_ROLES, ROLE_WORDS } from '../../metrics/keys';
import { Copy } from '../../parts/Copy';
import { Dialog } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { Icon } from '../../parts/Icon';
import { useAction } from '../../state/action';

const NAME_MOST = 128;
const DAY_S = 86_400;
const LIFETIMES: readonly (readonly [seconds: number | null, label: string])[] = [
  [null, 'until it is revoked'],
  [DAY_S, 'for a day'],
  [30 * DAY_S, 'for 30 days'],
  [90 * DAY_S, 'for 90 days'],
  [365 * DAY_S, 'for a year'],
];

interface NewKeyDialogProps {
  /** The project; empty for the installation. */
  owner: string;
  isOpen: boolean;
  onClose: () => void;
  onMade: () => void;
}

export function NewKeyDialog({ owner, isOpen, onClose, onMade }: NewKeyDialogProps) {
  const [isKept, setKept] = useState(false);
  const title = owner ? `New key of ${owner}` : 'New key of the installation';
  return (
    <Dialog title={title} isOpen={isOpen} isKept={isKept} onClose={onClose}>
      <NewKey owner={owner} onClose={onClose} onMade={onMade} onKept={setKept} />
    </Dialog>
  );
}

interface NewKeyProps extends Omit<NewKeyDialogProps, 'isOpen'> {
  /** Whether there is a secret, or is about to be. */
  onKept: (isKept: boolean) => void;
}

function NewKey({ owner, onClose, onMade, onKept }: NewKeyProps) {
  const choices = owner ? PROJECT_ROLES : INSTALLATION_ROLES;
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>(choices[0]!);
  const [lifetime_s, setLifetime] = useState<number | null>(null);
  const [made, setMade] = useState<CreatedKey | null>(null);
  const { isBusy, error, run } = useAction();
  useEffect(() => {
    onKept(isBusy || made !== null);
    return () => onKept(false);
  }, [isBusy, made]);
  if (made) return <Made made={made} onClose={onClose} />;
  return (
    <form
      class="form settings-form"
      onSubmit={(event) => {
        event.preventDefault();
        void run(async () => {
          setMade(await createKey(owner, { display_name: name.trim(), roles: [role], lifetime_s }));
          onMade();
        });
      }}
    >
      <Field label="What it is for">
        <input
          class="input"
          required
          maxLength={NAME_MOST}
          placeholder="such as: agents in production"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </Field>
      <fieldset class="settings-roles">
        <legend>It may</legend>
        {choices.map((one) => (
          <label key={one}>
            <input type="radio" name="role" value={one} checked={one === role} onChange={() => setRole(one)} />
            <span>
              <b>{ROLE_WORDS[one][0]}</b> <span class="is-faint">{ROLE_WORDS[one][1]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <Field label="It works">
        <select
          class="select"
          value={String(lifetime_s ?? '')}
          onChange={(event) => setLifetime(event.currentTarget.value ? Number(event.currentTarget.value) : null)}
        >
          {LIFETIMES.map(([seconds, label]) => (
            <option key={label} value={String(seconds ?? '')}>
              {label}
            </option>
          ))}
        </select>
      </Field>
      <p class="form-foot">
        <button type="submit" class="button is-primary" disabled={isBusy || !name.trim()}>
          {isBusy ? 'Making it …' : 'Make it'}
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

function Made({ made: { secret, key }, onClose }: { made: CreatedKey; onClose: () => void }) {
  return (
    <div class="form settings-form" role="status">
      <p class="note is-warning">
        <Icon name="warning" /> This is shown once. Keep it where secrets are kept: nobody can show it again.
      </p>
      <div class="settings-secret">
        <code tabIndex={0} aria-label={`The key ${key.display_name}`}>
          {secret}
        </code>
        <Copy text={secret} />
      </div>
      <p class="form-foot">
        <button type="button" class="button is-primary" onClick={onClose}>
          I have it
        </button>
      </p>
    </div>
  );
}
