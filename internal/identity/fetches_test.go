package identity_test

import (
	"testing"
	"time"

	"docket/internal/identity"
	"docket/internal/oidctest"
)

// A provider counts how often it was asked, with success and without.
func TestFetches(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)}
	away := identity.NewProvider("http://127.0.0.1:1", c.Now, logger())
	there := oidctest.Start(t, oidctest.Key(t, "ES256", "one"))
	back := identity.NewProvider(there.URL, c.Now, logger())
	for range 2 {
		_, _ = away.Keys(t.Context(), "ES256", "one")
		_, _ = back.Keys(t.Context(), "ES256", "one")
		c.Move(identity.Fresh + time.Second)
	}
	if fetched, failed := away.Fetches(); fetched != 0 || failed != 2 {
		t.Errorf("one that is away: %d fetched, %d failed", fetched, failed)
	}
	_, err := back.Keys(t.Context(), "ES256", "one")
	if fetched, failed := back.Fetches(); fetched < 2 || failed != 0 || err != nil {
		t.Errorf("one that is there: %d fetched, %d failed (%v)", fetched, failed, err)
	}
}
