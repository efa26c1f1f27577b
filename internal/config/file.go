package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// File reads settings from a JSON object, whose keys are the names of flags. A
// key that names no flag is an error: it is a setting that would be ignored.
func File(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	from := json.NewDecoder(r)
	from.UseNumber() // a large one would be read back as 1e+06
	if err := from.Decode(&values); err != nil {
		return nil, fmt.Errorf("config file: %w", err)
	}
	if _, err := from.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("config file: there is more than one object")
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
// variable gives. The former kong sees to; a variable it would let us overrule.
func (f file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	v, ok := f[flag.Name]
	if !ok || slices.ContainsFunc(flag.Envs, given) {
		return nil, nil
	}
	switch v.(type) {
	case string, bool, json.Number:
		return fmt.Sprint(v), nil
	}
	return nil, fmt.Errorf("config file: %s: must be one value", strings.TrimSpace(flag.Name))
}

func given(variable string) bool {
	_, ok := os.LookupEnv(variable)
	return ok
}
