-- atlas:delimiter \n\n

-- Create "appointments" table
CREATE TABLE `appointments` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `time_slot` datetime NOT NULL, `ends_at` datetime NOT NULL, `status` text NOT NULL DEFAULT ('OPEN'), `provider_id` integer NOT NULL, CONSTRAINT `appointments_providers_appointments` FOREIGN KEY (`provider_id`) REFERENCES `providers` (`id`) ON DELETE CASCADE, CONSTRAINT `appointment_known_status` CHECK (status = 'OPEN' OR status = 'CANCELLED'), CONSTRAINT `appointment_start_before_end` CHECK (time_slot < ends_at))


-- Create index "appointment_provider_id_time_slot" to table: "appointments"
CREATE INDEX `appointment_provider_id_time_slot` ON `appointments` (`provider_id`, `time_slot`)


-- Create index "appointment_time_slot" to table: "appointments"
CREATE INDEX `appointment_time_slot` ON `appointments` (`time_slot`)


-- Create index "appointments_copied_by_reservations" to table: "appointments"
CREATE UNIQUE INDEX `appointments_copied_by_reservations` ON `appointments` (`id`, `provider_id`, `time_slot`, `ends_at`)


-- Create "clients" table
CREATE TABLE `clients` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `first_name` varchar NOT NULL, `last_name` varchar NOT NULL, `subject` text NULL, CONSTRAINT `first_name_length` CHECK (length(first_name) BETWEEN 1 AND 100), CONSTRAINT `last_name_length` CHECK (length(last_name) BETWEEN 1 AND 100))


-- Set sequence for "clients" table
INSERT INTO sqlite_sequence (name, seq) VALUES ("clients", 4294967296)


-- Create index "clients_subject_key" to table: "clients"
CREATE UNIQUE INDEX `clients_subject_key` ON `clients` (`subject`)


-- Create "providers" table
CREATE TABLE `providers` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `first_name` varchar NOT NULL, `last_name` varchar NOT NULL, `time_zone` text NOT NULL DEFAULT ('UTC'), `subject` text NULL, CONSTRAINT `first_name_length` CHECK (length(first_name) BETWEEN 1 AND 100), CONSTRAINT `last_name_length` CHECK (length(last_name) BETWEEN 1 AND 100))


-- Set sequence for "providers" table
INSERT INTO sqlite_sequence (name, seq) VALUES ("providers", 8589934592)


-- Create index "providers_subject_key" to table: "providers"
CREATE UNIQUE INDEX `providers_subject_key` ON `providers` (`subject`)


