package main

import (
	"fmt"
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

// mended mends the templates and functions of entgql where they are not
// right for docket. It must come after entgql's own extension.
type mended struct{ entc.DefaultExtension }

// mend replaces a text in the define of a template; a text that is gone after
// an upgrade stops the generation.
type mend struct {
	in       *gen.Template
	define   string
	old, new string
	why      string
}

const (
	countForPageInfo = "|| hasCollectedField(ctx, append(path, pageInfoField)...)"
	collectedField   = `walk:
	for _, name := range path {
		for _, f := range graphql.CollectFields(oc, field.Selections, nil) {
			if f.Alias == name {
				field = f
				continue walk
			}
		}
		return nil
	}
	return &field`
	cursors     = `for _, predicate := range entgql.CursorsPredicate(after, before, {{$defaultOrder}}.Field.column, p.order.Field.column, direction) {`
	bothCursors = `direction = p.order.Direction
		predicates := entgql.CursorsPredicate(after, nil, {{ $defaultOrder }}.Field.column, p.order.Field.column, direction)
		predicates = append(predicates, entgql.CursorsPredicate(before, nil, {{ $defaultOrder }}.Field.column, p.order.Field.column, direction.Reverse())...)
		for _, predicate := range predicates {`
	rootCount = "if hasCollectedField(ctx, totalCountField) || hasCollectedField(ctx, pageInfoField) {"
)

var mends = []mend{
	{
		entgql.CollectionTemplate, "gql_collection",
		"hasCollectedField(ctx, append(path, totalCountField)...) " + countForPageInfo,
		"selection.Has(opCtx, field, totalCountField)",
		"pageInfo follows from the rows; only totalCount needs a count",
	},
	{
		entgql.CollectionTemplate, "gql_collection",
		"if field := collectedField(ctx, path...); field != nil {",
		"if field := selection.Child(opCtx, field, edgesField, nodeField); field != nil {",
		"two types may use one alias; the field at hand is the one that is meant",
	},
	{
		entgql.CollectionTemplate, "gql_collection", "(fieldArgs(ctx, ", "(unmarshalArgs(ctx, ",
		"two types may use one alias; the field at hand is the one that is meant",
	},
	{
		entgql.CollectionTemplate, "gql_collection", "{{end}}, path...))", "{{end}}, field.ArgumentMap(opCtx.Variables)))",
		"two types may use one alias; the field at hand is the one that is meant",
	},
	{
		entgql.CollectionTemplate, "gql_collection",
		"for _, field := range graphql.CollectFields(opCtx, collected.Selections, satisfies) {",
		`for _, field := range selection.Merge(opCtx, graphql.CollectFields(opCtx, collected.Selections, satisfies),
			{{- range $fc := $collects }}{{ if $fc.Edge.Unique }}{{ range $fc.Mapping }} "{{ . }}",{{ end }}{{ end }}{{ end }}) {`,
		"an edge to one is loaded once, with all that any of its aliases selects",
	},
	{
		entgql.CollectionTemplate, "gql_collection",
		"ignoredEdges := !hasCollectedField(ctx, append(path, edgesField)...)",
		"ignoredEdges := !selection.Has(opCtx, field, edgesField) && !selection.Has(opCtx, field, pageInfoField)",
		"pageInfo alone needs the rows, too",
	},
	{
		entgql.CollectionTemplate, "gql_collection", "{{if isRelayConn $e}}",
		`{{ range views $e.Type }}
			if field.Name == "{{ viewField . $e.Name }}" {
				query.Where(predicate.{{ $e.Type.Name }}(schema.{{ viewPredicate $e.Type . }}(ctx)))
			}
		{{- end }}
		{{if isRelayConn $e}}`,
		"a view is the edge, narrowed",
	},
	{
		entgql.CollectionTemplate, "gql_collection", "{{range $f := $fields}}",
		`{{- range $e := $node.Edges }}{{ with single $e }}
			case "{{ singleField $e }}":
				alias := field.Alias
				query := (&{{ $e.Type.ClientName }}{config: {{ $receiver }}.config}).Query().
					Where(predicate.{{ $e.Type.Name }}(schema.{{ viewPredicate $e.Type . }}(ctx)))
				if err := query.collectField(ctx, false, opCtx, field, append(path, alias), mayAddCondition(satisfies, {{ nodeImplementorsVar $e.Type }})...); err != nil {
					return err
				}
				{{ $receiver }}.WithNamed{{ $e.StructField }}(alias, func(wq *{{ $e.Type.QueryName }}) {
					*wq = *query
				})
		{{- end }}{{ end }}
		{{range $f := $fields}}`,
		"the one row of a view is the edge, narrowed to it",
	},
	{
		entgql.EdgeTemplate, "gql_edge", "{{$r := $n.Receiver}}",
		`{{$r := $n.Receiver}}
		{{- range $e := $n.Edges }}{{ with single $e }}
			// {{ pascal (singleField $e) }} is the row of the view, if there is one.
			func ({{ $r }} *{{ $n.Name }}) {{ pascal (singleField $e) }}(ctx context.Context) (*{{ $e.Type.Name }}, error) {
				if rows, err := {{ $r }}.Named{{ $e.StructField }}(graphql.GetFieldContext(ctx).Field.Alias); err == nil {
					if len(rows) == 0 {
						return nil, nil
					}
					return rows[0], nil
				}
				row, err := {{ $r }}.Query{{ $e.StructField }}().Where(predicate.{{ $e.Type.Name }}(schema.{{ viewPredicate $e.Type . }}(ctx))).First(ctx)
				return row, MaskNotFound(err)
			}
		{{- end }}{{ end }}`,
		"the one row of a view is the edge, narrowed to it",
	},
	{
		entgql.CollectionTemplate, "gql_collection", "import (",
		`import (
			"docket/ent/schema"
			"docket/ent/selection"
			"{{ $.Config.Package }}/predicate"
		`,
		"the predicates of views",
	},
	{
		entgql.CollectionTemplate, "gql_collection", "if v := rv[afterField]; v != nil {\n\t\targs.after = v.(*Cursor)",
		"if v, ok := rv[afterField].(*Cursor); ok {\n\t\targs.after = v",
		"a bad cursor is an error at its field, not a panic",
	},
	{
		entgql.CollectionTemplate, "gql_collection", "if v := rv[beforeField]; v != nil {\n\t\targs.before = v.(*Cursor)",
		"if v, ok := rv[beforeField].(*Cursor); ok {\n\t\targs.before = v",
		"a bad cursor is an error at its field, not a panic",
	},
	{
		entgql.PaginationTemplate, "gql_pagination", collectedField, "return selection.Child(oc, field, path...)",
		"what is asked of a connection is found by its name, under whatever aliases and as often as it is asked",
	},
	{
		entgql.PaginationTemplate, "gql_pagination", "import (", "import (\n\t\"docket/ent/selection\"",
		"what is selected",
	},
	{
		entgql.PaginationTemplate, "gql_pagination", "if graphql.GetFieldContext(ctx) == nil {\n\t\treturn true\n\t}\n\treturn collectedField(ctx, path...) != nil",
		"fc := graphql.GetFieldContext(ctx)\n\treturn fc == nil || selection.Has(graphql.GetOperationContext(ctx), fc.Field, path[0])",
		"what is asked of a connection is found by its name; path has one step here",
	},
	{
		entgql.PaginationTemplate, "gql_pagination", cursors, bothCursors,
		"after and before are sides of the order, whether rows are taken from its start or its end",
	},
	{
		entgql.WhereTemplate, "gql_where_input", "if len(i.{{$field}}) > 0 {", "if i.{{$field}} != nil {",
		"to be one of none is to be nothing, not anything",
	},
	{
		entgql.WhereTemplate, "gql_where_input", "switch n := len(i.Or); {",
		"switch n := len(i.Or); {\n\tcase n == 0 && i.Or != nil:\n\t\tpredicates = append(predicates, func(s *sql.Selector) { s.Where(sql.False()) })",
		"one of no conditions never holds",
	},
	{
		entgql.WhereTemplate, "gql_where_input", "return nil, {{$err}}",
		"return func(*sql.Selector) {}, nil",
		"a filter without conditions is no error",
	},
	{
		entgql.WhereTemplate, "gql_where_input", "import (", "import (\n\t\"entgo.io/ent/dialect/sql\"",
		"the predicates above",
	},
	{
		entgql.PaginationTemplate, "gql_pagination/helper/paginate", rootCount,
		"if hasCollectedField(ctx, totalCountField) {",
		"pageInfo follows from the rows; only totalCount needs a count",
	},
	{
		entgql.PaginationTemplate, "gql_pagination/helper/paginate",
		"ignoredEdges := !hasCollectedField(ctx, edgesField)",
		"ignoredEdges := !hasCollectedField(ctx, edgesField) && !hasCollectedField(ctx, pageInfoField)",
		"pageInfo alone needs the rows, too",
	},
	{
		entgql.EdgeTemplate, "gql_edge/helper/paginate", "return {{$r}}.Query{{$e.StructField}}().Paginate(",
		`query := {{$r}}.Query{{$e.StructField}}()
		{{- with views $e.Type }}
			switch graphql.GetFieldContext(ctx).Field.Name {
			{{- range . }}
			case "{{ viewField . $e.Name }}":
				query.Where(predicate.{{ $e.Type.Name }}(schema.{{ viewPredicate $e.Type . }}(ctx)))
			{{- end }}
			}
		{{- end }}
		return query.Paginate(`,
		"a view is the edge, narrowed, also when it was not collected ahead",
	},
	{
		entgql.EdgeTemplate, "gql_edge", "import (",
		`import (
			"docket/ent/schema"
			"{{ $.Config.Package }}/predicate"
		`,
		"the predicates of views",
	},
}

// Templates of the extension.
func (mended) Templates() []*gen.Template {
	texts := map[string]string{}
	for _, m := range mends {
		if texts[m.define] == "" {
			// A parsed template prints without the blank that keeps a brace apart.
			texts[m.define] = strings.ReplaceAll(m.in.Lookup(m.define).Root.String(), "{{{", "{ {{")
		}
		if !strings.Contains(texts[m.define], m.old) {
			panic(fmt.Sprintf("entgql's template %q has no %q any more: %s", m.define, m.old, m.why))
		}
		texts[m.define] = strings.Replace(texts[m.define], m.old, m.new, 1)
	}
	var all []*gen.Template
	for define, text := range texts {
		t := gen.NewTemplate(define).Funcs(functions()).Funcs(entgql.TemplateFuncs)
		all = append(all, gen.MustParse(t.Parse(text)))
	}
	return all
}

// functions hold for all templates, entgql's too. Two of them let an entity
// have another name in GraphQL than in Go.
func functions() map[string]any {
	names := entgql.TemplateFuncs["nodePaginationNames"].(func(*gen.Type) (*entgql.PaginationNames, error))
	interfaces := entgql.TemplateFuncs["nodeImplementors"].(func(*gen.Type) ([]string, error))
	return map[string]any{
		"gqlName": gqlName, "views": views, "single": single, "singleField": singleField,
		"viewField": viewField, "viewPredicate": viewPredicate,
		"nodePaginationNames": func(n *gen.Type) (*entgql.PaginationNames, error) {
			p, err := names(n)
			if err == nil {
				p.Node = n.Name
			}
			return p, err
		},
		"nodeImplementors": func(n *gen.Type) ([]string, error) {
			all, err := interfaces(n)
			if name := gqlName(n); name != n.Name {
				all = append(all, name)
			}
			return all, err
		},
	}
}
