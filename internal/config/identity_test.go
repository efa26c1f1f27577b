package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"docket/internal/config"
)

func TestValidateIdentity(t *testing.T) {
	t.Parallel()
	issuer := func(url string) func(*config.Server) {
		return func(s *config.Server) { s.OIDCIssuer = url }
	}
	tests := map[string]struct {
		change func(*config.Server)
		wrong  string // what the error begins with; empty where there is none
	}{
		"a provider":                 {func(*config.Server) {}, ""},
		"with a path":                {issuer("https://id.example.org/realms/a/"), ""},
		"on this machine":            {issuer("http://localhost:4899"), ""},
		"on this machine, by number": {issuer("http://127.0.0.1:4899"), ""},
		"on this machine, IPv6":      {issuer("http://[::1]:4899"), ""},
		"insecure, too":              {func(s *config.Server) { s.Insecure = true }, ""},
		"no leeway":                  {func(s *config.Server) { s.OIDCLeeway = 0 }, ""},

		"in the clear":        {issuer("http://id.example.org"), "oidc-issuer: must be an https URL"},
		"nearly this machine": {issuer("http://localhost.example.org"), "oidc-issuer: must be an https URL"},
		"this machine's user": {issuer("http://localhost@example.org"), "oidc-issuer: must be an https URL"},
		"no URL":              {issuer("id.example.org"), "oidc-issuer: must be an https URL"},
		"no host":             {issuer("https:///realms"), "oidc-issuer: must be an https URL"},
		"a file":              {issuer("file:///etc/passwd"), "oidc-issuer: must be an https URL"},
		"docket's own":        {issuer("docket-dev"), "oidc-issuer: must be an https URL"},
		"not even text":       {issuer("https://\x7f"), "oidc-issuer: must be an https URL"},
		"a password":          {issuer("https://a:s3cr3t@id.example.org"), "oidc-issuer: must have no user"},
		"a query":             {issuer("https://id.example.org?a=b"), "oidc-issuer: must have no user, query"},
		"an empty query":      {issuer("https://id.example.org?"), "oidc-issuer: must have no user, query"},
		"a fragment":          {issuer("https://id.example.org#a"), "oidc-issuer: must have no user, query or fragment"},
		"no audience":         {func(s *config.Server) { s.OIDCAudience = "" }, "oidc-audience: must be given"},
		"an audience only":    {issuer(""), "oidc-audience: needs an oidc-issuer"},
		"first logins":        {func(s *config.Server) { s.FirstLogin = true }, ""},
		"nobody to log in":    {func(s *config.Server) { s.OIDCIssuer, s.OIDCAudience, s.FirstLogin = "", "", true }, "first-login: needs an oidc-issuer"},
		"no claim":            {func(s *config.Server) { s.OIDCRolesClaim = "" }, "oidc-roles-claim: must be given"},
		"a negative leeway":   {func(s *config.Server) { s.OIDCLeeway = -1 }, "oidc-leeway: -1ns is not"},
		"an hour's leeway":    {func(s *config.Server) { s.OIDCLeeway = time.Hour }, "oidc-leeway: 1h0m0s is not"},
		"two ways":            {func(s *config.Server) { s.DevTokens = true }, "dev-tokens: not beside"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := valid()
			s.OIDCIssuer, s.OIDCAudience = "https://id.example.org", "docket"
			tt.change(&s)
			err := s.Validate()
			if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.wrong)) {
				t.Errorf("got %v, want %q", err, tt.wrong)
			}
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%q gives the password away", err)
			}
		})
	}
}

// A key that lies on a developer's disk opens nothing that others can reach, and
// nothing that others depend on; whatever else is said.
func TestDevelopmentTokensStayHere(t *testing.T) {
	t.Parallel()
	for _, environment := range []config.Environment{config.Local, config.Development, config.Staging, config.Production} {
		for listen, here := range map[string]bool{
			"localhost:80": true, "127.0.0.1:80": true, "[::1]:80": true,
			":80": false, "0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "example.org:80": false,
		} {
			for _, insecure := range []bool{false, true} {
				s := valid()
				s.Environment, s.Listen, s.Insecure, s.DevTokens = environment, listen, insecure, true
				s.Database, s.CursorSecret = "sqlite:///var/lib/docket.db", "sixteen bytes, no fewer"
				err := s.Validate()
				if may := here && !environment.Deployed(); may != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), "dev-tokens: ") {
					t.Errorf("%s, %s, insecure %v: got %v, want it accepted: %v", environment, listen, insecure, err, may)
				}
			}
		}
	}
}

func TestIdentityEverywhere(t *testing.T) {
	tests := map[string]struct {
		file string
		want config.Identity
	}{
		"oidc": {
			`{"oidc-issuer": "https://id.example.org", "oidc-audience": "docket", "oidc-roles-claim": "realm_access.roles", "oidc-leeway": "1m0s"}`,
			config.Identity{OIDCIssuer: "https://id.example.org", OIDCAudience: "docket", OIDCRolesClaim: "realm_access.roles", OIDCLeeway: time.Minute},
		},
		"development": {
			`{"dev-tokens": true, "dev-key": "dev.pem"}`,
			config.Identity{OIDCRolesClaim: "roles", OIDCLeeway: 30 * time.Second, DevTokens: true, DevKey: "dev.pem"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var settings map[string]any
			must(t, json.Unmarshal([]byte(tt.file), &settings))
			var flags []string
			for name, value := range settings {
				flags = append(flags, fmt.Sprintf("--%s=%v", name, value))
			}
			byFile, err := parse(t, tt.file)
			must(t, err)
			byFlag, err := parse(t, "", flags...)
			must(t, err)
			for name, value := range settings {
				t.Setenv("DOCKET_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")), fmt.Sprint(value))
			}
			byVariable, err := parse(t, "")
			must(t, err)
			if byFile.Identity != tt.want || byFlag.Identity != tt.want || byVariable.Identity != tt.want {
				t.Errorf("file %+v, flags %+v, variables %+v, want %+v", byFile.Identity, byFlag.Identity, byVariable.Identity, tt.want)
			}
		})
	}
}
