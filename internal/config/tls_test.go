package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/config"
)

// files and acme are settings of which nothing is wrong.
func files() config.TLS {
	return config.TLS{TLSCert: "cert.pem", TLSKey: "key.pem", ACMEDirectory: config.LetsEncrypt, HSTS: time.Hour}
}

func acme() config.TLS {
	return config.TLS{ACMEDomain: "docket.example.org", ACMECache: "acme", ACMEAcceptTerms: true, ACMEDirectory: config.LetsEncrypt, HSTS: time.Hour}
}

func TestValidateTLS(t *testing.T) {
	t.Parallel()
	none := func() config.TLS { return config.TLS{ACMEDirectory: config.LetsEncrypt} }
	tests := map[string]struct {
		from   func() config.TLS
		change func(*config.TLS)
		wrong  string // what the error begins with; empty where there is none
	}{
		"nothing":            {none, func(*config.TLS) {}, ""},
		"files":              {files, func(*config.TLS) {}, ""},
		"ACME":               {acme, func(*config.TLS) {}, ""},
		"files and redirect": {files, func(s *config.TLS) { s.RedirectFrom, s.RedirectPort = ":80", 443 }, ""},
		"ACME and redirect":  {acme, func(s *config.TLS) { s.RedirectFrom = "0.0.0.0:80" }, ""},

		"no key":                  {files, func(s *config.TLS) { s.TLSKey = "" }, "tls-cert, tls-key: "},
		"no certificate":          {files, func(s *config.TLS) { s.TLSCert = "" }, "tls-cert, tls-key: "},
		"both kinds":              {files, func(s *config.TLS) { s.ACMEDomain = "example.org" }, "acme-domain: the certificate is that of tls-cert"},
		"files and a cache":       {files, func(s *config.TLS) { s.ACMECache = "acme" }, "acme-domain: must be given"},
		"a cache alone":           {none, func(s *config.TLS) { s.ACMECache = "acme" }, "acme-domain: must be given"},
		"terms alone":             {none, func(s *config.TLS) { s.ACMEAcceptTerms = true }, "acme-domain: must be given"},
		"an address alone":        {none, func(s *config.TLS) { s.ACMEEmail = "a@example.org" }, "acme-domain: must be given"},
		"an authority alone":      {none, func(s *config.TLS) { s.ACMEDirectory = "https://ca/" }, "acme-domain: must be given"},
		"no cache":                {acme, func(s *config.TLS) { s.ACMECache = "" }, "acme-cache: must name"},
		"no terms":                {acme, func(s *config.TLS) { s.ACMEAcceptTerms = false }, "acme-accept-terms: https://acme-v02."},
		"plain ACME":              {acme, func(s *config.TLS) { s.ACMEDirectory = "http://ca.example.org/" }, "acme-directory: "},
		"no authority":            {acme, func(s *config.TLS) { s.ACMEDirectory = "" }, "acme-directory: "},
		"an authority of no host": {acme, func(s *config.TLS) { s.ACMEDirectory = "https:///directory" }, "acme-directory: "},

		"redirect to nothing":   {none, func(s *config.TLS) { s.RedirectFrom = ":80" }, "redirect-from: there is no HTTPS"},
		"redirect from nowhere": {files, func(s *config.TLS) { s.RedirectFrom = "80" }, `redirect-from: "80" is not HOST:PORT`},
		"redirect from no port": {files, func(s *config.TLS) { s.RedirectFrom = ":http" }, `redirect-from: "http" is not a port`},
		"a port alone":          {files, func(s *config.TLS) { s.RedirectPort = 443 }, "redirect-port: nothing is redirected"},
		"a port too high":       {files, func(s *config.TLS) { s.RedirectFrom, s.RedirectPort = ":80", 65536 }, "redirect-port: 65536 is not"},
		"a port below zero":     {files, func(s *config.TLS) { s.RedirectFrom, s.RedirectPort = ":80", -1 }, "redirect-port: -1 is not"},
		"no HSTS":               {files, func(s *config.TLS) { s.HSTS = 0 }, ""},
		"two years of HSTS":     {files, func(s *config.TLS) { s.HSTS = 17520 * time.Hour }, ""},
		"a negative HSTS":       {files, func(s *config.TLS) { s.HSTS = -time.Second }, "hsts: -1s is not between"},
		"more HSTS":             {files, func(s *config.TLS) { s.HSTS = 17521 * time.Hour }, "hsts: 17521h0m0s is not between"},
		"half a second's HSTS":  {files, func(s *config.TLS) { s.HSTS = time.Second / 2 }, "hsts: 500ms is not between"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := valid()
			s.TLS = tt.from()
			tt.change(&s.TLS)
			err := s.Validate()
			if (err == nil) != (tt.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), tt.wrong) {
				t.Errorf("got %v, want %q", err, tt.wrong)
			}
		})
	}
}

