package main

import "reflect"

// walk lists the properties that the types of DataDog's API keep because they do
// not know them.
func walk(v any) (unknown []string) {
	var visit func(reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				field := v.Type().Field(i)
				switch {
				case !field.IsExported() || field.Name == "UnparsedObject":
				case field.Name == "AdditionalProperties":
					for _, name := range v.Field(i).MapKeys() {
						unknown = append(unknown, name.String())
					}
				default:
					visit(v.Field(i))
				}
			}
		}
	}
	visit(reflect.ValueOf(v))
	return unknown
}