-- Create "reservations" table
CREATE TABLE `reservations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `time_slot` datetime NOT NULL, `ends_at` datetime NOT NULL, `state` text NOT NULL DEFAULT ('HELD'), `expiry` datetime NOT NULL, `active_from` datetime NOT NULL, `active_until` datetime NULL, `confirmed_at` datetime NULL, `cancelled_at` datetime NULL, `appointment_id` integer NOT NULL, `client_id` integer NOT NULL, `provider_id` integer NOT NULL, CONSTRAINT `reservations_appointment_id_copies` FOREIGN KEY (`appointment_id`, `provider_id`, `time_slot`, `ends_at`) REFERENCES `appointments` (`id`, `provider_id`, `time_slot`, `ends_at`) ON DELETE CASCADE, CONSTRAINT `reservations_clients_reservations` FOREIGN KEY (`client_id`) REFERENCES `clients` (`id`) ON DELETE CASCADE, CONSTRAINT `reservations_providers_reservations` FOREIGN KEY (`provider_id`) REFERENCES `providers` (`id`) ON DELETE CASCADE, CONSTRAINT `reservation_active_span` CHECK (active_until IS NULL OR active_until >= active_from), CONSTRAINT `reservation_confirmed_stays` CHECK (state <> 'CONFIRMED' AND active_until IS NOT NULL OR state = 'CONFIRMED' AND active_until IS NULL), CONSTRAINT `reservation_held_till_expiry` CHECK (state <> 'HELD' OR active_until = expiry), CONSTRAINT `reservation_known_state` CHECK (state = 'HELD' OR state = 'CONFIRMED' OR state = 'CANCELLED'))


-- Set sequence for "reservations" table
INSERT INTO sqlite_sequence (name, seq) VALUES ("reservations", 12884901888)


-- Create index "reservation_appointment_id_state" to table: "reservations"
CREATE INDEX `reservation_appointment_id_state` ON `reservations` (`appointment_id`, `state`)


-- Create index "reservation_client_id_time_slot" to table: "reservations"
CREATE INDEX `reservation_client_id_time_slot` ON `reservations` (`client_id`, `time_slot`)


-- Create index "reservation_provider_id_time_slot" to table: "reservations"
CREATE INDEX `reservation_provider_id_time_slot` ON `reservations` (`provider_id`, `time_slot`)


-- Create view "client_providers"
CREATE VIEW client_providers AS SELECT DISTINCT client_id, provider_id FROM reservations


-- Create trigger "appointments_provider_overlap_insert"
CREATE TRIGGER appointments_provider_overlap_insert BEFORE INSERT ON appointments BEGIN SELECT RAISE(ABORT, 'appointments_provider_overlap') WHERE EXISTS (SELECT 1 FROM appointments AS o WHERE o.provider_id = NEW.provider_id AND o.id IS NOT NEW.id AND (o.ends_at IS NULL OR o.time_slot < o.ends_at) AND (NEW.ends_at IS NULL OR NEW.time_slot < NEW.ends_at) AND (NEW.ends_at IS NULL OR o.time_slot < NEW.ends_at) AND (o.ends_at IS NULL OR NEW.time_slot < o.ends_at) AND o.status = 'OPEN' AND NEW.status = 'OPEN'); END


-- Create trigger "appointments_provider_overlap_update"
CREATE TRIGGER appointments_provider_overlap_update BEFORE UPDATE OF provider_id, time_slot, ends_at, status ON appointments BEGIN SELECT RAISE(ABORT, 'appointments_provider_overlap') WHERE EXISTS (SELECT 1 FROM appointments AS o WHERE o.provider_id = NEW.provider_id AND o.id IS NOT NEW.id AND (o.ends_at IS NULL OR o.time_slot < o.ends_at) AND (NEW.ends_at IS NULL OR NEW.time_slot < NEW.ends_at) AND (NEW.ends_at IS NULL OR o.time_slot < NEW.ends_at) AND (o.ends_at IS NULL OR NEW.time_slot < o.ends_at) AND o.status = 'OPEN' AND NEW.status = 'OPEN'); END


-- Create trigger "reservations_slot_taken_insert"
CREATE TRIGGER reservations_slot_taken_insert BEFORE INSERT ON reservations BEGIN SELECT RAISE(ABORT, 'reservations_slot_taken') WHERE EXISTS (SELECT 1 FROM reservations AS o WHERE o.appointment_id = NEW.appointment_id AND o.id IS NOT NEW.id AND (o.active_until IS NULL OR o.active_from < o.active_until) AND (NEW.active_until IS NULL OR NEW.active_from < NEW.active_until) AND (NEW.active_until IS NULL OR o.active_from < NEW.active_until) AND (o.active_until IS NULL OR NEW.active_from < o.active_until)); END


-- Create trigger "reservations_slot_taken_update"
CREATE TRIGGER reservations_slot_taken_update BEFORE UPDATE OF appointment_id, active_from, active_until ON reservations BEGIN SELECT RAISE(ABORT, 'reservations_slot_taken') WHERE EXISTS (SELECT 1 FROM reservations AS o WHERE o.appointment_id = NEW.appointment_id AND o.id IS NOT NEW.id AND (o.active_until IS NULL OR o.active_from < o.active_until) AND (NEW.active_until IS NULL OR NEW.active_from < NEW.active_until) AND (NEW.active_until IS NULL OR o.active_from < NEW.active_until) AND (o.active_until IS NULL OR NEW.active_from < o.active_until)); END


-- Create trigger "reservations_client_busy_insert"
CREATE TRIGGER reservations_client_busy_insert BEFORE INSERT ON reservations BEGIN SELECT RAISE(ABORT, 'reservations_client_busy') WHERE EXISTS (SELECT 1 FROM reservations AS o WHERE o.client_id = NEW.client_id AND o.id IS NOT NEW.id AND (o.ends_at IS NULL OR o.time_slot < o.ends_at) AND (NEW.ends_at IS NULL OR NEW.time_slot < NEW.ends_at) AND (NEW.ends_at IS NULL OR o.time_slot < NEW.ends_at) AND (o.ends_at IS NULL OR NEW.time_slot < o.ends_at) AND (o.active_until IS NULL OR o.active_from < o.active_until) AND (NEW.active_until IS NULL OR NEW.active_from < NEW.active_until) AND (NEW.active_until IS NULL OR o.active_from < NEW.active_until) AND (o.active_until IS NULL OR NEW.active_from < o.active_until)); END


-- Create trigger "reservations_client_busy_update"
CREATE TRIGGER reservations_client_busy_update BEFORE UPDATE OF client_id, time_slot, ends_at, active_from, active_until ON reservations BEGIN SELECT RAISE(ABORT, 'reservations_client_busy') WHERE EXISTS (SELECT 1 FROM reservations AS o WHERE o.client_id = NEW.client_id AND o.id IS NOT NEW.id AND (o.ends_at IS NULL OR o.time_slot < o.ends_at) AND (NEW.ends_at IS NULL OR NEW.time_slot < NEW.ends_at) AND (NEW.ends_at IS NULL OR o.time_slot < NEW.ends_at) AND (o.ends_at IS NULL OR NEW.time_slot < o.ends_at) AND (o.active_until IS NULL OR o.active_from < o.active_until) AND (NEW.active_until IS NULL OR NEW.active_from < NEW.active_until) AND (NEW.active_until IS NULL OR o.active_from < NEW.active_until) AND (o.active_until IS NULL OR NEW.active_from < o.active_until)); END