// What an authority would refuse, or nobody could prove, is not asked for.
func TestValidateDomains(t *testing.T) {
	t.Parallel()
	for names, accepted := range map[string]bool{
		"example.org": true, "a.b.example.org": true, "example.org,www.example.org": true, "xn--bcher-kva.example": true, "1.example.org": true,
		"*.example.org": false, "localhost": false, "192.0.2.1": false, "::1": false, "Example.org": false, "bücher.example": false, "example.org.": false,
		"example.org, www.example.org": false, "example.org,": false, ",": false, "a..b": false, "-a.example.org": false, "a_b.example.org": false,
		"example.org:443": false, "https://example.org": false, "example.org/": false, strings.Repeat("a", 64) + ".org": false,
		strings.Repeat("a.", 126) + "org": false, "example.org\nevil.org": false,
	} {
		s := valid()
		s.TLS = acme()
		s.ACMEDomain = names
		err := s.Validate()
		if accepted != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), "acme-domain: ") {
			t.Errorf("%q: %v, want it accepted: %v", names, err, accepted)
		}
	}
	if got := (config.TLS{ACMEDomain: "b.org,a.org"}).Domains(); !slices.Equal(got, []string{"b.org", "a.org"}) {
		t.Errorf("the domains are %q", got)
	}
}

// Where others depend on a server, PostgreSQL proves who it is.
func TestValidateDatabaseProof(t *testing.T) {
	t.Parallel()
	const plain, verified, here = "postgres://db/docket?sslmode=require", "postgres://db/docket?sslmode=verify-full", "postgres:///docket?host=/run/postgresql&sslmode=disable"
	for _, environment := range []config.Environment{config.Local, config.Development, config.Staging, config.Production} {
		for _, url := range []string{plain, verified, here} {
			for _, unverified := range []bool{false, true} {
				s := valid()
				s.Insecure = true // about another proof
				s.Environment, s.CursorSecret, s.Database, s.DatabaseUnverified = environment, "sixteen bytes, no fewer", url, unverified
				err := s.Validate()
				if refused := environment.Deployed() && url == plain && !unverified; refused != (err != nil) {
					t.Errorf("%s, %s, unverified %v: %v", environment, url, unverified, err)
				}
				if err != nil {
					for _, says := range []string{"database: ", "sslmode=verify-full", "sslrootcert=", "--database-unverified"} {
						if !strings.Contains(err.Error(), says) {
							t.Errorf("%q does not say %s", err, says)
						}
					}
				}
			}
		}
	}
}

// They exclude the settings of ACME, which are tested with all others.
func TestFilesFromEverywhere(t *testing.T) {
	for place, get := range map[string]func() (config.Server, error){
		"flags": func() (config.Server, error) { return parse(t, "", "--tls-cert=c", "--tls-key=k") },
		"file":  func() (config.Server, error) { return parse(t, `{"tls-cert": "c", "tls-key": "k"}`) },
		"variables": func() (config.Server, error) {
			t.Setenv("DOCKET_TLS_CERT", "c")
			t.Setenv("DOCKET_TLS_KEY", "k")
			return parse(t, "")
		},
	} {
		if got, err := get(); err != nil || got.TLSCert != "c" || got.TLSKey != "k" || !got.Secure() {
			t.Errorf("%s: %+v, %v", place, got.TLS, err)
		}
	}
}
