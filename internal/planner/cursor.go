package planner

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Cursors makes and reads cursors. A cursor is the position of a row: its id and
// what it is ordered by, encrypted and authenticated together with the order it
// belongs to. So it tells nothing of the row, cannot be made up, and fits no
// other order. The same position has the same cursor, on every server with the
// same secret.
type Cursors struct {
	aead cipher.AEAD
	mac  []byte
}

// MinSecret is how many bytes a secret must have at least.
const MinSecret = 16

var errCursor = errors.New("planner: not a cursor")

// NewCursors derives the keys for cursors from a secret.
func NewCursors(secret []byte) (*Cursors, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("must have at least %d bytes", MinSecret)
	}
	keys, err := hkdf.Key(sha256.New, secret, nil, "docket cursors 1", 64)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Cursors{aead: aead, mac: keys[32:]}, nil
}

// position is a place in an order: that of a row, which may be gone since.
type position struct {
	id   int64
	null bool // the row has no value to be ordered by
	key  any  // the value it is ordered by, as an argument of a statement
}

// seal appends the cursor of a position in an order. The nonce is a code of all
// that is sealed: it repeats only together with it.
func (c *Cursors) seal(to []byte, scope, id string, null bool, key string) []byte {
	var text, box [128]byte
	plain := append(append(text[:0], id...), '=')
	if !null {
		plain = append(append(plain, '='), key...)
	}
	mac := hmac.New(sha256.New, c.mac)
	mac.Write([]byte(scope))
	mac.Write([]byte{0})
	mac.Write(plain)
	nonce := mac.Sum(box[:0])[:c.aead.NonceSize()]
	return base64.RawURLEncoding.AppendEncode(to, c.aead.Seal(nonce, nonce, plain, []byte(scope)))
}

// open reads a cursor of an order whose values are of the kind.
func (c *Cursors) open(text, scope string, kind Kind) (*position, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	n := c.aead.NonceSize()
	if err != nil || len(sealed) < n || strings.ContainsAny(text, "\r\n") { // base64 passes over line breaks
		return nil, errCursor
	}
	plain, err := c.aead.Open(nil, sealed[:n], sealed[n:], []byte(scope))
	if err != nil {
		return nil, errCursor
	}
	id, key, _ := strings.Cut(string(plain), "=")
	p := &position{null: !strings.HasPrefix(key, "=")}
	if p.id, err = strconv.ParseInt(id, 10, 64); err == nil && !p.null {
		p.key, err = argument(kind, key[1:])
	}
	return p, err
}

// argument is the value in a cursor, as an argument of a statement.
func argument(kind Kind, text string) (any, error) {
	switch kind {
	case ID, Int:
		return strconv.ParseInt(text, 10, 64)
	case Float:
		return strconv.ParseFloat(text, 64)
	case Bool:
		return strconv.ParseBool(text)
	case Time:
		return time.Parse(time.RFC3339Nano, text)
	}
	return text, nil
}
