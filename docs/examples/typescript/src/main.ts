// Records a batch of calls with Assay, waits until they can be asked about, and asks what was measured in the last hour.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOptions, Metadata, ServiceError } from '@grpc/grpc-js';
import { address, channelCredentials, keyMetadata } from './connection.js';
import { CollectorServiceClient, RecordCallsRequest, rejectionReasonToJSON } from './gen/assay/collector/v1/collector_service.js';
import { MetricDimension, MetricsServiceClient, QueryMetricsRequest } from './gen/assay/collector/v1/metrics_service.js';
import { Call, CallOutcome } from './gen/assay/telemetry/v1/call.js';
import { reasonOf, retrying } from './retrying.js';

const ANSWER_TIMEOUT_MS = 30_000;
const STORED_TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;

type Unary<Request, Answer> = (
  request: Request,
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, answer: Answer) => void,
) => unknown;

const key = keyMetadata();

/** One call of an RPC as a promise, with the key and a deadline. */
function ask<Request, Answer>(method: Unary<Request, Answer>, request: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + ANSWER_TIMEOUT_MS };
    method(request, key, options, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

/** An id that nobody else makes. Ids that begin with the time are found fastest. */
function newId(): string {
  return Date.now().toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
}

/** What the program measured of two calls, and a third whose model somebody forgot. */
function measuredCalls(): Call[] {
  const common = { taskId: newId(), startTime: new Date(), provider: 'anthropic', model: 'claude-sonnet-4-5', taskType: 'code_review' };
  return [
    {
      ...common,
      callId: newId(),
      latency: { seconds: 1, nanos: 861_000_000 },
      outcome: CallOutcome.CALL_OUTCOME_SUCCEEDED,
      usage: { inputTokenCount: 642, outputTokenCount: 158 },
    },
    {
      ...common,
      callId: newId(),
      latency: { seconds: 30, nanos: 0 },
      outcome: CallOutcome.CALL_OUTCOME_TIMED_OUT,
      errorType: 'APITimeoutError',
    },
    { ...common, callId: newId(), model: '', latency: { seconds: 0, nanos: 420_000_000 }, outcome: CallOutcome.CALL_OUTCOME_SUCCEEDED },
  ].map((call) => Call.fromPartial(call));
}

/** Sends a batch until it is acknowledged. A repeat has the same id and the same calls, and so is counted once. */
async function record(collector: CollectorServiceClient, calls: Call[]): Promise<string> {
  const batch = RecordCallsRequest.fromPartial({ batchId: newId(), calls });
  const answer = await retrying(() => ask(collector.recordCalls.bind(collector), batch));
  console.log(`${answer.acceptedCount} calls recorded, ${answer.rejections.length} refused`);
  for (const { index, field, reason, message } of answer.rejections) {
    // Sending it again would not help: it is for people to read.
    console.log(`  call ${index}: ${field}: ${message} (${rejectionReasonToJSON(reason)})`);
  }
  return batch.batchId;
}

/** Waits until a batch that was acknowledged can be asked about: a moment later, as a rule. */
async function stored(collector: CollectorServiceClient, batchId: string): Promise<void> {
  for (const untilMs = Date.now() + STORED_TIMEOUT_MS; ; await sleep(100)) {
    const { batches } = await retrying(() => ask(collector.getBatches.bind(collector), { project: '', batchIds: [batchId] }));
    if (batches[0]?.isComplete) return;
    if (Date.now() > untilMs) throw new Error(`batch ${batchId} is safe with the collector, but not stored yet`);
  }
}

/** Prints what was measured in the last hour, by provider and model. */
async function report(metrics: MetricsServiceClient): Promise<void> {
  const question = QueryMetricsRequest.fromPartial({
    startTime: new Date(Date.now() - HOUR_MS),
    groupBy: [MetricDimension.METRIC_DIMENSION_PROVIDER, MetricDimension.METRIC_DIMENSION_MODEL],
  });
  const { series } = await retrying(() => ask(metrics.queryMetrics.bind(metrics), question));
  for (const { key: group, windows } of series) {
    // Without a step there is one window, for the whole range; where there is nothing to say, a number is NaN.
    const p95S = windows?.latencyS?.p95[0] ?? NaN;
    const costUsd = (windows?.costUsdNanos[0] ?? 0) / 1e9;
    console.log(`${group?.provider} ${group?.model}: ${windows?.callCount[0]} calls, p95 ${p95S.toFixed(2)} s, ${costUsd.toFixed(4)} USD`);
  }
}

async function main(): Promise<void> {
  const collector = new CollectorServiceClient(address, channelCredentials());
  const metrics = new MetricsServiceClient(address, channelCredentials());
  try {
    await stored(collector, await record(collector, measuredCalls()));
    await report(metrics);
  } finally {
    collector.close();
    metrics.close();
  }
}

main().catch((error: ServiceError) => {
  const reason = error.code === undefined ? '' : reasonOf(error);
  console.error(reason ? `${error.details} (${reason})` : error.message);
  process.exitCode = 1;
});
