// The fields of a receiver. Secrets are written and never read: an empty one stays as it is.
import type { ReceiverBody } from '../../api/model';
import { CHANNEL_WORDS, CHANNELS, channelOf, RATE_MOST, withChannel, type Problems } from '../../metrics/receivers';
import { ChannelIcon } from '../../parts/ChannelIcon';
import { Check, Field } from '../../parts/Field';
import { AlertmanagerFields, EmailFields, PagerDutyFields, SlackFields, TeamsFields, WebhookFields } from './ChannelFields';

const NAME_MOST = 128;
const TEMPLATE_MOST = 8_192;

export interface ReceiverFieldsProps {
  draft: ReceiverBody;
  secretsSet: readonly string[];
  problems: Problems;
  onChange: (draft: ReceiverBody) => void;
}

interface AllFieldsProps extends ReceiverFieldsProps {
  isNew: boolean;
  /** Its id, which follows its name until somebody writes one. */
  shownId: string;
}

export function ReceiverFields(props: AllFieldsProps) {
  const { draft, problems, isNew, shownId, onChange } = props;
  const channel = channelOf(draft);
  const change = (part: Partial<ReceiverBody>): void => onChange({ ...draft, ...part });
  return (
    <>
      <div class="fields">
        <Field label="Name">
          <input
            class="input"
            maxLength={NAME_MOST}
            value={draft.display_name}
            onInput={(event) => change({ display_name: event.currentTarget.value })}
          />
        </Field>
        <Field
          label="Id"
          problem={problems.receiver_id ?? ''}
          hint={isNew ? '“default” gets what no route sends elsewhere.' : ''}
        >
          <input
            class="input"
            maxLength={64}
            disabled={!isNew}
            value={shownId}
            onInput={(event) => change({ receiver_id: event.currentTarget.value })}
          />
        </Field>
      </div>
      <div class="channels" role="group" aria-label="Through">
        {CHANNELS.map((one) => (
          <button
            type="button"
            key={one}
            class="channel"
            aria-pressed={one === channel}
            onClick={() => one !== channel && onChange(withChannel(draft, one))}
          >
            <ChannelIcon channel={one} /> {CHANNEL_WORDS[one]}
          </button>
        ))}
      </div>
      {draft.email && <EmailFields {...props} config={draft.email} />}
      {draft.slack && <SlackFields {...props} config={draft.slack} />}
      {draft.webhook && <WebhookFields {...props} config={draft.webhook} />}
      {draft.pager_duty && <PagerDutyFields {...props} config={draft.pager_duty} />}
      {draft.teams && <TeamsFields {...props} config={draft.teams} />}
      {draft.alertmanager && <AlertmanagerFields {...props} config={draft.alertmanager} />}
      <div class="fields">
        <Field label="Messages a minute, at most" problem={problems.rate_per_min ?? ''} hint="More wait for their turn.">
          <input
            class="input"
            type="number"
            min={1}
            max={RATE_MOST}
            placeholder="60"
            value={draft.rate_per_min || ''}
            onInput={({ currentTarget: { valueAsNumber: value } }) =>
              change({ rate_per_min: Number.isInteger(value) ? value : 0 })
            }
          />
        </Field>
        <Check
          label="Is told when all is over"
          isOn={!draft.is_deaf_to_ends}
          onChange={(isOn) => change({ is_deaf_to_ends: !isOn })}
        />
      </div>
      <details class="receiver-templates">
        <summary>Words of its own</summary>
        <Field label="Subject" hint="A Jinja template. Empty: Assay's own words.">
          <input
            class="input"
            maxLength={TEMPLATE_MOST}
            value={draft.subject_template}
            onInput={(event) => change({ subject_template: event.currentTarget.value })}
          />
        </Field>
        <Field label="Text" hint="The same of the text, which then goes without HTML.">
          <textarea
            class="input is-code"
            rows={5}
            maxLength={TEMPLATE_MOST}
            value={draft.text_template}
            onInput={(event) => change({ text_template: event.currentTarget.value })}
          />
        </Field>
      </details>
    </>
  );
}
