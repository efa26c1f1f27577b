package config

import "fmt"

// maxParameters is what SQLite takes; PostgreSQL takes twice as many.
const maxParameters = 32_766

// validateLimits reports the first limit of operations and documents that cannot
// work, by its name.
func (s Server) validateLimits() error {
	for _, limit := range []struct {
		name        string
		value, most int
	}{
		{"page-max", s.PageMax, 10_000},
		{"page-default", s.PageDefault, s.PageMax},
		{"filter-depth", s.FilterDepth, 50},
		{"filter-conditions", s.FilterConditions, 10_000},
		{"operation-depth", s.OperationDepth, 50},
		{"operation-lists", s.OperationLists, 1000},
		{"operation-fields", s.OperationFields, 100_000},
		{"operation-rows", s.OperationRows, 10_000_000},
		{"operation-values", s.OperationValues, 100_000_000},
		{"operation-parameters", s.OperationParameters, maxParameters},
		{"operation-cost", s.OperationCost, 100_000_000},

		{"document-tokens", s.DocumentTokens, 100_000},
		{"document-depth", s.DocumentDepth, 200},
		{"document-aliases", s.DocumentAliases, 10_000},
		{"document-root-fields", s.DocumentRootFields, 1000},
		{"document-mutations", s.DocumentMutations, 1000},
		{"document-directives", s.DocumentDirectives, 10_000},
		{"document-fragments", s.DocumentFragments, 1000},
		{"document-selections", s.DocumentSelections, 100_000},
		{"document-repeats", s.DocumentRepeats, 1000},
	} {
		if limit.value < 1 || limit.value > limit.most {
			return fmt.Errorf("%s: must be between 1 and %d", limit.name, limit.most)
		}
	}
	return nil
}
