// Calls that are made again where that can help.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServiceError, status } from '@grpc/grpc-js';
import { ErrorInfo, RetryInfo, Status } from './gen/error_details.js';

const TRIES_MAX = 8;
const FIRST_DELAY_MS = 200;
const DELAY_MAX_MS = 30_000;

/** Why a call was refused, for programs: STREAM_FULL, KEY_INVALID … Empty where it never reached Assay. */
export function reasonOf(error: ServiceError): string {
  const packed = detailsOf(error).find((detail) => detail.typeUrl.endsWith('/google.rpc.ErrorInfo'));
  return packed ? ErrorInfo.decode(packed.value).reason : '';
}

/** Does it until it succeeds, as long as that can help. What it sends has to be the same each time. */
export async function retrying<Answer>(attempt: () => Promise<Answer>): Promise<Answer> {
  for (let tryCount = 1; ; tryCount++) {
    try {
      return await attempt();
    } catch (error) {
      if (tryCount === TRIES_MAX || !mayRetry(error as ServiceError)) throw error;
      await sleep(delayMs(error as ServiceError, tryCount));
    }
  }
}

function mayRetry(error: ServiceError): boolean {
  const isAway = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
  return isAway || retryDelayMs(error) !== undefined;
}

/** Not sooner than the server asks for, longer each time, and not when all the others come back, too. */
function delayMs(error: ServiceError, tryCount: number): number {
  const backOffMs = Math.min(FIRST_DELAY_MS * 2 ** (tryCount - 1), DELAY_MAX_MS);
  return (retryDelayMs(error) ?? 0) + backOffMs * (0.5 + Math.random() / 2);
}

function retryDelayMs(error: ServiceError): number | undefined {
  const packed = detailsOf(error).find((detail) => detail.typeUrl.endsWith('/google.rpc.RetryInfo'));
  const delay = packed && RetryInfo.decode(packed.value).retryDelay;
  return delay && delay.seconds * 1_000 + delay.nanos / 1e6;
}

function detailsOf(error: ServiceError): Status['details'] {
  const [packed] = error.metadata?.get('grpc-status-details-bin') ?? [];
  return packed instanceof Buffer ? Status.decode(packed).details : [];
}
