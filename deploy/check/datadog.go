package main

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadog"
	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV1"
	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV2"
	"go.yaml.in/yaml/v4"
)

//go:embed datadog-agent.txt
var agentSettings string

// agent is a datadog.yaml whose settings the DataDog Agent knows.
func agent(file string) (any, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var settings map[string]any
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, err
	}
	for _, name := range leaves("", settings) {
		if strings.HasPrefix(name, "secret_backend_config.") {
			continue // each backend has its own
		}
		if !strings.Contains(agentSettings, "\n"+strings.ToLower(name)+"\n") {
			return nil, fmt.Errorf("the agent has no setting %s", name)
		}
	}
	return settings, nil
}

// leaves are the names of settings that have a value of their own.
func leaves(of string, settings map[string]any) (all []string) {
	for name, value := range settings {
		if inner, ok := value.(map[string]any); ok {
			all = append(all, leaves(of+name+".", inner)...)
			continue
		}
		all = append(all, of+name)
	}
	slices.Sort(all)
	return all
}

// monitors are what DataDog's API takes as such.
func monitors(file string) ([]datadogV1.Monitor, error) { return known[[]datadogV1.Monitor](file) }

// pipeline is one for logs, as DataDog's API takes it.
func pipeline(file string) (datadogV1.LogsPipeline, error) {
	return known[datadogV1.LogsPipeline](file)
}

// percentiles is which tags and aggregations of a metric DataDog keeps.
func percentiles(file string) (datadogV2.MetricTagConfigurationCreateRequest, error) {
	return known[datadogV2.MetricTagConfigurationCreateRequest](file)
}

// known reads what the client of DataDog's API reads. It keeps what it does not
// understand, or know, beside the rest.
func known[T any](file string) (v T, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return v, err
	}
	if err := datadog.Unmarshal(text, &v); err != nil {
		return v, err
	}
	if bad, what := datadog.ContainsUnparsedObject(v); bad {
		return v, fmt.Errorf("not understood: %v", what)
	}
	if unknown := walk(v); len(unknown) > 0 {
		return v, fmt.Errorf("DataDog's API has no %s", strings.Join(unknown, ", "))
	}
	return v, nil
}
