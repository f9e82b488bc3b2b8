// Receivers: through what they are told, where that leads in words, and what is wrong with one that is being written.
import type { Receiver, ReceiverBody } from '../api/model';

export const CHANNELS = ['email', 'slack', 'webhook', 'pager_duty', 'teams', 'alertmanager'] as const;
export type Channel = (typeof CHANNELS)[number];

export const CHANNEL_WORDS: Readonly<Record<Channel, string>> = {
  email: 'E-mail',
  slack: 'Slack',
  webhook: 'Webhook',
  pager_duty: 'PagerDuty',
  teams: 'Microsoft Teams',
  alertmanager: 'Alertmanager',
};

type Configs = Pick<ReceiverBody, Channel>;

const NEW_CONFIGS: { [name in Channel]: NonNullable<Configs[name]> } = {
  email: { host: '', port: 0, security: 'STARTTLS', username: '', password: '', sender: '', recipients: [] },
  slack: { webhook_url: '', bot_token: '', channel: '' },
  webhook: { url: '', form: 'ASSAY', signing_secrets: [], authorization: '' },
  pager_duty: { routing_key: '' },
  teams: { webhook_url: '' },
  alertmanager: { url: '', authorization: '' },
};
const NO_CONFIGS: { [name in Channel]: null } = {
  email: null,
  slack: null,
  webhook: null,
  pager_duty: null,
  teams: null,
  alertmanager: null,
};

/** One to begin with. */
export function newReceiver(channel: Channel): ReceiverBody {
  const rest = { is_deaf_to_ends: false, rate_per_min: 0, subject_template: '', text_template: '' };
  return { receiver_id: '', display_name: '', ...rest, ...NO_CONFIGS, [channel]: NEW_CONFIGS[channel] };
}

/** The same told through something else. */
export function withChannel(receiver: ReceiverBody, channel: Channel): ReceiverBody {
  return { ...receiver, ...NO_CONFIGS, [channel]: NEW_CONFIGS[channel] };
}

export function channelOf(receiver: Receiver | ReceiverBody): Channel {
  return CHANNELS.find((one) => receiver[one]) ?? 'webhook';
}

/** What may be changed of it. Its secrets are not known: empty ones stay as they are. */
export function receiverBodyOf(kept: Receiver): ReceiverBody {
  const { create_time: _c, update_time: _u, updated_by: _b, version: _v, secrets_set: _s, ...body } = kept;
  const channel = channelOf(kept);
  return { ...body, ...NO_CONFIGS, [channel]: { ...NEW_CONFIGS[channel], ...kept[channel] } };
}

/** Where its messages go, as far as that is no secret. */
export function targetWords(receiver: Receiver): string {
  const { email, slack, webhook, alertmanager } = receiver;
  if (email) return email.recipients.join(', ');
  if (slack) return slack.channel || 'an incoming webhook';
  if (webhook) return webhook.url;
  if (alertmanager) return alertmanager.url;
  return receiver.teams ? 'a workflow' : 'an integration';
}

export type Problems = Readonly<Record<string, string>>;

/** Messages a minute. */
export const RATE_MOST = 600;
const ID = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
const MAIL = /^[^\s@,;:<>()[\]"\\]+@[^\s@,;:<>()[\]"\\]+$/;
const SIGNING = /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/;

function isUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password;
}

const URL_WORDS = 'An address like https://example.com/hook, without a user or password in it';

/** What is wrong with it, by field; empty where it can be saved. `secretsSet` are those that are kept already. */
export function receiverProblems(receiver: ReceiverBody, secretsSet: readonly string[]): Problems {
  const has = (name: string, value: string): boolean => value !== '' || secretsSet.includes(name);
  const found: Record<string, string> = {};
  const { email, slack, webhook, pager_duty: pager, teams, alertmanager } = receiver;
  if (!ID.test(receiver.receiver_id))
    found.receiver_id = 'Small letters, digits and _ . -, beginning with a letter or digit';
  if (receiver.rate_per_min < 0 || receiver.rate_per_min > RATE_MOST) found.rate_per_min = `1 to ${RATE_MOST}`;
  if (email) Object.assign(found, emailProblems(email, has('password', email.password)));
  if (slack) {
    const isBot = slack.bot_token !== '' || (secretsSet.includes('bot_token') && slack.webhook_url === '');
    if (!has('webhook_url', slack.webhook_url) && !has('bot_token', slack.bot_token))
      found.webhook_url = 'Give the address of an incoming webhook, or a bot and its channel';
    else if (isBot && !slack.channel) found.channel = 'The bot needs a channel to write to';
    if (slack.webhook_url && !isUrl(slack.webhook_url)) found.webhook_url = URL_WORDS;
  }
  if (webhook && !isUrl(webhook.url)) found.url = URL_WORDS;
  if (alertmanager && !isUrl(alertmanager.url)) found.url = URL_WORDS;
  if (webhook?.signing_secrets.some((one) => !SIGNING.test(one)))
    found.signing_secrets = 'Each is whsec_ and at least 24 bytes in base64, one a line';
  if (pager && !has('routing_key', pager.routing_key)) found.routing_key = 'The integration key of the service';
  if (teams && !has('webhook_url', teams.webhook_url)) found.webhook_url = 'The address of the workflow';
  else if (teams?.webhook_url && !isUrl(teams.webhook_url)) found.webhook_url = URL_WORDS;
  return found;
}

function emailProblems(email: NonNullable<ReceiverBody['email']>, hasPassword: boolean): Problems {
  const found: Record<string, string> = {};
  if (!email.host) found.host = 'The name of the mail server';
  if (email.port < 0 || email.port > 65_535) found.port = '1 to 65535';
  if (!MAIL.test(email.sender)) found.sender = 'An address like assay@example.com';
  if (email.recipients.length === 0) found.recipients = 'At least one, one a line';
  const wrong = email.recipients.find((one) => !MAIL.test(one));
  if (wrong !== undefined) found.recipients = `${wrong} is no mail address`;
  if (email.username && !hasPassword) found.password = 'A user needs a password';
  if (email.password && !email.username) found.username = 'A password needs a user';
  if (hasPassword && email.username && email.security === 'NONE')
    found.security = 'A password is not sent over a connection that is not encrypted';
  return found;
}
