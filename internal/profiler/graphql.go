package profiler

import "regexp"

var (
	graphqlTokens = regexp.MustCompile(`(?s)("""(?:.*?)"""|"(?:[^"\\\n]|\\.)*")|(#[^\n]*)|(\$\w+)|(@\w+)|(-?\d[\d.eE+-]*)|([A-Za-z_]\w*)|(\s+|.)`)
	graphqlClass  = []string{"", "text", "comment", "arg", "keyword", "number", "word", "sign"}
	graphqlWords  = map[string]bool{"query": true, "mutation": true, "subscription": true, "fragment": true, "on": true, "true": true, "false": true, "null": true}
)

// formatGraphQL colours a document, or JSON.
func formatGraphQL(text string) (out []token) {
	for _, m := range graphqlTokens.FindAllStringSubmatch(text, -1) {
		for i, piece := range m[1:] {
			if piece == "" {
				continue
			}
			class := graphqlClass[i+1]
			if graphqlWords[piece] {
				class = "keyword"
			}
			out = append(out, token{class, piece})
			break
		}
	}
	return out
}
