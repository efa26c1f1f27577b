package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// schema is schema.json: blocks by the names of what they are of.
type schema struct {
	Provider, Resource, Data, Ephemeral map[string]block
}

// block is what may be in braces.
type block struct {
	Attributes map[string]attribute
	Blocks     map[string]nested
}

type attribute struct {
	Type tftypes.Type
	Need string // required, optional or computed
}

type nested struct {
	Count, Need string // one or many; required or optional
	block
}

// UnmarshalJSON reads [TYPE, NEED].
func (a *attribute) UnmarshalJSON(text []byte) error {
	var kind json.RawMessage
	if err := json.Unmarshal(text, &[]any{&kind, &a.Need}); err != nil {
		return err
	}
	var err error
	a.Type, err = tftypes.ParseJSONType(kind) //nolint:staticcheck // it is for those who read a provider's schema
	return err
}

// UnmarshalJSON reads [COUNT, NEED, BLOCK].
func (n *nested) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&n.Count, &n.Need, &n.block})
}

// schemas are those of one provider.
func schemas(all map[string]block, provider string) map[string]*tfprotov5.Schema {
	its := map[string]*tfprotov5.Schema{}
	for name, b := range all {
		if strings.HasPrefix(name, provider+"_") {
			its[name] = b.schema()
		}
	}
	return its
}

func (b block) schema() *tfprotov5.Schema { return &tfprotov5.Schema{Block: b.proto()} }

func (b block) proto() *tfprotov5.SchemaBlock {
	proto := &tfprotov5.SchemaBlock{}
	for name, a := range b.Attributes {
		proto.Attributes = append(proto.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: a.Type, WriteOnly: writeOnly(name),
			Required: a.Need == "required", Optional: a.Need == "optional",
			Computed: a.Need == "computed" || a.Need == "optional" && !writeOnly(name),
		})
	}
	for name, n := range b.Blocks {
		child := &tfprotov5.SchemaNestedBlock{
			TypeName: name, Block: n.proto(), Nesting: tfprotov5.SchemaNestedBlockNestingModeList,
		}
		if n.Count == "one" {
			child.MaxItems = 1
		}
		if n.Need == "required" {
			child.MinItems = 1
		}
		if name == "timeouts" {
			child.Nesting, child.MaxItems = tfprotov5.SchemaNestedBlockNestingModeSingle, 0
		}
		proto.BlockTypes = append(proto.BlockTypes, child)
	}
	return proto
}

// writeOnly is by the name, as the package does not have it.
func writeOnly(name string) bool { return strings.HasSuffix(name, "_wo") }

// told is the value with what a cloud would add to it.
func (b block) told(kind string, given *tfprotov5.DynamicValue) (*tfprotov5.DynamicValue, error) {
	all := b.schema().ValueType()
	value, err := given.Unmarshal(all)
	if err != nil || value.IsNull() {
		return given, err
	}
	var attributes map[string]tftypes.Value
	if err := value.As(&attributes); err != nil {
		return nil, err
	}
	from := kind + " " + called(attributes)
	for name, a := range b.Attributes {
		switch v := attributes[name]; {
		case writeOnly(name):
			attributes[name] = tftypes.NewValue(a.Type, nil)
		case v.IsNull() || !v.IsKnown(): // what is optional is often told, too, which the package does not have
			attributes[name] = placeholder(a.Type, from+" "+name)
		}
	}
	state, err := tfprotov5.NewDynamicValue(all, tftypes.NewValue(all, attributes))
	return &state, err
}

// called is what the resource is named in the cloud.
func called(attributes map[string]tftypes.Value) (name string) {
	for _, key := range []string{"name", "secret_id", "repository_id", "account_id"} {
		if v := attributes[key]; !v.IsNull() && v.IsKnown() && v.As(&name) == nil {
			return name
		}
	}
	return "-"
}

// placeholder is a value that says where it would come from.
func placeholder(t tftypes.Type, from string) tftypes.Value {
	switch t := t.(type) {
	case tftypes.List:
		return tftypes.NewValue(t, []tftypes.Value{placeholder(t.ElementType, from)})
	case tftypes.Object:
		values := map[string]tftypes.Value{}
		for name, inner := range t.AttributeTypes {
			values[name] = placeholder(inner, from+"."+name)
		}
		return tftypes.NewValue(t, values)
	case tftypes.Map:
		return tftypes.NewValue(t, map[string]tftypes.Value{})
	}
	switch {
	case t.Is(tftypes.String):
		return tftypes.NewValue(t, "<"+from+">")
	case t.Is(tftypes.Number):
		return tftypes.NewValue(t, 1)
	}
	return tftypes.NewValue(t, nil)
}

// plain is the value as JSON has it, without what is not given.
func plain(v tftypes.Value) (any, error) {
	var text string
	var truth bool
	var number big.Float
	var list []tftypes.Value
	var object map[string]tftypes.Value
	switch t := v.Type(); {
	case !v.IsKnown():
		return nil, fmt.Errorf("a %s is not known while planning", t)
	case v.IsNull():
		return nil, nil
	case t.Is(tftypes.String):
		err := v.As(&text)
		return text, err
	case t.Is(tftypes.Bool):
		err := v.As(&truth)
		return truth, err
	case t.Is(tftypes.Number):
		err := v.As(&number)
		return json.Number(number.Text('g', -1)), err
	case t.Is(tftypes.List{}):
		all := []any{}
		err := v.As(&list)
		for _, each := range list {
			inner, innerErr := plain(each)
			all, err = append(all, inner), errors.Join(err, innerErr)
		}
		return all, err
	}
	all := map[string]any{}
	err := v.As(&object)
	for name, each := range object {
		inner, innerErr := plain(each)
		if err = errors.Join(err, innerErr); inner != nil {
			all[name] = inner
		}
	}
	return all, err
}
