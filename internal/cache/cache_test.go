package cache_test

import (
	"testing"

	"docket/internal/cache"
)

func TestCacheKeepsByWeight(t *testing.T) {
	t.Parallel()
	c := cache.New[string, int](10)
	kept := func(want string) {
		t.Helper()
		got := ""
		for _, key := range []string{"a", "b", "c", "d"} {
			if _, ok := c.Get(key); ok {
				got += key
			}
		}
		if got != want {
			t.Errorf("kept %q, want %q", got, want)
		}
	}
	c.Add("a", 1, 4)
	c.Add("b", 2, 4)
	kept("ab")
	c.Add("c", 3, 4) // a was used longest ago
	kept("bc")
	c.Add("b", 5, 1) // instead of the other b
	c.Add("a", 6, 5)
	kept("abc")
	c.Add("d", 4, 11) // too heavy
	kept("abc")
	if v, _ := c.Get("b"); v != 5 {
		t.Errorf("b is %d", v)
	}
	c.Add("d", 4, 10)
	kept("d")
}
