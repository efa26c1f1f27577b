-- The scope of an exclusion becomes an expression: only B-trees are to be looked up by it.
-- Modify "appointments" table
ALTER TABLE "appointments" DROP CONSTRAINT "appointments_provider_overlap", ADD CONSTRAINT "appointments_provider_overlap" EXCLUDE USING GIST ((provider_id + 0) WITH =, (tstzrange(time_slot, ends_at)) WITH &&) WHERE ((status)::text = 'OPEN'::text);
-- Modify "reservations" table
ALTER TABLE "reservations" DROP CONSTRAINT "reservations_client_busy", DROP CONSTRAINT "reservations_slot_taken", ADD CONSTRAINT "reservations_client_busy" EXCLUDE USING GIST ((client_id + 0) WITH =, (tstzrange(time_slot, ends_at)) WITH &&, (tstzrange(active_from, active_until)) WITH &&), ADD CONSTRAINT "reservations_slot_taken" EXCLUDE USING GIST ((appointment_id + 0) WITH =, (tstzrange(active_from, active_until)) WITH &&);
