package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"docket/internal/viewer"
)

// Development is both issuer and audience of the tokens that docket makes. No
// provider has this name: an issuer is a URL.
const Development = "docket-dev"

const developmentRoles = "roles" // the claim

// DevelopmentKey signs tokens for a server that only this machine can reach.
type DevelopmentKey ed25519.PrivateKey

// DevelopmentFile is where the key is kept, if nothing else is said.
func DevelopmentFile() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "docket", "dev-tokens.pem"), err
}

// ReadDevelopmentKey reads the key in a file that its owner alone may read.
func ReadDevelopmentKey(path string) (DevelopmentKey, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: others may use it (mode %04o); remove it, and a server makes another", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, 4096))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: is no key", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s: is no Ed25519 key", path)
	}
	return DevelopmentKey(key), nil
}

// MakeDevelopmentKey reads the key in the file, and makes it where there is none.
func MakeDevelopmentKey(path string) (DevelopmentKey, error) {
	key, err := ReadDevelopmentKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	_, made, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(dir, ".dev-tokens-*") // with mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	err = pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	// Whole at once, and whoever was first wins: two servers may start together.
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return ReadDevelopmentKey(path)
}

// Sign makes a token about the viewer, good from now on for as long as is said.
func (k DevelopmentKey) Sign(who viewer.Viewer, now time.Time, ttl time.Duration) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: ed25519.PrivateKey(k)}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	claims := map[string]any{developmentRoles: who.Roles}
	for name, value := range map[string]string{"given_name": who.GivenName, "family_name": who.FamilyName} {
		if value != "" {
			claims[name] = value
		}
	}
	return jwt.Signed(signer).Claims(claims).Claims(jwt.Claims{
		Issuer: Development, Audience: jwt.Audience{Development}, Subject: who.Subject,
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(ttl)),
	}).Serialize()
}

// Verifier verifies tokens that the key signed, where only this machine can send
// them.
func (k DevelopmentKey) Verifier(clock func() time.Time) *Verifier {
	return &Verifier{Issuer: Development, Audience: Development, RolesClaim: developmentRoles, Keys: k, Clock: clock, Loopback: true}
}

// Keys returns the public half, which tokens do not name.
func (k DevelopmentKey) Keys(context.Context, string, string) ([]jose.JSONWebKey, error) {
	return []jose.JSONWebKey{{Key: ed25519.PrivateKey(k).Public()}}, nil
}
