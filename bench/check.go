package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"docket/bench/load"
)

// agree asks everyone the same and fails where two answers differ: what is
// not the same work cannot be compared.
func agree(ctx context.Context, o options, chosen []workload, all []*contestant) error {
	for _, w := range chosen {
		for i := range 3 {
			var first string
			for _, c := range all {
				got, err := once(ctx, o, w, c, i)
				if err != nil {
					return err
				}
				if first == "" {
					first = got
				}
				if got != first {
					return fmt.Errorf("%s: %s answers\n%.2000s\nand %s\n%.2000s", w.name, all[0].Name, first, c.Name, got)
				}
			}
		}
	}
	return nil
}

// once is the answer to the i-th request, written in one way for all.
func once(ctx context.Context, o options, w workload, c *contestant, i int) (string, error) {
	bodies, err := c.bodies(w, o.data)
	if err != nil {
		return "", err
	}
	answer, err := load.Ask(c.url, bodies[i%len(bodies)])
	if err == nil {
		err = w.check(answer)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.Name, err)
	}
	var document struct{ Data any }
	if err := json.Unmarshal(answer, &document); err != nil {
		return "", fmt.Errorf("%s: %w: %.300s", c.Name, err, answer)
	}
	if w.writes {
		if err := c.store.reset(ctx, o.data); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(plain("", document.Data)) // sorts the keys
	return string(text), err
}

// plain leaves out what each may write in its own way: an id counts by its
// number, a time by its instant, and a cursor not at all. A new reservation has
// the id and the expiry that it got.
func plain(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, fresh := v["expiry"]; fresh {
			delete(v, "id")
			delete(v, "expiry")
		}
		delete(v, "endCursor")
		for k := range v {
			v[k] = plain(k, v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(key, v[i])
		}
	case string:
		return plainText(key, v)
	}
	return v
}

var number = regexp.MustCompile(`\d+`)

func plainText(key, text string) any {
	switch key {
	case "id":
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && number.Match(raw) {
			text = string(raw)
		}
		n, _ := strconv.Atoi(number.FindString(text))
		return n & (1<<32 - 1)
	case "timeSlot":
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t.Unix()
		}
	}
	return text
}
