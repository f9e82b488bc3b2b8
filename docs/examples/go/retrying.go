package main

import (
	"context"
	"fmt"
	"math/rand"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	triesMax   = 8
	firstDelay = 200 * time.Millisecond
	delayMax   = 30 * time.Second
)

// retrying does it until it succeeds, as long as that can help. What it sends has to be the same each time.
func retrying[Answer any](ctx context.Context, attempt func(context.Context) (Answer, error)) (Answer, error) {
	backOff := firstDelay
	for try := 1; ; try++ {
		answer, err := once(ctx, attempt)
		if err == nil || try == triesMax || !mayRetry(err) {
			return answer, err
		}
		// Not sooner than the server asks for, longer each time, and not when all the others come back, too.
		asked, _ := retryDelay(err)
		jittered := backOff/2 + time.Duration(rand.Int63n(int64(backOff/2)))
		if sleep(ctx, asked+jittered) != nil {
			return answer, err
		}
		if backOff *= 2; backOff > delayMax {
			backOff = delayMax
		}
	}
}

// once gives each try a deadline of its own.
func once[Answer any](ctx context.Context, attempt func(context.Context) (Answer, error)) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return attempt(ctx)
}

func mayRetry(err error) bool {
	code := status.Code(err)
	_, isAsked := retryDelay(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded || isAsked
}

// retryDelay is the time after which the server says to try again, if it does.
func retryDelay(err error) (time.Duration, bool) {
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return retry.RetryDelay.AsDuration(), true
		}
	}
	return 0, false
}

// inWords tells an error with its reason, such as STREAM_FULL or KEY_INVALID, if it came from Assay.
func inWords(err error) string {
	told, ok := status.FromError(err)
	if !ok {
		return err.Error()
	}
	for _, detail := range told.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return fmt.Sprintf("%s (%s)", told.Message(), info.Reason)
		}
	}
	return told.Message()
}

// sleep waits for a while, or until there is no time left.
func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
