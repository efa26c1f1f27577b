package gate

import (
	"context"
	"errors"

	"entgo.io/ent"
	"entgo.io/ent/dialect/sql"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/customer"
	"docket/ent/orm/reservation"
	"docket/ent/schema"
)

// A verb is asked for by a viewer. The policy of the entity that it is about says
// whether they may have it done, before anything is decided: what the gate refuses
// tells of rows that they may not see. From then on it is the service that reads
// and writes, with the context that these functions return.

// policy is that of an entity.
func policy(e interface{ Policy() ent.Policy }) entity.Policy { return e.Policy().(entity.Policy) }

// mayReserve refuses unless the viewer may create the reservation.
func mayReserve(ctx context.Context, db entity.Querier, clients *orm.CustomerClient, clientID, appointmentID int) (context.Context, error) {
	err := policy(schema.Reservation{}).Admit(ctx, db, map[string]any{
		reservation.FieldClientID: clientID, reservation.FieldAppointmentID: appointmentID,
	})
	if errors.As(err, new(*entity.Refused)) {
		seen, lost := clients.Query().Where(customer.ID(clientID)).Exist(ctx)
		return nil, refusal(err, lost, seen, "Client", clientID)
	}
	return entity.Service(ctx), err
}

// mayOpen refuses unless the viewer may open slots of the provider.
func mayOpen(ctx context.Context, tx *orm.Tx, providerID int) (context.Context, error) {
	err := policy(schema.Appointment{}).Admit(ctx, tx, map[string]any{appointment.FieldProviderID: providerID})
	return entity.Service(ctx), err
}

// mayCancel refuses unless the viewer may change the appointment.
func mayCancel(ctx context.Context, tx *orm.Tx, id int) (context.Context, error) {
	return may(ctx, policy(schema.Appointment{}).Update, "Appointment", id, func(ctx context.Context, only func(*sql.Selector)) (bool, error) {
		return tx.Appointment.Query().Where(appointment.ID(id), only).Exist(ctx)
	})
}

// mayMove refuses unless the viewer may change the reservation.
func mayMove(ctx context.Context, tx *orm.Tx, id int) (context.Context, error) {
	return may(ctx, policy(schema.Reservation{}).Update, "Reservation", id, func(ctx context.Context, only func(*sql.Selector)) (bool, error) {
		return tx.Reservation.Query().Where(reservation.ID(id), only).Exist(ctx)
	})
}

// may refuses unless the row is among those of the grants. there finds it, if it
// is among those of a predicate.
func may(ctx context.Context, grants entity.Grants, typ string, id int, there func(context.Context, func(*sql.Selector)) (bool, error)) (context.Context, error) {
	rows := grants.To(ctx)
	if rows.All() {
		return entity.Service(ctx), nil
	}
	granted, err := there(entity.Service(ctx), rows.Narrow)
	if err != nil || granted {
		return entity.Service(ctx), err
	}
	seen, err := there(ctx, entity.All().Narrow)
	return nil, refusal(entity.Refuse(ctx, ""), err, seen, typ, id)
}

// refusal says that the row is not there, unless the viewer can see that it is.
func refusal(refused, lost error, seen bool, typ string, id int) error {
	switch {
	case lost != nil:
		return lost
	case !seen:
		return &NotFound{typ, id}
	}
	return refused
}

// Unwritten explains why a write of ent's met no row: there is none that the
// viewer could see, or they may not write it. seen finds it as the viewer.
func Unwritten(ctx context.Context, err error, typ string, id int, seen interface {
	Exist(context.Context) (bool, error)
},
) error {
	if !orm.IsNotFound(err) {
		return err
	}
	visible, lost := seen.Exist(ctx)
	return refusal(entity.Refuse(ctx, ""), lost, visible, typ, id)
}
