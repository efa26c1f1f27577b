package gql

import (
	"context"
	"log/slog"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/customer"
	"docket/ent/orm/provider"
	"docket/internal/audit"
	"docket/internal/cache"
	"docket/internal/txn"
	"docket/internal/viewer"
)

// knownSubjects is how many of those who have their rows are remembered.
const knownSubjects = 1 << 16

// firstLogin gives those whose token says that they are a client or a provider,
// and what they are called, a row of their own, if they have none.
type firstLogin struct {
	db    *orm.Client
	log   *slog.Logger
	known *cache.Cache[login, struct{}] // those for whom all is done that can be
}

// login is what a token says that matters here.
type login struct {
	subject, given, family string
	client, provider       bool
}

func newFirstLogin(db *orm.Client, log *slog.Logger) *firstLogin {
	return &firstLogin{db, log, cache.New[login, struct{}](knownSubjects)}
}

// of is for the viewer of ctx, which has a moment. A request goes on where this
// fails, as somebody without a row.
func (f *firstLogin) of(ctx context.Context) {
	v, _ := viewer.FromContext(ctx)
	key := login{v.Subject, v.GivenName, v.FamilyName, v.Is(viewer.Client), v.Is(viewer.Provider)}
	if v.Anonymous() || key.given == "" || key.family == "" || !key.client && !key.provider {
		return
	}
	if _, ok := f.known.Get(key); ok {
		return
	}
	ctx = audit.NewContext(entity.Service(ctx), audit.Asking{Viewer: v.Subject})
	_, err := txn.Do(ctx, f.db, func(tx *orm.Tx) (struct{}, error) { return struct{}{}, enrol(ctx, tx, v) })
	if err != nil && !orm.IsConstraintError(err) { // the same, asked for at the same time
		f.log.WarnContext(ctx, "a first login made no row", "error", err)
		if !orm.IsValidationError(err) { // the same names would not fit the next time
			return
		}
	}
	f.known.Add(key, struct{}{}, 1)
}

func enrol(ctx context.Context, tx *orm.Tx, v viewer.Viewer) error {
	if v.Is(viewer.Client) {
		switch has, err := tx.Customer.Query().Where(customer.Subject(v.Subject)).Exist(ctx); {
		case err != nil:
			return err
		case !has:
			if err := tx.Customer.Create().SetFirstName(v.GivenName).SetLastName(v.FamilyName).SetSubject(v.Subject).Exec(ctx); err != nil {
				return err
			}
		}
	}
	if v.Is(viewer.Provider) {
		switch has, err := tx.Provider.Query().Where(provider.Subject(v.Subject)).Exist(ctx); {
		case err != nil:
			return err
		case !has:
			return tx.Provider.Create().SetFirstName(v.GivenName).SetLastName(v.FamilyName).SetSubject(v.Subject).Exec(ctx)
		}
	}
	return nil
}
