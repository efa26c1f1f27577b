package deploy_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/lib/pq"

	"docket/internal/address"
	"docket/internal/certtest"
	"docket/internal/database"
	"docket/internal/pgtest"
)

// TestProductionKeepsItsData says what its database has to be.
func TestProductionKeepsItsData(t *testing.T) {
	t.Parallel()
	lacks := func(all resources) (wrong []string) {
		db := all.one(t, "google_sql_database_instance", "name", "docket-production")
		for path, want := range map[string]any{
			"deletion_protection":                                                            true,
			"settings.0.deletion_protection_enabled":                                         true,
			"settings.0.availability_type":                                                   "REGIONAL",
			"settings.0.retain_backups_on_delete":                                            true,
			"settings.0.backup_configuration.0.enabled":                                      true,
			"settings.0.backup_configuration.0.point_in_time_recovery_enabled":               true,
			"settings.0.backup_configuration.0.backup_retention_settings.0.retained_backups": 30.0,
			"settings.0.backup_configuration.0.transaction_log_retention_days":               7.0,
			"settings.0.ip_configuration.0.ipv4_enabled":                                     false,
			"settings.0.ip_configuration.0.authorized_networks":                              []any{},
			"settings.0.ip_configuration.0.ssl_mode":                                         "ENCRYPTED_ONLY",
			"settings.0.ip_configuration.0.private_network":                                  "<google_compute_network docket-production id>",
		} {
			if got := db.at(path); fmt.Sprint(got) != fmt.Sprint(want) {
				wrong = append(wrong, fmt.Sprintf("%s is %v, not %v", path, got, want))
			}
		}
		return wrong
	}
	if wrong := lacks(plannedEnvironment(t, "production")); len(wrong) > 0 {
		t.Error(strings.Join(wrong, "\n"))
	}
	worse, err := planFolder(t, "environment", "production",
		"database.tf", "ipv4_enabled    = false", "ipv4_enabled = true",
		"production.tfvars", "highly_available = true", "highly_available = false",
		"database.tf", "point_in_time_recovery_enabled = true", "point_in_time_recovery_enabled = false")
	if err != nil {
		t.Fatal(err)
	}
	if wrong := lacks(worse); len(wrong) != 3 {
		t.Errorf("of three planted mistakes are seen: %s", wrong)
	}
}

// TestConnectionsSuffice holds Terraform's arithmetic to docket's, where nothing
// is set and where something is.
func TestConnectionsSuffice(t *testing.T) {
	t.Parallel()
	if counts := fmt.Sprintf(`lookup(var.settings, "DOCKET_DATABASE_CONNECTIONS", "%d")`, database.Connections); !strings.Contains(read(t, "gcp/environment/database.tf"), counts) {
		t.Errorf("a server opens %d connections, and Terraform counts others", database.Connections)
	}
	set := func(connections string) error {
		_, err := planFolder(t, "environment", "production", "production.tfvars", "waf_preview ",
			`settings = { DOCKET_DATABASE_CONNECTIONS = "`+connections+"\" }\nwaf_preview ")
		return err
	}
	if err := set("19"); err != nil {
		t.Error(err)
	}
	refused(t, set("20"), "400 is fewer than the 420")
}

// TestSecretsAreManaged looks for secrets in what Terraform shows and keeps.
func TestSecretsAreManaged(t *testing.T) {
	t.Parallel()
	for name, all := range map[string]resources{
		"staging": plannedEnvironment(t, "staging"), "production": replicated(t, 2),
	} {
		known := map[string]bool{}
		for _, secret := range all.of("google_secret_manager_secret") {
			known[fmt.Sprint(secret.at("secret_id"))] = true
		}
		for _, path := range []struct{ kind, containers string }{
			{"google_cloud_run_v2_service", "template.0.containers.0"},
			{"google_cloud_run_v2_job", "template.0.template.0.containers.0"},
		} {
			container := all.of(path.kind)[0]
			variables, _ := container.at(path.containers + ".env").([]any)
			for i := range variables {
				at := fmt.Sprintf("%s.env.%d.", path.containers, i)
				variable := fmt.Sprint(container.at(at + "name"))
				secret := fmt.Sprint(container.at(at + "value_source.0.secret_key_ref.0.secret"))
				switch variable {
				case "DOCKET_DATABASE", "DOCKET_DATABASE_REPLICAS", "DOCKET_CURSOR_SECRET", "DOCKET_SHARED_STORE":
					if !known[secret] || container.at(at+"value") != nil {
						t.Errorf("%s: %s of %s is not from Secret Manager", name, variable, path.kind)
					}
				default:
					if secretive.MatchString(variable) || secret != "<nil>" {
						t.Errorf("%s: %s of %s: is it a secret?", name, variable, path.kind)
					}
				}
			}
		}
		for _, version := range all.of("google_secret_manager_secret_version") {
			if kept := fmt.Sprint(version.at("secret_data")); strings.Contains(kept, "random_password") {
				t.Errorf("%s: the state has %s", name, kept)
			}
		}
		if user := all.of("google_sql_user")[0]; user.at("password") != nil || user.at("password_wo") == nil {
			t.Errorf("%s: the state has the password of the database", name)
		}
		for _, grant := range all.of("google_secret_manager_secret_iam_member") {
			if role, who := grant.at("role"), grant.at("member"); role != "roles/secretmanager.secretAccessor" || who != "<google_service_account docket-"+name+" member>" {
				t.Errorf("%s: %v is for %v", name, role, who)
			}
		}
	}
}

