package leaks_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"docket/internal/config"
)

// secretive is a setting that has, or is, a secret.
type secretive struct {
	values func(secret) []string // ways to set it, right and wrong
	args   []string              // what else keeps the server from starting
}

// secretives are the settings that hold a secret, by their names. A server whose
// settings are right otherwise gets as far as its address.
var secretives = map[string]secretive{
	"database":          {values: urls("postgres"), args: nil}, // nobody answers there
	"cursor-secret":     {values: plain, args: []string{"--listen", "localhost:99999"}},
	"database-replicas": {values: urls("postgres"), args: []string{"--database", "postgres://docket@localhost:1/docket?sslmode=disable"}},
	"shared-store":      {values: urls("redis"), args: []string{"--listen", "localhost:99999"}},
}

// harmless are the settings that are text, and are shown when they are wrong.
// A file or folder with a secret in it is named, too, and not what is in it.
var harmless = []string{
	"environment", "listen", "admin", "operation-log", "redirect-from", "trusted-proxies", "rate-store-down",
	"tls-cert", "tls-key", "acme-domain", "acme-cache", "acme-email", "acme-directory",
	"oidc-issuer", "oidc-audience", "oidc-roles-claim", "dev-key",
	"introspection", "trusted-documents", "cors-origins", "hosts", "profiler",
}

// TestSettings knows of each setting that is text, or texts, whether it is secret.
func TestSettings(t *testing.T) {
	t.Parallel()
	var server struct {
		config.Server `embed:""`
	}
	parser, err := kong.New(&server)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, flag := range parser.Model.Flags {
		if numeric(flag.Target.Type()) {
			continue
		}
		found = append(found, flag.Name)
		_, secret := secretives[flag.Name]
		if secret == slices.Contains(harmless, flag.Name) {
			t.Errorf("the setting %s has to be in one of secretives and harmless of settings_test.go", flag.Name)
		}
	}
	for name := range secretives {
		if !slices.Contains(found, name) {
			t.Errorf("there is no setting %s, or it is no text", name)
		}
	}
}

// numeric reports whether values of the type are numbers, durations and so on,
// which are too small for a secret.
func numeric(t reflect.Type) bool {
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Float64
}

// plain are values of a setting that is nothing but the secret.
func plain(s secret) []string {
	return []string{s.String(), s.with(" "), s.with("\n"), s.with("'"), s.with("$")}
}

// urls are values of a setting that is a URL with a password in it, of a server
// that is not there: escaped as it should be and not, in another place, with
// something missing or too much.
func urls(scheme string) func(secret) []string {
	return func(s secret) (values []string) {
		for _, between := range []string{"-", "/", "@", "#", "?", "&", "=", ":", " ", "%", "%zz", "%2F", "[", "]", "\\", "\n", "\x01", `"`, "ä"} {
			values = append(values,
				scheme+"://docket:"+s.with(between)+"@localhost:1/docket?sslmode=disable",
				scheme+"://docket@localhost:1/docket?sslmode=disable&password="+s.with(between),
			)
		}
		return append(values,
			scheme+"://"+s.String()+"@localhost:1/docket?sslmode=disable",
			scheme+"://"+s.String()+"@localhost:1,localhost:2/docket?sslmode=disable",
			scheme+"://docket:"+s.String()+"@localhost:one/docket?sslmode=disable",
			scheme+"://docket:"+s.String()+"@[::1/docket?sslmode=disable",
			scheme+"://docket:"+s.String()+"@localhost:1/docket",
			scheme+"://docket:"+s.String()+"@localhost:1/docket?sslmode=maybe",
			scheme+"://docket:"+s.String()+"@localhost:1/docket?sslmode=verify-full&sslrootcert=/nowhere",
			scheme+"://docket@localhost:1/docket?sslmode=disable&sslpassword="+s.String(),
			scheme+"://docket@localhost:1/docket?sslmode=require&sslinline=true&sslcert="+s.String()+"&sslkey="+s.String(),
			scheme+"://docket@localhost:1/docket?sslmode=disable&passwort="+s.String(),
			scheme+"://localhost:1/docket?sslmode=disable&options=-c%20a="+s.String(),
			scheme+":docket:"+s.String()+"@localhost:1/docket",
			scheme+":/docket:"+s.String()+"@localhost:1/docket",
			"x"+scheme+"://docket:"+s.String()+"@localhost:1/docket?sslmode=disable",
			"docket:"+s.String()+"@localhost:1/docket",
			"host=localhost port=1 sslmode=disable password="+s.String(),
			s.String(),
		)
	}
}

// ways to give a setting: what to add to the variables and to the arguments.
var ways = map[string]func(t *testing.T, name, value string) (variables, args []string){
	"flag": func(_ *testing.T, name, value string) (variables, args []string) {
		return nil, []string{"--" + name + "=" + value}
	},
	"variable": func(_ *testing.T, name, value string) (variables, args []string) {
		return []string{"DOCKET_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "=" + value}, nil
	},
	"file": func(t *testing.T, name, value string) (variables, args []string) {
		t.Helper()
		text, err := json.Marshal(map[string]string{name: value})
		if err != nil {
			t.Fatal(err)
		}
		return nil, []string{"--config", write(t, text)}
	},
}

func write(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
