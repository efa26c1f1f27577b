package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// replicated is production with so many replicas.
func replicated(t *testing.T, replicas int) resources {
	t.Helper()
	all, err := planFolder(t, "environment", "production", withReplicas(replicas)...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// withReplicas are the edits that make it so, and some more.
func withReplicas(replicas int, edits ...string) []string {
	return append([]string{"production.tfvars", "  backups ", fmt.Sprintf("  replicas = %d\n  backups ", replicas)}, edits...)
}

// TestReplicasAreRead says what docket needs to read from them: docs/replicas.md.
func TestReplicasAreRead(t *testing.T) {
	t.Parallel()
	versions := func(all resources) (found []string) { // of what has the password in it
		for _, secret := range []string{"database", "replicas"} {
			for _, version := range all.of("google_secret_manager_secret_version") {
				if version.at("secret") == "<google_secret_manager_secret docket-production-"+secret+" id>" {
					found = append(found, fmt.Sprint(version.at("secret_data_wo_version")))
				}
			}
		}
		return append(found, fmt.Sprint(all.of("google_sql_user")[0].at("password_wo_version")))
	}
	none, two := plannedEnvironment(t, "production"), replicated(t, 2)
	if _, given := plannedVariables(t, none)["DOCKET_DATABASE_REPLICAS"]; given {
		t.Error("docket is told of replicas where there are none")
	}
	var want []string
	primary := plannedVariables(t, two)["DOCKET_DATABASE"]
	for i := range 2 {
		name := fmt.Sprintf("docket-production-replica-%d ", i)
		two.one(t, "google_sql_database_instance", "name", strings.TrimSpace(name))
		want = append(want, strings.ReplaceAll(primary, "docket-production ", name))
		if authority := two.one(t, "google_secret_manager_secret_version", "secret", "<google_secret_manager_secret docket-production-authority id>"); !strings.Contains(fmt.Sprint(authority.at("secret_data")), name) {
			t.Errorf("the certificate of %s is not believed: %v", name, authority.at("secret_data"))
		}
	}
	if got := plannedVariables(t, two)["DOCKET_DATABASE_REPLICAS"]; got != strings.Join(want, ",") {
		t.Errorf("docket is told of %s, not of %s", got, want)
	}
	if before, after := versions(none), versions(two); len(before) != 2 || len(after) != 3 || before[0] == after[0] ||
		len(slices.Compact(before)) != 1 || len(slices.Compact(after)) != 1 {
		t.Errorf("the password is made anew in some places: %s is %s with replicas", before, after)
	}
	if got := two.of("google_redis_instance")[0].at("redis_configs.maxmemory-policy"); got != "noeviction" {
		t.Errorf("what viewers have written is dropped: %v", got)
	}
	_, err := planFolder(t, "environment", "production", withReplicas(1, "production.tfvars", "= true\nwaf", "= false\nwaf")...)
	refused(t, err, "needs shared_store")
	_, err = planFolder(t, "environment", "production", withReplicas(10)...)
	refused(t, err, "there are 0 to 9")
	_, err = planFolder(t, "environment", "production", withReplicas(4)...)
	refused(t, err, "400 is fewer than the 420")
}
