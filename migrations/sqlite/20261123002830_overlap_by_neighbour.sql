-- atlas:delimiter \n\n

-- Drop trigger "appointments_provider_overlap_insert"
DROP TRIGGER IF EXISTS appointments_provider_overlap_insert


-- Drop trigger "appointments_provider_overlap_update"
DROP TRIGGER IF EXISTS appointments_provider_overlap_update


-- Drop trigger "reservations_client_busy_insert"
DROP TRIGGER IF EXISTS reservations_client_busy_insert


-- Drop trigger "reservations_client_busy_update"
DROP TRIGGER IF EXISTS reservations_client_busy_update


-- Drop trigger "reservations_slot_taken_insert"
DROP TRIGGER IF EXISTS reservations_slot_taken_insert


-- Drop trigger "reservations_slot_taken_update"
DROP TRIGGER IF EXISTS reservations_slot_taken_update


-- Create trigger "appointments_provider_overlap_insert"
CREATE TRIGGER appointments_provider_overlap_insert BEFORE INSERT ON appointments BEGIN SELECT RAISE(ABORT, 'appointments_provider_overlap') WHERE EXISTS (SELECT 1 FROM (SELECT ends_at FROM appointments AS o WHERE o.provider_id = NEW.provider_id AND o.id IS NOT NEW.id AND (o.ends_at IS NULL OR o.time_slot < o.ends_at) AND (NEW.ends_at IS NULL OR NEW.time_slot < NEW.ends_at) AND o.time_slot < coalesce(NEW.ends_at, '~') AND o.status = 'OPEN' AND NEW.status = 'OPEN' ORDER BY o.time_slot DESC LIMIT 1) AS o WHERE (o.ends_at IS NULL OR NEW.time_slot < o.ends_at)); END


-- Create trigger "appointments_provider_overlap_update"
CREATE TRIGGER appointments_provider_overlap_update BEFORE UPDATE OF provider_id, time_slot, ends_at, status ON appointments BEGIN SELECT RAISE(ABORT, 'appointments_provider_overlap') WHERE EXISTS (SELECT 1 FROM (SELECT ends_at FROM appointments AS o WHERE o.provider_id = NEW.provider_id AND o.id IS NOT NEW.id AND (o.ends_at IS NULL OR o.time_slot < o.ends_at) AND (NEW.ends_at IS NULL OR NEW.time_slot < NEW.ends_at) AND o.time_slot < coalesce(NEW.ends_at, '~') AND o.status = 'OPEN' AND NEW.status = 'OPEN' ORDER BY o.time_slot DESC LIMIT 1) AS o WHERE (o.ends_at IS NULL OR NEW.time_slot < o.ends_at)); END


-- Create trigger "reservations_slot_taken_insert"
CREATE TRIGGER reservations_slot_taken_insert BEFORE INSERT ON reservations BEGIN SELECT RAISE(ABORT, 'reservations_slot_taken') WHERE EXISTS (SELECT 1 FROM (SELECT active_until FROM reservations AS o WHERE o.appointment_id = NEW.appointment_id AND o.id IS NOT NEW.id AND (o.active_until IS NULL OR o.active_from < o.active_until) AND (NEW.active_until IS NULL OR NEW.active_from < NEW.active_until) AND o.active_from < coalesce(NEW.active_until, '~') ORDER BY o.active_from DESC LIMIT 1) AS o WHERE (o.active_until IS NULL OR NEW.active_from < o.active_until)); END


-- Create trigger "reservations_slot_taken_update"
CREATE TRIGGER reservations_slot_taken_update BEFORE UPDATE OF appointment_id, active_from, active_until ON reservations BEGIN SELECT RAISE(ABORT, 'reservations_slot_taken') WHERE EXISTS (SELECT 1 FROM (SELECT active_until FROM reservations AS o WHERE o.appointment_id = NEW.appointment_id AND o.id IS NOT NEW.id AND (o.active_until IS NULL OR o.active_from < o.active_until) AND (NEW.active_until IS NULL OR NEW.active_from < NEW.active_until) AND o.active_from < coalesce(NEW.active_until, '~') ORDER BY o.active_from DESC LIMIT 1) AS o WHERE (o.active_until IS NULL OR NEW.active_from < o.active_until)); END


-- Create trigger "reservations_client_busy_insert"
CREATE TRIGGER reservations_client_busy_insert BEFORE INSERT ON reservations BEGIN SELECT RAISE(ABORT, 'reservations_client_busy') WHERE EXISTS (SELECT 1 FROM reservations AS o WHERE o.client_id = NEW.client_id AND o.id IS NOT NEW.id AND (o.ends_at IS NULL OR o.time_slot < o.ends_at) AND (NEW.ends_at IS NULL OR NEW.time_slot < NEW.ends_at) AND o.time_slot < coalesce(NEW.ends_at, '~') AND (o.active_until IS NULL OR o.active_from < o.active_until) AND (NEW.active_until IS NULL OR NEW.active_from < NEW.active_until) AND o.active_from < coalesce(NEW.active_until, '~') AND (o.ends_at IS NULL OR NEW.time_slot < o.ends_at) AND (o.active_until IS NULL OR NEW.active_from < o.active_until)); END


-- Create trigger "reservations_client_busy_update"
CREATE TRIGGER reservations_client_busy_update BEFORE UPDATE OF client_id, time_slot, ends_at, active_from, active_until ON reservations BEGIN SELECT RAISE(ABORT, 'reservations_client_busy') WHERE EXISTS (SELECT 1 FROM reservations AS o WHERE o.client_id = NEW.client_id AND o.id IS NOT NEW.id AND (o.ends_at IS NULL OR o.time_slot < o.ends_at) AND (NEW.ends_at IS NULL OR NEW.time_slot < NEW.ends_at) AND o.time_slot < coalesce(NEW.ends_at, '~') AND (o.active_until IS NULL OR o.active_from < o.active_until) AND (NEW.active_until IS NULL OR NEW.active_from < NEW.active_until) AND o.active_from < coalesce(NEW.active_until, '~') AND (o.ends_at IS NULL OR NEW.time_slot < o.ends_at) AND (o.active_until IS NULL OR NEW.active_from < o.active_until)); END