// TestSettingsAreGiven has those of telemetry come to docket, too.
func TestSettingsAreGiven(t *testing.T) {
	t.Parallel()
	want := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://10.10.0.20:4318", "DOCKET_RATE_LIMIT": "70"}
	all, err := planFolder(t, "environment", "production", "production.tfvars", "waf_preview ",
		fmt.Sprintf("settings = { OTEL_EXPORTER_OTLP_ENDPOINT = %q, DOCKET_RATE_LIMIT = %q }\nwaf_preview ", want["OTEL_EXPORTER_OTLP_ENDPOINT"], want["DOCKET_RATE_LIMIT"]))
	if err != nil {
		t.Fatal(err)
	}
	given := plannedVariables(t, all)
	for name, value := range want {
		if given[name] != value {
			t.Errorf("%s is %q, not %q", name, given[name], value)
		}
	}
}

// TestProxiesAreTrusted has a request come as it comes through the load balancer:
// each on the way adds whom it has talked to.
func TestProxiesAreTrusted(t *testing.T) {
	t.Parallel()
	env := plannedVariables(t, plannedEnvironment(t, "production"))
	list := regexp.MustCompile(`<google_compute_global_address \S+-ipv(\d) address>`).ReplaceAllStringFunc(env["DOCKET_TRUSTED_PROXIES"], func(word string) string {
		if strings.Contains(word, "-ipv6 ") {
			return "2001:db8::1"
		}
		return "192.0.2.1"
	})
	proxies, err := address.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ forwarded, want string }{
		"a client":               {"203.0.113.5, 192.0.2.1", "203.0.113.5"},
		"a client by IPv6":       {"2001:db8:5::5, 2001:db8::1", "2001:db8:5::5"},
		"by a front end":         {"203.0.113.5, 192.0.2.1, 35.191.3.4", "203.0.113.5"},
		"who says to be another": {"198.51.100.7, 203.0.113.5, 192.0.2.1", "203.0.113.5"},
		"not through it":         {"198.51.100.7, 10.10.0.9", "10.10.0.9"},
	} {
		r := &http.Request{RemoteAddr: "169.254.169.126:4000", Header: http.Header{"X-Forwarded-For": {tt.forwarded}}}
		if got := proxies.Client(r); got != netip.MustParseAddr(tt.want) {
			t.Errorf("%s: the client of %q is %v, not %s", name, tt.forwarded, got, tt.want)
		}
	}
}

// plannedVariables are what docket serve is given in the environment.
func plannedVariables(t *testing.T, all resources) map[string]string {
	t.Helper()
	service := all.of("google_cloud_run_v2_service")[0]
	given, _ := service.at("template.0.containers.0.env").([]any)
	env := map[string]string{}
	for i := range given {
		at := fmt.Sprintf("template.0.containers.0.env.%d.", i)
		name, value := fmt.Sprint(service.at(at+"name")), service.at(at+"value")
		if secret := service.at(at + "value_source.0.secret_key_ref.0.secret"); secret != nil {
			version := all.one(t, "google_secret_manager_secret_version", "secret", fmt.Sprintf("<google_secret_manager_secret %s id>", secret))
			if value = version.at("secret_data_wo"); value == nil {
				value = version.at("secret_data")
			}
		}
		env[name] = fmt.Sprint(value)
	}
	return env
}

