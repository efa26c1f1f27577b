package identity_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"docket/internal/identity"
	"docket/internal/oidctest"
	"docket/internal/viewer"
)

// What is told about a token that is refused.
const (
	noJWT        = "The token is not a signed JWT."
	algorithm    = "The token is not signed with an algorithm that is accepted here."
	critical     = "The token has critical headers that are not understood here."
	unreadable   = "The token's claims cannot be read."
	foreignKey   = "The token is signed with a key that is not the provider's."
	badSignature = "The token's signature is wrong."
	expired      = "The token has expired."
	expiry       = "The token does not say when it expires."
	issuer       = "The token is from another issuer."
	audience     = "The token is for another audience."
	subject      = "The token does not say whom it is about, in 1 to 255 printable bytes."
	tooLong      = "The token is longer than 8192 bytes."
	bound        = "The token is bound to a key: it is no bearer token."
	oneHeader    = "Send one header Authorization: Bearer TOKEN."
)

// plain is a token of these parts, unsigned or signed elsewhere.
func plain(header, payload, signature string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode([]byte(signature))
}

func text(t testing.TB, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	must(t, err)
	return string(body)
}

// TestAttacks sends tokens that somebody made who may not.
func TestAttacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	public := oidctest.Key(t, jose.RS256, "rsa")
	encryption := oidctest.Key(t, jose.ES256, "encryption")
	encryption.Use = "enc"
	wrap := oidctest.Key(t, jose.ES256, "wrap")
	stranger := oidctest.Key(t, jose.ES256, "one") // the same id
	p384 := oidctest.Key(t, jose.ES384, "p384")
	p384.Algorithm = ""
	private, weak := oidctest.Key(t, jose.EdDSA, "private"), weakKey(t)
	set := []any{b.key.Public(), public.Public(), encryption.Public(), withOperations(t, wrap.Public(), "wrapKey"), p384.Public(), private, weak.Public()}
	set = append(set, claims{"kty": "oct", "kid": "secret", "k": base64.RawURLEncoding.EncodeToString([]byte(secret)), "alg": "HS256"})
	b.PublishAs(claims{"keys": set})
	good := b.Claims(b.clock.Now(), "ada", claims{"roles": "admin"})
	with := func(changes claims) string { return b.token(t, changes) }
	signed := func(key jose.JSONWebKey, headers claims) string { return oidctest.Sign(t, key, good, headers) }
	valid := with(nil)
	part := strings.Split(valid, ".")
	before := func(claim string) string { return "{" + claim + "," + text(t, good)[1:] }

	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a token made us ask somebody else for keys")
	}))
	t.Cleanup(elsewhere.Close)

	tests := map[string]struct{ token, wrong string }{
		"no algorithm":             {plain(`{"alg":"none","typ":"JWT"}`, text(t, good), ""), algorithm},
		"no algorithm, otherwise":  {plain(`{"alg":"nOnE","kid":"one"}`, text(t, good), ""), algorithm},
		"no alg":                   {plain(`{"kid":"one"}`, text(t, good), "signature"), algorithm},
		"an empty signature":       {part[0] + "." + part[1] + ".", badSignature},
		"HS256 with the public":    {signed(confused(t, public), nil), algorithm},
		"HS256 with what is there": {signed(jose.JSONWebKey{Algorithm: "HS256", KeyID: "secret", Key: []byte(secret)}, nil), algorithm},
		"another signature":        {wronglySigned(valid), badSignature},
		"another payload":          {part[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(text(t, good))) + "." + part[2], badSignature},
		"another header":           {strings.Split(signed(b.key, claims{"a": "b"}), ".")[0] + "." + part[1] + "." + part[2], badSignature},
		"a stranger's key":         {signed(stranger, nil), badSignature},
		"an unknown key":           {signed(oidctest.Key(t, jose.ES256, "unknown"), nil), foreignKey},
		"no kid, many keys":        {signed(oidctest.Key(t, jose.ES256, ""), nil), foreignKey},
		"a kid that is SQL":        {signed(stranger, claims{"kid": "' OR 1=1 --"}), foreignKey},
		"a kid that is a path":     {signed(stranger, claims{"kid": "../../dev/null"}), foreignKey},
		"a kid that is no text":    {signed(stranger, claims{"kid": []string{"one"}}), noJWT},
		"a private key":            {signed(private, nil), foreignKey},
		"a short key":              {signed(weak, nil), foreignKey},
		"a key for encryption":     {signed(encryption, nil), foreignKey},
		"a key for wrapping":       {signed(wrap, nil), foreignKey},
		"a curve that is another":  {plain(`{"alg":"ES256","kid":"p384"}`, text(t, good), strings.Repeat("s", 64)), badSignature},
		"RSA's key for a curve":    {plain(`{"alg":"ES256","kid":"rsa"}`, text(t, good), strings.Repeat("s", 64)), foreignKey},
		"PS256 for RS256":          {plain(`{"alg":"PS256","kid":"rsa"}`, text(t, good), strings.Repeat("s", 256)), foreignKey},

		"a key of its own":         {signed(stranger, claims{"jwk": stranger.Public()}), badSignature},
		"a private one of its own": {signed(stranger, claims{"jwk": stranger}), noJWT},
		"keys elsewhere":           {signed(stranger, claims{"jku": elsewhere.URL}), badSignature},
		"certificates elsewhere":   {signed(stranger, claims{"x5u": elsewhere.URL}), badSignature},
		"keys elsewhere, unknown":  {signed(stranger, claims{"jku": elsewhere.URL, "x5u": elsewhere.URL, "kid": "new"}), foreignKey},
		"certificates that are no": {signed(stranger, claims{"x5c": []string{"AAAA"}}), noJWT},
		"something critical":       {signed(b.key, claims{"crit": []string{"exp"}, "exp": 1}), critical},
		"critical and known":       {signed(b.key, claims{"crit": []string{"b64"}, "b64": true}), critical},
		"nothing critical":         {signed(b.key, claims{"crit": []string{}}), critical},

		"expired":               {with(claims{"exp": b.clock.Now().Add(-time.Hour).Unix()}), expired},
		"never expires":         {with(claims{"exp": nil}), expiry},
		"an exp of text":        {with(claims{"exp": "9999999999"}), unreadable},
		"an exp beyond time":    {with(claims{"exp": 1e300}), unreadable},
		"an exp of null":        {oidctest.Sign(t, b.key, strings.Replace(text(t, good), `"exp":`, `"exp":null,"x":`, 1), nil), expiry},
		"not yet valid":         {with(claims{"nbf": b.clock.Now().Add(time.Hour).Unix()}), "The token is not valid yet."},
		"another issuer":        {with(claims{"iss": "https://id.example.org"}), issuer},
		"a longer issuer":       {with(claims{"iss": b.URL + "/"}), issuer},
		"no issuer":             {with(claims{"iss": nil}), issuer},
		"docket's own issuer":   {with(claims{"iss": identity.Development, "aud": identity.Development}), issuer},
		"another audience":      {with(claims{"aud": "another"}), audience},
		"other audiences":       {with(claims{"aud": []string{"a", "Docket", "docket "}}), audience},
		"no audience":           {with(claims{"aud": nil}), audience},
		"an audience in a list": {with(claims{"aud": []any{[]string{"docket"}}}), unreadable},
		"no subject":            {with(claims{"sub": nil}), subject},
		"an empty subject":      {with(claims{"sub": ""}), subject},
		"a subject too long":    {with(claims{"sub": strings.Repeat("s", 256)}), subject},
		"a subject of 1 MB":     {with(claims{"sub": strings.Repeat("s", 1<<20)}), "431"},
		"a number for one":      {with(claims{"sub": 5}), unreadable},
		"a subject with NUL":    {with(claims{"sub": "ada\x00"}), subject},
		"a subject with breaks": {with(claims{"sub": "ada\nadmin"}), subject},
		"no text at all":        {oidctest.Sign(t, b.key, strings.Replace(text(t, good), `"ada"`, "\"\xff\"", 1), nil), subject},
		"bound to a key":        {with(claims{"cnf": claims{"jkt": "thumb"}}), bound},
		"sub twice":             {oidctest.Sign(t, b.key, before(`"sub":"eve"`), nil), unreadable},
		"roles twice":           {oidctest.Sign(t, b.key, before(`"roles":"admin"`), nil), unreadable},
		"exp twice, escaped":    {oidctest.Sign(t, b.key, before(`"\u0065xp":9999999999`), nil), unreadable},
		"alg twice":             {plain(`{"alg":"none","alg":"ES256","kid":"one"}`, text(t, good), "signature"), noJWT},
		"a list of claims":      {oidctest.Sign(t, b.key, "["+text(t, good)+"]", nil), unreadable},
		"null":                  {oidctest.Sign(t, b.key, "null", nil), issuer},
		"no claims":             {oidctest.Sign(t, b.key, "", nil), unreadable},
		"two objects":           {oidctest.Sign(t, b.key, text(t, good)+text(t, good), nil), unreadable},
		"a hole in the ground":  {oidctest.Sign(t, b.key, strings.Repeat("[", 5000), nil), unreadable},

		"nothing":               {"", noJWT},
		"dots":                  {"..", algorithm},
		"many dots":             {strings.Repeat(".", 5000), noJWT},
		"one part":              {part[0], noJWT},
		"two parts":             {part[0] + "." + part[1], noJWT},
		"four parts":            {valid + ".a", noJWT},
		"five, as if encrypted": {valid + ".a.b", noJWT},
		"cut short":             {valid[:len(valid)-2], badSignature},
		"cut shorter":           {valid[:len(valid)/2], noJWT},
		"padded":                {valid + "==", noJWT},
		"other base64":          {"+/" + valid, noJWT},
		"as JSON":               {`{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`, noJWT},
		"not UTF-8":             {"\xff\xfe", noJWT},
		"a token in a token":    {"Bearer " + valid, noJWT},
		"two tokens":            {valid + ", Bearer " + valid, noJWT},
		"8 KiB and a byte":      {strings.Repeat("a", 8193), tooLong},
		"a long good one":       {with(claims{"more": strings.Repeat("m", 8000)}), tooLong},
		"1 MB":                  {strings.Repeat("a", 1<<20), tooLong},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, b.url, "Bearer "+tt.token)
			if tt.wrong == "431" { // so much is not even read
				if a.status != http.StatusRequestHeaderFieldsTooLarge {
					t.Errorf("got %d %s", a.status, a.body)
				}
				return
			}
			a.refused(t, tt.wrong)
		})
	}
}

