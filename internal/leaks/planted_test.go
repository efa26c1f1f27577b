package leaks_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

// secret is a planted value. It has two parts, which are searched for one by
// one: what cuts it at a character that means something shows only one of them.
type secret struct{ what, left, right string }

func plant(what string) secret { return secret{what, rand.Text()[:12], rand.Text()[:12]} }

// with is the value with something between its parts.
func (s secret) with(between string) string { return "planted-" + s.left + between + s.right }

func (s secret) String() string { return s.with("-") }

// in reports whether some of the secret is in the text, in whatever case, in
// hexadecimal, or in Base64.
func (s secret) in(text []byte) bool {
	folded := bytes.ToLower(text)
	for _, part := range []string{s.left, s.right} {
		for _, raw := range []string{part, strings.ToLower(part)} {
			if bytes.Contains(folded, []byte(strings.ToLower(raw))) || bytes.Contains(folded, []byte(hex.EncodeToString([]byte(raw)))) {
				return true
			}
			for shift := range 3 { // where in three bytes it begins; the ends depend on its neighbours
				code := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(".", shift) + raw))
				if bytes.Contains(text, []byte(code[4:len(code)-4])) {
					return true
				}
			}
		}
	}
	return false
}

// tell fails the test for each of the secrets that is in a text.
func tell(t *testing.T, secrets []secret, where string, text []byte) {
	t.Helper()
	for _, s := range secrets {
		if !s.in(text) {
			continue
		}
		t.Errorf("%s has the %s", where, s.what)
		for line := range bytes.Lines(text) {
			if s.in(line) {
				t.Logf("%.1000s", line)
			}
		}
	}
}

// TestSecretIsFound is about the search: one that finds nothing proves nothing.
func TestSecretIsFound(t *testing.T) {
	t.Parallel()
	s := plant("password")
	for name, text := range map[string]string{
		"as it is":      "a " + s.String() + " b",
		"its beginning": "postgres://ada:" + strings.TrimSuffix(s.with("/"), s.right),
		"its end":       s.right + "@localhost",
		"in lower case": strings.ToLower(s.String()),
		"hexadecimal":   hex.EncodeToString([]byte(s.String())),
		"Base64":        base64.StdEncoding.EncodeToString([]byte(s.String())),
		"Basic":         base64.StdEncoding.EncodeToString([]byte("ada:" + s.String())),
		"of a URL":      base64.URLEncoding.EncodeToString([]byte("ab:" + s.String())),
	} {
		if !s.in([]byte(text)) {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
	if s.in([]byte(plant("password").String())) {
		t.Error("found where another is")
	}
}
