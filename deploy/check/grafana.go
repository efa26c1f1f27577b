package main

import (
	"errors"
	"fmt"
	"os"

	"go.yaml.in/yaml/v4"
)

// provisioning is what Grafana is told by files, as far as this repository does:
// https://grafana.com/docs/grafana/latest/administration/provisioning. Grafana itself
// passes over a key that it does not know.
type provisioning struct {
	APIVersion int `yaml:"apiVersion"`

	Datasources []struct {
		Name, UID, Type, Access, URL string
		IsDefault                    bool `yaml:"isDefault"`
		Editable                     bool
		JSONData                     struct {
			TimeInterval string `yaml:"timeInterval"`
		} `yaml:"jsonData"`
	} `yaml:"datasources"`

	Providers []struct {
		Name, Type      string
		DisableDeletion bool `yaml:"disableDeletion"`
		AllowUIUpdates  bool `yaml:"allowUiUpdates"`
		Options         struct{ Path string }
	} `yaml:"providers"`
}

func grafana(file string) (p provisioning, err error) {
	f, err := os.Open(file)
	if err != nil {
		return p, err
	}
	defer func() { _ = f.Close() }()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return p, err
	}
	if p.APIVersion != 1 { // anything else is read as what Grafana 4 had
		return p, fmt.Errorf("apiVersion is %d, not 1", p.APIVersion)
	}
	if len(p.Datasources)+len(p.Providers) == 0 {
		return p, errors.New("there are neither datasources nor providers")
	}
	return p, nil
}
