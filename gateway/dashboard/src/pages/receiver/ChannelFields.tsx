// The fields of each channel.
import type { ReceiverBody } from '../../api/model';
import type { Channel } from '../../metrics/receivers';
import { Field } from '../../parts/Field';
import type { ReceiverFieldsProps } from './ReceiverFields';

type ChannelProps<Name extends Channel> = ReceiverFieldsProps & { config: NonNullable<ReceiverBody[Name]> };

/** One a line. */
const lines = (text: string): string[] => text.split(/[\n,]/).flatMap((one) => one.trim() || []);

function Secret({
  label,
  name,
  value,
  hint = '',
  props: { secretsSet, problems },
  onInput,
}: {
  label: string;
  name: string;
  value: string;
  hint?: string;
  props: ReceiverFieldsProps;
  onInput: (value: string) => void;
}) {
  const isSet = secretsSet.includes(name);
  return (
    <Field
      label={label}
      problem={problems[name] ?? ''}
      hint={isSet && !value ? 'Set, and never shown. Empty: it stays as it is.' : hint}
    >
      <input
        class="input"
        type="password"
        autocomplete="new-password"
        placeholder={isSet ? '••••••••' : ''}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Field>
  );
}

export function EmailFields(props: ChannelProps<'email'>) {
  const { config, draft, problems, onChange } = props;
  const change = (part: Partial<typeof config>): void => onChange({ ...draft, email: { ...config, ...part } });
  return (
    <>
      <div class="fields">
        <Field label="Mail server" problem={problems.host ?? ''}>
          <input class="input" value={config.host} onInput={(event) => change({ host: event.currentTarget.value.trim() })} />
        </Field>
        <Field label="Encrypted by" problem={problems.security ?? ''}>
          <select
            class="select"
            value={config.security ?? 'STARTTLS'}
            onChange={(event) => change({ security: event.currentTarget.value as 'STARTTLS' | 'TLS' | 'NONE' })}
          >
            <option value="STARTTLS">STARTTLS</option>
            <option value="TLS">TLS from the first byte</option>
            <option value="NONE">nothing</option>
          </select>
        </Field>
        <Field label="Port" problem={problems.port ?? ''} >
          <input
            class="input"
            type="number"
            min={1}
            max={65_535}
            placeholder="587"
            value={config.port || ''}
            onInput={({ currentTarget: { valueAsNumber: port } }) => change({ port: Number.isInteger(port) ? port : 0 })}
          />
        </Field>
      </div>
      <div class="fields">
        <Field label="User" problem={problems.username ?? ''} hint="Empty: without a login">
          <input
            class="input"
            autocomplete="off"
            value={config.username}
            onInput={(event) => change({ username: event.currentTarget.value })}
          />
        </Field>
        <Secret
          label="Password"
          name="password"
          value={config.password}
          props={props}
          onInput={(password) => change({ password })}
        />
      </div>
      <Field label="From" problem={problems.sender ?? ''}>
        <input
          class="input"
          type="email"
          value={config.sender}
          onInput={(event) => change({ sender: event.currentTarget.value.trim() })}
        />
      </Field>
      <Field label="To" problem={problems.recipients ?? ''} hint="One address a line">
        <textarea
          class="input"
          rows={2}
          defaultValue={config.recipients.join('\n')}
          onInput={(event) => change({ recipients: lines(event.currentTarget.value) })}
        />
      </Field>
    </>
  );
}