const secret = "a secret of as many bytes as this"

// confused is a public key as the secret that some take it for.
func confused(t *testing.T, key jose.JSONWebKey) jose.JSONWebKey {
	t.Helper()
	public := key.Public()
	der, err := x509.MarshalPKIXPublicKey(public.Key)
	must(t, err)
	return jose.JSONWebKey{Algorithm: "HS256", KeyID: key.KeyID, Key: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
}

// withOperations is the key with key_ops.
func withOperations(t *testing.T, key jose.JSONWebKey, operations ...string) any {
	t.Helper()
	key.Use = ""
	var members claims
	must(t, json.Unmarshal([]byte(text(t, key)), &members))
	members["key_ops"] = operations
	return members
}

// weakKey is an RSA key of 1024 bits.
func weakKey(t *testing.T) jose.JSONWebKey {
	t.Helper()
	const weak = `-----BEGIN PRIVATE KEY-----
MIICeQIBADANBgkqhkiG9w0BAQEFAASCAmMwggJfAgEAAoGBAPoL0OqBVVGB0yjN
QEBBuTXct0gSNPDHx/n4uSOIBH3Z16gjS+/6Z8J0CKpI96+uZ+LLZppt+LH9XjiH
N7hrySPx2c1cySNg11R0nEnQI/Dx14j6MiUhFjoG+LPEh2i/MsW3QMHEj9pARkK7
Fg7P0kPTDrC/1VwAxuA6pWF4Wq83AgMBAAECgYEAwC7CxOrg64OQC4UuA/U/6BEb
Ya50uDelERDFI3UQlrYPVfDDFdBtXXyXiGIK1SGEQUE6PCmYAx2NBH+RKRLXBV+a
3mrqIqUCtgl3dTr5M1we6nC5BPddali9ragerp17J6v4ZBHcDt1nLFluoTtvxUEJ
iEUlRKIKvPSdK8CY0/ECQQD9Y/YnYwUX7VgrQE7XpBqaJo5XSt18fxS6ptcAWy0g
9HxiSPidEojOGcfMYWZR2MFogYAyclN0McozbegUGbbPAkEA/J8JnvSKoibxNhrl
6Z8OW5+lRV3chYU7alshZLsSbOPux7Xfk3eaGuptTHVzkeMVNstpGsSw0noqSM7e
X3AbGQJBALIG8mIX2vNFqUWyB/LP9HTLlARWsCiRLKI7KCGy7ZES1PVE6Y+J/x42
1L6OzBHDJZfkLIrE8kdX2AWsOXst2dcCQQDs1SjO5hIGfR3MjKEZSe3LBjuKcbmp
T8PpLPB8oElg3rvgbWjittE6BKdddAtaLRuZWE/8MYRYfwGfapndvZsZAkEAlDn7
qitfWhSwZCT2suV1RsakyMZnBuM3P5cG3mNwezSJZIs6tpei7TCTN4C+wE6OQkGo
mL6X3ZlWdT1ppZ3WbQ==
-----END PRIVATE KEY-----`
	block, _ := pem.Decode([]byte(weak))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	return jose.JSONWebKey{Algorithm: "RS256", KeyID: "weak", Key: key.(*rsa.PrivateKey)}
}

// A header is read one way only.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.token(t, nil)
	ada := viewer.Viewer{Subject: "ada"}
	for name, tt := range map[string]struct {
		headers []string
		wrong   string
	}{
		"as it should be":      {[]string{"Bearer " + token}, ""},
		"in other letters":     {[]string{"bEARER " + token}, ""},
		"with spaces":          {[]string{"Bearer   " + token + " "}, ""},
		"twice":                {[]string{"Bearer " + token, "Bearer " + token}, oneHeader},
		"twice, one is bad":    {[]string{"Bearer x", "Bearer " + token}, oneHeader},
		"twice, one is empty":  {[]string{"", "Bearer " + token}, oneHeader},
		"empty":                {[]string{""}, oneHeader},
		"no scheme":            {[]string{token}, oneHeader},
		"no token":             {[]string{"Bearer"}, noJWT},
		"no token but a space": {[]string{"Bearer "}, noJWT},
		"a tab":                {[]string{"Bearer\t" + token}, oneHeader},
		"another scheme":       {[]string{"Basic YWRhOnMzY3IzdA=="}, oneHeader},
		"a longer scheme":      {[]string{"BearerX " + token}, oneHeader},
		"DPoP":                 {[]string{"DPoP " + token}, oneHeader},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, b.url, tt.headers...)
			if tt.wrong == "" {
				a.is(t, ada)
			} else {
				a.refused(t, tt.wrong)
			}
		})
	}
}

// What is refused is told in the form that was asked for.
func TestMediaTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for accept, want := range map[string]string{
		"": "application/json; charset=utf-8", "*/*": "application/json; charset=utf-8", "application/json": "application/json; charset=utf-8",
		"application/graphql-response+json, application/json;q=0.9": "application/graphql-response+json; charset=utf-8",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url, nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Accept", accept)
		a := do(t, r)
		a.refused(t, noJWT)
		if got := a.header.Get("Content-Type"); got != want {
			t.Errorf("%s: got %s, want %s", accept, got, want)
		}
	}
}
