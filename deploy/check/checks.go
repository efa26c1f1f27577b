package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// checks is a conf.yaml of the DataDog Agent, as far as this repository has such:
// what the PostgreSQL check takes, and where logs are, by
// https://docs.datadoghq.com/integrations/postgres and
// https://docs.datadoghq.com/agent/logs. The agent passes over a key that it does
// not know.
type checks struct {
	InitConfig map[string]any `yaml:"init_config"`

	Instances []struct {
		Host, Username, Password, DBName, SSL string
		Port                                  uint16
		Tags                                  []string
		SSLRootCert                           string `yaml:"ssl_root_cert"`
	} `yaml:"instances"`

	Logs []struct {
		Type, Path, Source, Service string
		IncludeUnits                []string `yaml:"include_units"`
	} `yaml:"logs"`
}

func agentCheck(file string) (c checks, err error) {
	f, err := os.Open(file)
	if err != nil {
		return c, err
	}
	defer func() { _ = f.Close() }()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return c, err
	}
	if len(c.Instances)+len(c.Logs) == 0 {
		return c, errors.New("there are neither instances nor logs")
	}
	for _, i := range c.Instances {
		if !strings.HasPrefix(i.Password, "ENC[") || !strings.HasSuffix(i.Password, "]") {
			return c, errors.New("a password is written down: it is ENC[NAME]")
		}
		if !slices.Contains([]string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}, i.SSL) {
			return c, fmt.Errorf("ssl is not %q", i.SSL)
		}
	}
	for _, l := range c.Logs {
		if !slices.Contains([]string{"file", "journald", "tcp", "udp"}, l.Type) || l.Source == "" || l.Service == "" {
			return c, fmt.Errorf("these are no logs, of a source and a service: %+v", l)
		}
	}
	return c, nil
}
