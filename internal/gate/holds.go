package gate

import (
	"context"
	"time"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
)

// Holds counts the reservations that are held at now, and those whose hold ended
// after since, up to now, without having been confirmed or cancelled. Nobody notes
// the end of a hold: it is known from the clock.
func Holds(ctx context.Context, db *orm.Client, since, now time.Time) (running, ended int, err error) {
	ctx, since, now = entity.Service(ctx), booking.Instant(since), booking.Instant(now)
	held := reservation.StateEQ(reservation.StateHELD)
	if running, err = db.Reservation.Query().Where(held, reservation.ExpiryGT(now)).Count(ctx); err != nil {
		return 0, 0, err
	}
	ended, err = db.Reservation.Query().Where(held, reservation.ExpiryGT(since), reservation.ExpiryLTE(now)).Count(ctx)
	return running, ended, err
}
