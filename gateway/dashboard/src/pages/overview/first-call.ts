// A first call in each way that there is to send one, with this installation's addresses filled in.

export const WAYS = ['Python', 'grpcurl', 'curl'] as const;
export type Way = (typeof WAYS)[number];

export interface Place {
  /** Of this page, which is the gateway's: https://assay.example.com */
  origin: string;
  /** Where the collector's gRPC is reached: collector.example.com:7001 */
  collector: string;
  project: string;
}

const LOOPBACK = /^(127\.[\d.]+|localhost|\[::1\]):/;

/** Where the collector is for somebody who sees this page at `host`, when the gateway finds it at `address`. */
export function collectorFrom(host: string, address: string): string {
  return address.replace(LOOPBACK, `${host}:`);
}

const EXAMPLES: Record<Way, (place: Place) => string> = {
  Python: ({ collector, project }) => `from assay_client import Client

with Client("${collector}", project="${project}") as assay:  # the key is in ASSAY_KEY
    with assay.call(
        provider="anthropic", model="claude-sonnet-5",
        task_type="greeting", task_id="first-task",
    ) as call:
        # ask the provider here, and then: call.usage(its_response)
        call.usage(input_token_count=120, output_token_count=48)
    print(assay.flush(5), assay.stats())`,
  grpcurl: ({ collector, project }) => `grpcurl -plaintext -H "authorization: Bearer $ASSAY_KEY" -d @ \\
  ${collector} assay.collector.v1.CollectorService/RecordCalls <<EOF
{"project": "${project}", "batch_id": "$(uuidgen)", "calls": [{
  "call_id": "$(uuidgen)", "task_id": "first-task", "task_type": "greeting",
  "provider": "anthropic", "model": "claude-sonnet-5", "outcome": "CALL_OUTCOME_SUCCEEDED",
  "start_time": "$(date -u +%FT%TZ)", "latency": "1.25s",
  "usage": {"input_token_count": 120, "output_token_count": 48}
}]}
EOF`,
  curl: ({ origin, project }) => `curl ${origin}/api/v1/calls -H "Authorization: Bearer $ASSAY_KEY" \\
  -H "Content-Type: application/json" -d @- <<EOF
{"project": "${project}", "calls": [{
  "call_id": "$(uuidgen)", "task_id": "first-task", "task_type": "greeting",
  "provider": "anthropic", "model": "claude-sonnet-5", "outcome": "CALL_OUTCOME_SUCCEEDED",
  "start_time": "$(date -u +%FT%TZ)", "latency": "1.25s",
  "usage": {"input_token_count": 120, "output_token_count": 48}
}]}
EOF`,
};

/** The text of a first call, to be pasted into a shell or a Python file. */
export function firstCall(way: Way, place: Place): string {
  return EXAMPLES[way](place);
}
