package profiler

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"docket/internal/viewer"
)

// words are how the pages write what they show.
var words = template.FuncMap{
	"ms": ms, "bytes": size, "count": count, "values": values, "value": value, "who": who, "graphql": formatGraphQL,
	"clock":   func(t time.Time) string { return t.Local().Format("15:04:05") },
	"part":    func(t time.Time) string { return t.Local().Format(".000") },
	"instant": func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"percent": percent,
	"plural": func(n int, one, many string) string {
		if n == 1 {
			return one
		}
		return many
	},
	"share": func(part, whole time.Duration) string { return fmt.Sprintf("%d %%", 100*part/max(whole, 1)) },
}

// ms is a duration with three digits that matter.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	switch {
	case v >= 10_000:
		return strconv.FormatFloat(v/1000, 'f', 1, 64) + " s"
	case v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64) + " ms"
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64) + " ms"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + " ms"
}

// size is a number of bytes.
func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprint(n, " B")
}

// count is a whole number with its thousands apart.
func count(n any) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// percent is a part of a whole, as a length of SVG.
func percent(part, whole time.Duration) string {
	if whole <= 0 {
		return "0%"
	}
	return strconv.FormatFloat(100*min(float64(part)/float64(whole), 1), 'f', 2, 64) + "%"
}

// value is an argument as SQL would have it.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return "'" + strings.ReplaceAll(cut(v, 500), "'", "''") + "'"
	case []byte:
		return "'" + strings.ReplaceAll(cut(strings.ToValidUTF8(string(v), "\uFFFD"), 500), "'", "''") + "'"
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

func values(args []any) string {
	all := make([]string, len(args))
	for i, v := range args {
		all[i] = value(v)
	}
	return strings.Join(all, ", ")
}

// who is the viewer, in few words.
func who(v viewer.Viewer) string {
	switch {
	case v.Unasked():
		return "anyone"
	case v.Anonymous():
		return "anonymous"
	}
	roles := make([]string, len(v.Roles))
	for i, r := range v.Roles {
		roles[i] = string(r)
	}
	if len(roles) == 0 {
		return "no role"
	}
	return strings.Join(roles, ", ")
}
