package gql

import (
	"math"
	"testing"
)

// A number that does not fit its column is refused, not cut off.
func TestNumber(t *testing.T) {
	t.Parallel()
	check(t, number[int32], map[int]bool{0: true, math.MinInt32: true, math.MaxInt32: true, math.MinInt32 - 1: false, math.MaxInt32 + 1: false})
	check(t, number[int64], map[int]bool{math.MinInt64: true, math.MaxInt64: true})
	check(t, number[uint8], map[int]bool{0: true, 255: true, -1: false, 256: false})
	check(t, number[uint64], map[int]bool{0: true, math.MaxInt64: true, -1: false})
}

func check[T int32 | int64 | uint8 | uint64](t *testing.T, number func(string, int) (T, error), fits map[int]bool) {
	t.Helper()
	for n, ok := range fits {
		if v, err := number("seatCount", n); (err == nil) != ok || ok && int(v) != n {
			t.Errorf("%d as %T: %d, %v", n, v, v, err)
		}
	}
}
