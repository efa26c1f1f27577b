package main

import (
	"errors"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// board is a dashboard by Grafana's own schema, which takes no unknown field.
func board(file string) (*dashboard.Dashboard, error) { //nolint:staticcheck // the form that Grafana reads from files
	plugins.RegisterDefaultPlugins()
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var d dashboard.Dashboard //nolint:staticcheck // as above
	var wrong cog.BuildErrors // also returned where there are none
	if err := d.UnmarshalJSONStrict(text); !errors.As(err, &wrong) || len(wrong) > 0 {
		return nil, err
	}
	return &d, nil
}