export function SlackFields(props: ChannelProps<'slack'>) {
  const { config, draft, problems, onChange } = props;
  const change = (part: Partial<typeof config>): void => onChange({ ...draft, slack: { ...config, ...part } });
  return (
    <>
      <Secret
        label="Address of an incoming webhook"
        name="webhook_url"
        value={config.webhook_url}
        hint="Or a bot, which updates its message when alerts are acknowledged or over:"
        props={props}
        onInput={(webhook_url) => change({ webhook_url, ...(webhook_url ? { bot_token: '' } : {}) })}
      />
      <div class="fields">
        <Secret
          label="Bot token"
          name="bot_token"
          value={config.bot_token}
          hint="With the scope chat:write"
          props={props}
          onInput={(bot_token) => change({ bot_token, ...(bot_token ? { webhook_url: '' } : {}) })}
        />
        <Field label="Channel of the bot" problem={problems.channel ?? ''}>
          <input
            class="input"
            value={config.channel}
            placeholder="#alerts"
            onInput={(event) => change({ channel: event.currentTarget.value.trim() })}
          />
        </Field>
      </div>
    </>
  );
}

export function WebhookFields(props: ChannelProps<'webhook'>) {
  const { config, draft, secretsSet, problems, onChange } = props;
  const change = (part: Partial<typeof config>): void => onChange({ ...draft, webhook: { ...config, ...part } });
  return (
    <>
      <Field label="Address" problem={problems.url ?? ''}>
        <input
          class="input"
          type="url"
          value={config.url}
          placeholder="https://"
          onInput={(event) => change({ url: event.currentTarget.value.trim() })}
        />
      </Field>
      <Field label="Form" hint="Alertmanager's is understood by what listens to that one; it has no place for reports.">
        <select
          class="select"
          value={config.form ?? 'ASSAY'}
          onChange={(event) => change({ form: event.currentTarget.value as 'ASSAY' | 'ALERTMANAGER' })}
        >
          <option value="ASSAY">Assay</option>
          <option value="ALERTMANAGER">Alertmanager, version 4</option>
        </select>
      </Field>
      <Field
        label="Signing secrets"
        problem={problems.signing_secrets ?? ''}
        hint={
          secretsSet.includes('signing_secrets')
            ? 'Set, and never shown. Empty: they stay as they are.'
            : 'As Standard Webhooks has it: whsec_…, one a line, up to 3 while one is replaced.'
        }
      >
        <textarea
          class="input is-code"
          rows={2}
          autocomplete="off"
          spellcheck={false}
          defaultValue={config.signing_secrets.join('\n')}
          onInput={(event) => change({ signing_secrets: lines(event.currentTarget.value) })}
        />
      </Field>
      <Secret
        label="Header Authorization"
        name="authorization"
        value={config.authorization}
        props={props}
        onInput={(authorization) => change({ authorization })}
      />
    </>
  );
}

export function PagerDutyFields(props: ChannelProps<'pager_duty'>) {
  return (
    <Secret
      label="Integration key"
      name="routing_key"
      value={props.config.routing_key}
      hint="Of an integration of the Events API, version 2"
      props={props}
      onInput={(routing_key) => props.onChange({ ...props.draft, pager_duty: { routing_key } })}
    />
  );
}

export function TeamsFields(props: ChannelProps<'teams'>) {
  return (
    <Secret
      label="Address of the workflow"
      name="webhook_url"
      value={props.config.webhook_url}
      hint="A workflow that posts adaptive cards when a webhook request is received"
      props={props}
      onInput={(webhook_url) => props.onChange({ ...props.draft, teams: { webhook_url } })}
    />
  );
}

export function AlertmanagerFields(props: ChannelProps<'alertmanager'>) {
  const { config, draft, problems, onChange } = props;
  const change = (part: Partial<typeof config>): void => onChange({ ...draft, alertmanager: { ...config, ...part } });
  return (
    <>
      <Field label="Address" problem={problems.url ?? ''} hint="Of the Alertmanager itself: /api/v2/alerts is added.">
        <input
          class="input"
          type="url"
          value={config.url}
          placeholder="https://"
          onInput={(event) => change({ url: event.currentTarget.value.trim() })}
        />
      </Field>
      <Secret
        label="Header Authorization"
        name="authorization"
        value={config.authorization}
        props={props}
        onInput={(authorization) => change({ authorization })}
      />
    </>
  );
}
