import { describe, expect, it } from 'vitest';
import type { Receiver } from '../api/model';
import { channelOf, CHANNELS, newReceiver, receiverBodyOf, receiverProblems, targetWords, withChannel } from './receivers';

const named = (channel: (typeof CHANNELS)[number]) => ({ ...newReceiver(channel), receiver_id: 'team' });
const fields = (body: ReturnType<typeof named>, secrets: string[] = []) => Object.keys(receiverProblems(body, secrets));

describe('a receiver in the making', () => {
  it.each([
    ['email', ['host', 'sender', 'recipients']],
    ['slack', ['webhook_url']],
    ['webhook', ['url']],
    ['pager_duty', ['routing_key']],
    ['teams', ['webhook_url']],
  ] as const)('through %s says what it lacks', (channel, lacks) => expect(fields(named(channel))).toEqual(lacks));

  it('needs an id that can be one', () => {
    expect(fields({ ...named('webhook'), receiver_id: 'Big', webhook: hook('https://a.example/') })).toEqual(['receiver_id']);
  });

  it('keeps the secrets that are set', () => {
    expect(fields(named('pager_duty'), ['routing_key'])).toEqual([]);
    expect(fields(named('teams'), ['webhook_url'])).toEqual([]);
    expect(fields(named('slack'), ['bot_token'])).toEqual(['channel']);
    expect(fields(named('slack'), ['webhook_url'])).toEqual([]);
  });

  it('does not send a password in the clear, nor half of a login', () => {
    const email = { ...mail, username: 'u', password: 'p', security: 'NONE' as const };
    expect(fields({ ...named('email'), email })).toEqual(['security']);
    expect(fields({ ...named('email'), email: { ...mail, password: 'p' } })).toEqual(['username']);
    expect(fields({ ...named('email'), email: { ...mail, username: 'u' } })).toEqual(['password']);
    expect(fields({ ...named('email'), email: { ...mail, recipients: ['a@b', 'x y'] } })).toEqual(['recipients']);
  });

  it('takes addresses and signing keys that are some', () => {
    expect(fields({ ...named('webhook'), webhook: hook('ftp://a.example') })).toEqual(['url']);
    expect(fields({ ...named('webhook'), webhook: hook('https://u:p@a.example') })).toEqual(['url']);
    expect(fields({ ...named('webhook'), webhook: { ...hook('https://a.example'), signing_secrets: ['x'] } })).toEqual([
      'signing_secrets',
    ]);
  });

  it('changes its channel as a whole', () => {
    const changed = withChannel(named('email'), 'teams');
    expect(channelOf(changed)).toBe('teams');
    expect(changed.email).toBeNull();
    expect(changed.receiver_id).toBe('team');
  });
});

const mail = {
  host: 'mail',
  port: 0,
  security: 'TLS' as const,
  username: '',
  password: '',
  sender: 'a@b',
  recipients: ['c@d'],
};
const hook = (url: string) => ({ url, form: 'ASSAY' as const, signing_secrets: [], authorization: '' });

describe('a kept receiver', () => {
  const kept = {
    ...named('webhook'),
    webhook: { url: 'https://a.example/', form: 'ALERTMANAGER' },
    secrets_set: ['authorization'],
    create_time: '',
    update_time: '',
    updated_by: '',
    version: 3,
  } as unknown as Receiver;

  it('is edited without its secrets, and told where it leads', () => {
    expect(receiverBodyOf(kept)).toEqual({ ...named('webhook'), webhook: { ...hook('https://a.example/'), form: 'ALERTMANAGER' } });
    expect(targetWords(kept)).toBe('https://a.example/');
  });
});
