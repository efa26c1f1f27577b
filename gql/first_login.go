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
	known *cache.Cache[string, struct{}] // who has all that they are to have
}

func newFirstLogin(db *orm.Client, log *slog.Logger) *firstLogin {
	return &firstLogin{db, log, cache.New[string, struct{}](knownSubjects)}
}

// of is for the viewer of ctx, which has a moment. A request goes on where this
// fails, as somebody without a row.
func (f *firstLogin) of(ctx context.Context) {
	v, _ := viewer.FromContext(ctx)
	if v.Anonymous() || v.GivenName == "" || v.FamilyName == "" || !v.Is(viewer.Client) && !v.Is(viewer.Provider) {
		return
	}
	key := v.Subject
	for _, r := range v.Roles {
		key += " " + string(r)
	}
	if _, ok := f.known.Get(key); ok {
		return
	}
	ctx = audit.NewContext(entity.Service(ctx), audit.Asking{Viewer: v.Subject})
	_, err := txn.Do(ctx, f.db, func(tx *orm.Tx) (struct{}, error) { return struct{}{}, enrol(ctx, tx, v) })
	if err != nil && !orm.IsConstraintError(err) { // the same, asked for at the same time
		f.log.WarnContext(ctx, "a first login made no row", "error", err)
		return
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
