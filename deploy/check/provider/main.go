// Command provider stands in for the providers that deploy/gcp names, so that
// Terraform can check and plan without them and without a cloud.
//
// It has their schemas, from schema.json, and plans what it is asked for. What
// only a cloud could tell is a word in angle brackets that says whence it comes.
// Each configuration, as Terraform evaluated it, is a line of the file
// $DOCKET_PLANNED: write-only arguments are in no plan.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

//go:embed schema.json
var known []byte

func main() {
	// Terraform runs it as terraform-provider-google, or another.
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	p := &provider{name: name, planned: os.Getenv("DOCKET_PLANNED")}
	err := json.Unmarshal(known, &p.schema)
	if err == nil {
		err = tf5server.Serve("registry.terraform.io/hashicorp/"+name, func() tfprotov5.ProviderServer { return p })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(1)
	}
}

// provider answers what Terraform asks to validate and to plan. Anything else it
// does not have: it would be asked to apply.
type provider struct {
	tfprotov5.ProviderServer
	name    string
	schema  schema
	planned string
	writing sync.Mutex
}

func (p *provider) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return &tfprotov5.GetProviderSchemaResponse{
		Provider:                 p.schema.Provider[p.name].schema(),
		ResourceSchemas:          schemas(p.schema.Resource, p.name),
		DataSourceSchemas:        schemas(p.schema.Data, p.name),
		EphemeralResourceSchemas: schemas(p.schema.Ephemeral, p.name),
	}, nil
}

func (p *provider) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (p *provider) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (p *provider) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (p *provider) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (p *provider) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (p *provider) ValidateEphemeralResourceConfig(context.Context, *tfprotov5.ValidateEphemeralResourceConfigRequest) (*tfprotov5.ValidateEphemeralResourceConfigResponse, error) {
	return &tfprotov5.ValidateEphemeralResourceConfigResponse{}, nil
}

func (p *provider) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	b := p.schema.Resource[r.TypeName]
	if err := p.note(r.TypeName, b, r.Config); err != nil {
		return nil, err
	}
	state, err := b.told(r.TypeName, r.ProposedNewState)
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: state}, err
}

func (p *provider) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	state, err := p.schema.Data[r.TypeName].told("data."+r.TypeName, r.Config)
	return &tfprotov5.ReadDataSourceResponse{State: state}, err
}

func (p *provider) OpenEphemeralResource(_ context.Context, r *tfprotov5.OpenEphemeralResourceRequest) (*tfprotov5.OpenEphemeralResourceResponse, error) {
	result, err := p.schema.Ephemeral[r.TypeName].told("ephemeral."+r.TypeName, r.Config)
	return &tfprotov5.OpenEphemeralResourceResponse{Result: result}, err
}

func (p *provider) CloseEphemeralResource(context.Context, *tfprotov5.CloseEphemeralResourceRequest) (*tfprotov5.CloseEphemeralResourceResponse, error) {
	return &tfprotov5.CloseEphemeralResourceResponse{}, nil
}

// note writes the configuration of a resource down.
func (p *provider) note(kind string, b block, config *tfprotov5.DynamicValue) error {
	if p.planned == "" {
		return nil
	}
	value, err := config.Unmarshal(b.schema().ValueType())
	if err != nil || value.IsNull() { // is destroyed
		return err
	}
	given, err := plain(value)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	line, err := json.Marshal(map[string]any{"Type": kind, "Config": given})
	if err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	file, err := os.OpenFile(p.planned, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
