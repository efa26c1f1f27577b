package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"docket/internal/programtest"
)

// gcloudCommands are the commands in a text, be it a script, a file of Cloud
// Build or a page of docs, with x for what is only known when they run.
func gcloudCommands(text string) (commands []string) {
	text = strings.NewReplacer(
		"\\\n", " ", `"${where[@]}"`, "--project=p --region=r", "${where[*]}", "--project=p --region=r", `"$@"`, "", `"$to"`, "x=1",
	).Replace(text)
	text = regexp.MustCompile(`"?\$\((cat|sed|date|git)[^()]*\)"?`).ReplaceAllString(text, "x")
	text = regexp.MustCompile(`\$\{?[A-Za-z_]+\}?`).ReplaceAllString(text, "x")
	text = regexp.MustCompile(`--project=[A-Z]+\b`).ReplaceAllString(text, "--project=some-project") // gcloud takes no capitals
	for _, at := range regexp.MustCompile(`\bgcloud [a-z]`).FindAllStringIndex(text, -1) {
		commands = append(commands, command(text[at[0]:]))
	}
	return commands
}

// command is what a shell would take for one: to the end of the line, or to what
// ends a command outside of quotes.
func command(text string) string {
	var quote rune
	depth := 0
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\n', strings.ContainsRune("|;&>`", c), c == ')' && depth == 0, c == '#' && text[i-1] == ' ':
			return strings.TrimSpace(text[:i])
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '\'', c == '"' && strings.ContainsRune(text[i+1:strings.IndexByte(text, '\n')], '"'):
			quote = c
		case c == '"': // the end of what it is in
			return strings.TrimSpace(text[:i])
		}
	}
	return text
}

// lintCommands has gcloud say what is wrong with commands.
func lintCommands(t *testing.T, commands []string) (wrong []string) {
	t.Helper()
	gcloud, err := exec.LookPath("gcloud")
	programtest.Need(t, "gcloud", err)
	slices.Sort(commands)
	commands = slices.Compact(commands) // it looks at each once
	type line struct {
		Command string  `json:"command_string"`
		Success bool    `json:"success"`
		Error   *string `json:"error_message"`
	}
	var lines []line
	for _, c := range commands {
		lines = append(lines, line{Command: c})
	}
	text, err := json.Marshal(lines)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "commands.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), gcloud, "meta", "lint-gcloud-commands", "--commands-file="+file).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &lines); err != nil || len(lines) != len(commands) {
		t.Fatalf("gcloud looked at %d of %d commands (%v)", len(lines), len(commands), err)
	}
	for _, l := range lines {
		if !l.Success && l.Error != nil {
			wrong = append(wrong, l.Command+": "+*l.Error)
		}
	}
	return wrong
}

// TestGcloudCommands has each be one that gcloud knows.
func TestGcloudCommands(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, file := range append(files, "gcp/rollout", "gcp/cloudbuild.yaml", "gcp/production.yaml") {
		commands = append(commands, gcloudCommands(read(t, file))...)
	}
	if len(commands) < 30 {
		t.Errorf("only %d commands are found: %q", len(commands), commands)
	}
	for _, wrong := range lintCommands(t, commands) {
		t.Error(wrong)
	}
	planted := gcloudCommands(replaced(t, read(t, "gcp/rollout"), "--to-revisions=", "--to-revision="))
	if wrong := strings.Join(lintCommands(t, planted), "\n"); !strings.Contains(wrong, "--to-revision") {
		t.Errorf("a planted mistake is not seen: %s", wrong)
	}
}