// TestProductionRuns runs what Cloud Run would: the job and the service with the
// variables and arguments that Terraform has for them, on a PostgreSQL whose name
// nobody resolves and whose certificate is of an authority of its own, like that
// of Cloud SQL. It is then asked what the smoke test, the probes and the uptime
// check ask. Its replica is the same server: that each has a URL of its own is
// tested with the plan.
func TestProductionRuns(t *testing.T) {
	t.Parallel()
	all := replicated(t, 1)
	service := all.of("google_cloud_run_v2_service")[0]
	job := all.of("google_cloud_run_v2_job")[0]

	const name = "0123456789ab.fedcba987654.europe-west1.sql-psa.example"
	authority := certtest.New(t)
	cert, key := authority.Issue(t, name)
	postgres, port := pgtest.NewSecure(t, cert, key)
	admin, err := sql.Open("postgres", postgres.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	for _, statement := range []string{"CREATE ROLE docket LOGIN SUPERUSER", "CREATE DATABASE docket"} {
		if _, err := admin.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}

	i := newImage(t)
	mount := fmt.Sprint(service.at("template.0.containers.0.volume_mounts.0.mount_path"))
	file := filepath.Join(mount, fmt.Sprint(service.at("template.0.volumes.0.secret.0.items.0.path")))
	inRoot := filepath.Join(i.root, file)
	if err := os.MkdirAll(filepath.Dir(inRoot), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inRoot, authority.PEM, 0o644); err != nil {
		t.Fatal(err)
	}
	told := func(host string) []string { // what the cloud would have told
		var env []string
		for name, value := range plannedVariables(t, all) {
			value = strings.NewReplacer(
				"<ephemeral.random_password - result>", "0123456789abcdefghij0123456789abcdefghij",
				"<google_sql_database_instance docket-production dns_names.name>", host+":"+port,
				"<google_sql_database_instance docket-production private_ip_address>", "127.0.0.1",
				"<google_sql_database_instance docket-production-replica-0 dns_names.name>", host+":"+port,
				"<google_sql_database_instance docket-production-replica-0 private_ip_address>", "127.0.0.1",
				"<google_redis_instance docket-production-shared-store auth_string>", "secret",
				"<google_redis_instance docket-production-shared-store host>", "127.0.0.1",
				"<google_compute_global_address docket-production-ipv4 address>", "192.0.2.1",
				"<google_compute_global_address docket-production-ipv6 address>", "2001:db8::1",
			).Replace(value)
			if strings.Contains(value, "<") {
				t.Errorf("%s has what the test does not know of: %s", name, value)
			}
			if name == "DOCKET_LISTEN" {
				value = "127.0.0.1:0" // others may have its port
			}
			if !i.chroot {
				value = strings.ReplaceAll(value, file, inRoot)
			}
			env = append(env, name+"="+value)
		}
		return env
	}
	if out, err := i.Run(t, told("other.example"), "migrate", "apply"); err == nil || !strings.Contains(out, "x509") {
		t.Errorf("another server is taken for the database: %v %s", err, out)
	}
	env := told(name)
	if out, err := i.Run(t, env, texts(job.at("template.0.template.0.containers.0.args"))...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	replica := slices.IndexFunc(env, func(variable string) bool { return strings.HasPrefix(variable, "DOCKET_DATABASE_REPLICAS=") })
	if replica < 0 {
		t.Fatal("docket is not told of its replica")
	}
	asDatabase := strings.Replace(env[replica], "_REPLICAS=", "=", 1) // is connected to, which a server does not wait for
	if out, err := i.Run(t, append(slices.Clone(env), asDatabase), "migrate", "status"); err != nil {
		t.Errorf("the replica's URL: %v\n%s", err, out)
	}
	if args := texts(service.at("template.0.containers.0.args")); !slices.Equal(args, []string{"serve"}) {
		t.Fatalf("the service runs %s", args)
	}
	s := i.Serve(t, env)
	unknown := unknownSettings(t, composed(append(env, "DOCKET_LISTENN=")))
	if !slices.Equal(unknown, []string{"DOCKET_LISTENN"}) {
		t.Errorf("docket does not know %s", unknown)
	}

	for _, probe := range []string{"startup_probe", "liveness_probe"} {
		path := service.at("template.0.containers.0." + probe + ".0.http_get.0.path")
		if status, _ := requested(t, "http://"+s.Address+fmt.Sprint(path), ""); status != http.StatusOK {
			t.Errorf("the %s at %s is answered %d", probe, path, status)
		}
	}
	checksUptime(t, all, s.Address)
	smokes(t, s.Address)
}

func texts(value any) (all []string) {
	list, _ := value.([]any)
	for _, each := range list {
		all = append(all, fmt.Sprint(each))
	}
	return all
}

// composed is a service of compose.yml with that environment.
func composed(env []string) service {
	s := service{Command: []string{"serve"}, Environment: map[string]string{}}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		s.Environment[name] = value
	}
	return s
}

// smokes runs the smoke test against a server that is well, and what is not.
func smokes(t *testing.T, address string) {
	t.Helper()
	smoke := func(url string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "gcp/smoke", url).CombinedOutput()
		return string(out), err
	}
	if out, err := smoke("http://" + address); err != nil || strings.Count(out, ": ok\n") != 3 {
		t.Errorf("a server that is well: %v\n%s", err, out)
	}
	if out, err := smoke("http://localhost:1"); err == nil || !strings.Contains(out, "answers: want 200") {
		t.Errorf("a server that is not there passes: %v\n%s", err, out)
	}
	// One that checks nobody.
	i := newImage(t)
	open := i.Serve(t, []string{"DOCKET_DATABASE=" + i.Database, "DOCKET_LISTEN=127.0.0.1:0"})
	if out, err := smoke("http://" + open.Address); err == nil || !strings.Contains(out, "refuses a bad token: want 401") {
		t.Errorf("a server that checks nobody passes: %v\n%s", err, out)
	}
}
