package identity_test

import (
	"testing"

	"github.com/go-jose/go-jose/v4"

	"docket/internal/oidctest"
)

// BenchmarkVerify is what a token costs a request.
func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		b.Run(string(algorithm), func(b *testing.B) {
			s := setup(b)
			key := oidctest.Key(b, algorithm, "bench")
			s.Publish(key)
			v := s.verifier()
			token := oidctest.Sign(b, key, s.Claims(s.clock.Now(), "ada", claims{"roles": []string{"client"}}), nil)
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
