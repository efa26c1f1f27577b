package gql_test

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/gql"
)

// TestEverythingIsDescribed looks for types, fields and arguments that say
// nothing to their readers. Operators of filters speak for themselves.
func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	schema, err := gql.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for _, def := range schema.Types {
		if def.BuiltIn || strings.HasPrefix(def.Name, "__") {
			continue
		}
		if def.Description == "" {
			t.Errorf("%s says nothing", def.Name)
		}
		if strings.HasSuffix(def.Name, "WhereInput") {
			continue
		}
		for _, f := range def.Fields {
			described(t, def, f)
		}
		for _, v := range def.EnumValues {
			if v.Description == "" && !fromField(def) {
				t.Errorf("%s.%s says nothing", def.Name, v.Name)
			}
		}
	}
}

func described(t *testing.T, def *ast.Definition, f *ast.FieldDefinition) {
	t.Helper()
	if f.Description == "" && !strings.HasPrefix(f.Name, "__") {
		t.Errorf("%s.%s says nothing", def.Name, f.Name)
	}
	for _, a := range f.Arguments {
		if a.Description == "" && !strings.HasPrefix(f.Name, "__") {
			t.Errorf("%s.%s(%s) says nothing", def.Name, f.Name, a.Name)
		}
	}
}

// fromField reports whether the enum is that of a field, whose comment ent has
// no place to continue for each value.
func fromField(def *ast.Definition) bool {
	return def.Name == "AppointmentStatus" || def.Name == "ChangeAction"
}

// TestOldNames checks that what consumers of the replaced service know by name is there.
func TestOldNames(t *testing.T) {
	t.Parallel()
	schema, err := gql.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for typ, fields := range map[string]string{
		"Query": "node nodes client provider appointment reservation clients providers appointments reservations " +
			"availableAppointments confirmedAppointments activeReservations confirmedReservations expiredReservations",
		"Client":                       "id firstName lastName reservations activeReservations confirmedReservations expiredReservations providers",
		"Provider":                     "id firstName lastName appointments availableAppointments confirmedAppointments reservedAppointments clients",
		"Appointment":                  "id timeSlot provider reservations confirmedReservation",
		"Reservation":                  "id client appointment provider expiry expired confirmed",
		"Mutation":                     "clientCreate providerCreate appointmentBulkCreate reservationCreate reservationConfirm appointmentCancel reservationCancel reservationReschedule",
		"ClientCreateInput":            "firstName lastName",
		"ProviderCreateInput":          "firstName lastName",
		"AppointmentBulkCreateInput":   "providerId startTime endTime",
		"ReservationCreateInput":       "clientId appointmentId",
		"ReservationConfirmInput":      "reservationId",
		"ReservationCancelInput":       "reservationId",
		"ReservationRescheduleInput":   "reservationId appointmentId",
		"ClientCreatePayload":          "client",
		"ProviderCreatePayload":        "provider",
		"AppointmentBulkCreatePayload": "appointments",
		"ReservationCreatePayload":     "reservation",
		"ReservationConfirmPayload":    "reservation",
		"ClientUpdateInput":            "id firstName lastName",
		"ReservationReschedulePayload": "reservation",
	} {
		for _, name := range strings.Fields(fields) {
			if def := schema.Types[typ]; def == nil || def.Fields.ForName(name) == nil {
				t.Errorf("there is no %s.%s", typ, name)
			}
		}
	}
}
