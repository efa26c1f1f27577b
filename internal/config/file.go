package config

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// File reads settings from a JSON object, whose keys are the names of flags. A
// key that names no flag is an error: it is a setting that would be ignored.
func File(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := json.NewDecoder(r).Decode(&values); err != nil {
		return nil, fmt.Errorf("config file: %w", err)
	}
	return file(values), nil
}

type file map[string]any

// Validate refuses keys that name no flag.
func (f file) Validate(app *kong.Application) error {
	var known []string
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known = append(known, flag.Name)
		}
		return next(nil)
	})
	for key := range f {
		if !slices.Contains(known, key) {
			return fmt.Errorf("config file: %s: there is no such setting", key)
		}
	}
	return nil
}

// Resolve returns the value of a flag that neither the command line nor a
// variable gives.
func (f file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	v, ok := f[flag.Name]
	if !ok {
		return nil, nil
	}
	switch v.(type) {
	case string, bool, float64:
		return fmt.Sprint(v), nil
	}
	return nil, fmt.Errorf("config file: %s: must be one value", strings.TrimSpace(flag.Name))
}
