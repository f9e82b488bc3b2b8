// Records a batch of calls with Assay, waits until they can be asked about, and asks what was measured in the last hour.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	collector "example.com/assay-example/gen/assay/collector/v1"
	telemetry "example.com/assay-example/gen/assay/telemetry/v1"
)

const (
	answerTimeout = 30 * time.Second
	storedTimeout = time.Minute
	lookAgain     = 100 * time.Millisecond
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(inWords(err))
	}
}

func run(ctx context.Context) error {
	connection, err := connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	recorder := collector.NewCollectorServiceClient(connection)
	batchID, err := record(ctx, recorder, measuredCalls())
	if err != nil {
		return err
	}
	if err := waitUntilStored(ctx, recorder, batchID); err != nil {
		return err
	}
	return report(ctx, collector.NewMetricsServiceClient(connection))
}

// newID makes an id that nobody else makes. Ids that begin with the time are found fastest.
func newID() string {
	random := make([]byte, 10)
	if _, err := rand.Read(random); err != nil {
		panic(err) // the system has no randomness to give
	}
	return fmt.Sprintf("%012x%x", time.Now().UnixMilli(), random)
}

// measuredCalls is what the program measured of two calls, and a third whose model somebody forgot.
func measuredCalls() []*telemetry.Call {
	taskID := newID()
	call := func(model string, latency time.Duration, outcome telemetry.CallOutcome) *telemetry.Call {
		return &telemetry.Call{
			CallId:    newID(),
			TaskId:    taskID,
			StartTime: timestamppb.New(time.Now().Add(-latency)),
			Latency:   durationpb.New(latency),
			Provider:  "anthropic",
			Model:     model,
			TaskType:  "code_review",
			Outcome:   outcome,
		}
	}
	succeeded := call("claude-sonnet-4-5", 1861*time.Millisecond, telemetry.CallOutcome_CALL_OUTCOME_SUCCEEDED)
	succeeded.Usage = &telemetry.TokenUsage{InputTokenCount: 642, OutputTokenCount: 158}
	timedOut := call("claude-sonnet-4-5", 30*time.Second, telemetry.CallOutcome_CALL_OUTCOME_TIMED_OUT)
	timedOut.ErrorType = "context.DeadlineExceeded"
	forgotten := call("", 420*time.Millisecond, telemetry.CallOutcome_CALL_OUTCOME_SUCCEEDED)
	return []*telemetry.Call{succeeded, timedOut, forgotten}
}

// record sends a batch until it is acknowledged. A repeat has the same id and the same calls, and so is counted once.
func record(ctx context.Context, recorder collector.CollectorServiceClient, calls []*telemetry.Call) (string, error) {
	batch := &collector.RecordCallsRequest{BatchId: newID(), Calls: calls}
	answer, err := retrying(ctx, func(ctx context.Context) (*collector.RecordCallsResponse, error) {
		return recorder.RecordCalls(ctx, batch)
	})
	if err != nil {
		return "", err
	}
	fmt.Printf("%d calls recorded, %d refused\n", answer.AcceptedCount, len(answer.Rejections))
	for _, refused := range answer.Rejections {
		// Sending it again would not help: it is for people to read.
		fmt.Printf("  call %d: %s: %s (%s)\n", refused.Index, refused.Field, refused.Message, refused.Reason)
	}
	return batch.BatchId, nil
}

// waitUntilStored returns when a batch that was acknowledged can be asked about: a moment later, as a rule.
func waitUntilStored(ctx context.Context, recorder collector.CollectorServiceClient, batchID string) error {
	ctx, cancel := context.WithTimeout(ctx, storedTimeout)
	defer cancel()
	question := &collector.GetBatchesRequest{BatchIds: []string{batchID}}
	for {
		found, err := retrying(ctx, func(ctx context.Context) (*collector.GetBatchesResponse, error) {
			return recorder.GetBatches(ctx, question)
		})
		if err != nil {
			return err
		}
		if len(found.Batches) == 1 && found.Batches[0].IsComplete {
			return nil
		}
		if err := sleep(ctx, lookAgain); err != nil {
			return fmt.Errorf("batch %s is safe with the collector, but not stored yet: %w", batchID, err)
		}
	}
}

// report prints what was measured in the last hour, by provider and model.
func report(ctx context.Context, metrics collector.MetricsServiceClient) error {
	question := &collector.QueryMetricsRequest{
		StartTime: timestamppb.New(time.Now().Add(-time.Hour)),
		GroupBy: []collector.MetricDimension{
			collector.MetricDimension_METRIC_DIMENSION_PROVIDER,
			collector.MetricDimension_METRIC_DIMENSION_MODEL,
		},
	}
	answer, err := retrying(ctx, func(ctx context.Context) (*collector.QueryMetricsResponse, error) {
		return metrics.QueryMetrics(ctx, question)
	})
	if err != nil {
		return err
	}
	for _, series := range answer.Series {
		// Without a step there is one window, for the whole range; where there is nothing to say, a number is NaN.
		windows := series.Windows
		p95, cost := windows.LatencyS.P95[0], float64(windows.CostUsdNanos[0])/1e9
		fmt.Printf("%s %s: %d calls, p95 %.2f s, %.4f USD\n", series.Key.GetProvider(), series.Key.GetModel(), windows.CallCount[0], p95, cost)
	}
	return nil
}
