// Package documents finds the GraphQL document that a request sends or names:
// parsed, within limits, and valid. Those that were found so are kept.
package documents

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"docket/internal/cache"
)

// The codes of documents that are not there. The first two, and their messages,
// are what the clients of automatic persisted queries look for.
const (
	NotFound     = "PERSISTED_QUERY_NOT_FOUND"
	NotSupported = "PERSISTED_QUERY_NOT_SUPPORTED"
	HashMismatch = "PERSISTED_QUERY_HASH_MISMATCH"
	NotTrusted   = "DOCUMENT_NOT_TRUSTED"
)

const (
	kept       = 1 << 20 // what those weigh that need not be parsed again
	keptLeast  = 1 << 9  // the least that one weighs, besides its text
	mostErrors = 50      // of one document: the rest follows when these are mended
)

// Config is what documents are held against.
type Config struct {
	Schema      *ast.Schema
	Limits      Limits
	Suggest     bool        // what the schema has instead of what it has not
	Persist     bool        // find by its hash what was sent before
	Trusted     []Operation // found by their ids, too
	TrustedOnly bool        // refuse all others
}

// Documents may be used by many goroutines.
type Documents struct {
	Config
	rules   map[bool]*rules.Rules // by whether they are quiet
	kept    *cache.Cache[hash, *Document]
	trusted map[hash]*Document
	byID    map[string]*Document
}

// Document is valid; its text is where it was parsed from.
type Document struct {
	Text    string
	Parsed  *ast.QueryDocument
	Hash    string // its SHA-256, in hexadecimal
	Trusted bool
}

// Request sends a document or names one.
type Request struct {
	Text string
	ID   string // GraphQL over HTTP, appendix A: Persisted Documents
	Hash string // SHA-256 in hexadecimal; with a text, that of the text
}

type hash = [sha256.Size]byte

// New fails where a trusted operation is not valid, naming it.
func New(c Config) (*Documents, error) {
	d := &Documents{
		Config: c, rules: map[bool]*rules.Rules{false: rules.NewDefaultRules(), true: quietly()}, kept: cache.New[hash, *Document](kept),
		trusted: map[hash]*Document{}, byID: map[string]*Document{},
	}
	if c.TrustedOnly && len(c.Trusted) == 0 {
		return nil, errors.New("trusted-documents: has no operation, and trusted-documents-only allows no other")
	}
	for _, op := range c.Trusted {
		doc, errs := d.parse(op.Text)
		if errs != nil {
			return nil, fmt.Errorf("trusted-documents: operation %s: %s", op.named(), errs[0].Message)
		}
		if other := d.byID[op.ID]; other != nil && other.Text != op.Text {
			return nil, fmt.Errorf("trusted-documents: operation %s: another has this id", op.named())
		}
		doc.Trusted = true
		d.byID[op.ID], d.trusted[sha256.Sum256([]byte(op.Text))] = doc, doc
	}
	return d, nil
}

// quietly are the rules of the specification, but none suggests anything: that
// tells the schema to who asks often enough.
func quietly() *rules.Rules {
	r := rules.NewDefaultRules()
	for _, quiet := range []core.Rule{
		rules.FieldsOnCorrectTypeRuleWithoutSuggestions, rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRuleWithoutSuggestions, rules.ScalarLeafsRuleWithoutSuggestions,
		rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		r.ReplaceRule(strings.TrimSuffix(quiet.Name, "WithoutSuggestions"), quiet.RuleFunc)
	}
	return r
}

// Find returns the document of a request. Errors have a code.
func (d *Documents) Find(r Request) (*Document, gqlerror.List) {
	if r.Text == "" {
		return one(d.named(r))
	}
	key := sha256.Sum256([]byte(r.Text))
	if r.Hash != "" && !strings.EqualFold(r.Hash, hex.EncodeToString(key[:])) {
		return one(nil, refused(HashMismatch, nil, "sha256Hash is not the SHA-256 of the query, in hexadecimal."))
	}
	if doc := d.at(key); doc != nil {
		return doc, nil
	}
	if d.TrustedOnly {
		return one(nil, notTrusted())
	}
	doc, errs := d.parse(r.Text)
	if errs == nil {
		d.kept.Add(key, doc, keptLeast+len(r.Text))
	}
	return doc, errs
}

// named finds a document that the request does not send.
func (d *Documents) named(r Request) (*Document, *gqlerror.Error) {
	if doc := d.byID[r.ID]; doc != nil {
		return doc, nil
	}
	name := r.Hash
	if r.ID != "" {
		name, _ = strings.CutPrefix(r.ID, "sha256:")
	}
	var key hash
	if n, err := hex.Decode(key[:], []byte(fit(name))); err == nil && n == len(key) && (d.Persist || d.trusted[key] != nil) {
		if doc := d.at(key); doc != nil {
			return doc, nil
		}
	}
	switch {
	case d.TrustedOnly:
		return nil, notTrusted()
	case r.ID != "":
		return nil, refused(NotFound, nil, "There is no document with this id.")
	case !d.Persist:
		return nil, refused(NotSupported, nil, "PersistedQueryNotSupported")
	}
	return nil, refused(NotFound, nil, "PersistedQueryNotFound")
}

// fit is a text of the length of a hash, or nothing.
func fit(name string) string {
	if len(name) != hex.EncodedLen(sha256.Size) {
		return ""
	}
	return name
}

// at returns a document that was found to be valid. Where only those that are
// trusted are, no others are kept.
func (d *Documents) at(key hash) *Document {
	if doc := d.trusted[key]; doc != nil {
		return doc
	}
	doc, _ := d.kept.Get(key)
	return doc
}

func (d *Documents) parse(text string) (*Document, gqlerror.List) {
	longest, tooMuch := d.Limits.scan(text)
	if tooMuch != nil {
		return one(nil, tooMuch)
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return one(nil, coded(gqlerror.WrapIfUnwrapped(err), errcode.ParseFailed))
	}
	if len(doc.Operations) == 0 {
		return one(nil, refused(errcode.ValidationFailed, nil, "The document has no operation."))
	}
	if err := d.Limits.check(doc); err != nil {
		return one(nil, err)
	}
	quiet := !d.Suggest || longest > mostName
	errs := validator.ValidateWithRules(d.Schema, doc, d.rules[quiet])
	for _, err := range errs {
		errcode.Set(err, errcode.ValidationFailed)
	}
	if len(errs) > 0 {
		return nil, errs[:min(len(errs), mostErrors)]
	}
	sum := sha256.Sum256([]byte(text))
	return &Document{Text: text, Parsed: doc, Hash: hex.EncodeToString(sum[:])}, nil
}

// one is a document, or a list of the one error.
func one(doc *Document, err *gqlerror.Error) (*Document, gqlerror.List) {
	if err != nil {
		return nil, gqlerror.List{err}
	}
	return doc, nil
}

func notTrusted() *gqlerror.Error {
	return refused(NotTrusted, nil, "This service answers only the operations that were registered with it.")
}

func refused(code string, facts map[string]any, message string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(message, args...)
	err.Extensions = map[string]any{}
	for name, fact := range facts {
		err.Extensions[name] = fact
	}
	return coded(err, code)
}

func coded(err *gqlerror.Error, code string) *gqlerror.Error {
	errcode.Set(err, code)
	return err
}
