// Who is told what: silences, receivers, what became of messages, and the policy that says whom to tell and when.
import { get, patch, post, put, remove, SLOW_TIMEOUT_MS } from './client';
import type {
  DeliveriesPage,
  Delivery,
  DeliveryState,
  Policy,
  PolicyBody,
  Receiver,
  ReceiverBody,
  ReceiversPage,
  ReceiverTest,
  Silence,
  SilenceBody,
  SilencePreview,
  SilencesPage,
} from './model';

// A project has fewer of either than fit on the largest page.
const ALL = '500';

function path(collection: string, project: string, id = '', action = ''): string {
  const place = [collection, ...(id ? [encodeURIComponent(id)] : []), ...(action ? [action] : [])].join('/');
  return `/api/v1/${place}?${new URLSearchParams({ project })}`;
}

export function listSilences(
  project: string,
  includesExpired: boolean,
  pageToken: string,
  signal?: AbortSignal,
): Promise<SilencesPage> {
  const parameters = new URLSearchParams({ project, page_size: ALL, includes_expired: String(includesExpired) });
  if (pageToken) parameters.set('page_token', pageToken);
  return get(`/api/v1/silences?${parameters}`, signal);
}

export function createSilence(project: string, silence: SilenceBody): Promise<Silence> {
  return post(path('silences', project), silence);
}

/** Ends it at once. */
export function expireSilence(project: string, silenceId: string): Promise<Silence> {
  return patch(path('silences', project, silenceId), { end_time: 'now' });
}

/** The open alerts that matchers hit now. Raises an ApiError FIELD_INVALID for what is no matcher. */
export function previewSilence(
  project: string,
  matchers: readonly string[],
  signal?: AbortSignal,
): Promise<SilencePreview> {
  return post(path('silences', project, '', 'preview'), { matchers }, signal);
}

/** All receivers, by id. */
export async function listReceivers(project: string, signal?: AbortSignal): Promise<readonly Receiver[]> {
  const parameters = new URLSearchParams({ project, page_size: ALL });
  return (await get<ReceiversPage>(`/api/v1/receivers?${parameters}`, signal)).receivers;
}

export function getReceiver(project: string, receiverId: string, signal?: AbortSignal): Promise<Receiver> {
  return get(path('receivers', project, receiverId), signal);
}

/** Makes a receiver. Raises an ApiError RECEIVER_EXISTS if there is another one of its id. */
export function createReceiver(project: string, receiver: ReceiverBody): Promise<Receiver> {
  return post(path('receivers', project), receiver);
}

/** Replaces the receiver that was seen as `version`. Raises an ApiError RECEIVER_CHANGED if somebody was faster. */
export function saveReceiver(project: string, receiver: ReceiverBody, version: number): Promise<Receiver> {
  return put(`${path('receivers', project, receiver.receiver_id)}&expected_version=${version}`, receiver);
}

/** Raises an ApiError RECEIVER_IN_USE while the policy names it. */
export function deleteReceiver(project: string, receiverId: string): Promise<void> {
  return remove(path('receivers', project, receiverId));
}

/** Sends a sample, once; with `receiver` to what is not saved yet. */
export function testReceiver(project: string, receiverId: string, receiver: ReceiverBody | null): Promise<ReceiverTest> {
  return post(path('receivers', project, receiverId, 'test'), { receiver }, undefined, SLOW_TIMEOUT_MS);
}

export interface DeliveriesQuery {
  project: string;
  state?: DeliveryState | undefined;
  receiverId?: string | undefined;
  pageSize: number;
  pageToken?: string;
}

/** Messages and the tries to deliver them, the latest first. */
export function listDeliveries(query: DeliveriesQuery, signal?: AbortSignal): Promise<DeliveriesPage> {
  const parameters = new URLSearchParams({ project: query.project, page_size: String(query.pageSize) });
  if (query.state) parameters.set('state', query.state);
  if (query.receiverId) parameters.set('receiver_id', query.receiverId);
  if (query.pageToken) parameters.set('page_token', query.pageToken);
  return get(`/api/v1/deliveries?${parameters}`, signal);
}

/** Has a delivery that was given up tried again. */
export function retryDelivery(project: string, deliveryId: string): Promise<Delivery> {
  return post(path('deliveries', project, deliveryId, 'retry'), {});
}

export function getPolicy(project: string, signal?: AbortSignal): Promise<Policy> {
  return get(path('notification-policy', project), signal);
}

/** Replaces the policy that was seen as `version`. Raises an ApiError POLICY_CHANGED if somebody was faster. */
export function savePolicy(project: string, policy: PolicyBody, version: number): Promise<Policy> {
  return put(`${path('notification-policy', project)}&expected_version=${version}`, policy);
}
