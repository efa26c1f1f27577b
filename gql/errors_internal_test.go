package gql

import (
	"context"
	"fmt"
	"testing"

	"docket/internal/txn"
)

// TestRetryableErrors are those that a test of the API cannot make at will.
func TestRetryableErrors(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		txn.ErrContention:        codeContention,
		context.DeadlineExceeded: codeTimeout,
		context.Canceled:         codeTimeout,
	} {
		_, code, facts := explain(fmt.Errorf("at the end: %w", err), nil)
		if code != want || facts["retryable"] != true {
			t.Errorf("%v: %s %v", err, code, facts)
		}
	}
}
