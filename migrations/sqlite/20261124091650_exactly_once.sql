-- atlas:delimiter \n\n

-- Create "changes" table
CREATE TABLE `changes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `row_id` integer NOT NULL, `version` integer NOT NULL, `changed_at` datetime NOT NULL, `columns` json NOT NULL)


-- Set sequence for "changes" table
INSERT INTO sqlite_sequence (name, seq) VALUES ("changes", 17179869184)


-- Create index "change_row_id_version" to table: "changes"
CREATE INDEX `change_row_id_version` ON `changes` (`row_id`, `version`)


-- Create "idempotency_keys" table
CREATE TABLE `idempotency_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` datetime NOT NULL, `asker` text NOT NULL, `operation` text NOT NULL, `key` text NOT NULL, `input` text NOT NULL, `result` json NOT NULL)


-- Set sequence for "idempotency_keys" table
INSERT INTO sqlite_sequence (name, seq) VALUES ("idempotency_keys", 21474836480)


-- Create index "idempotencykey_asker_operation_key" to table: "idempotency_keys"
CREATE UNIQUE INDEX `idempotencykey_asker_operation_key` ON `idempotency_keys` (`asker`, `operation`, `key`)


-- Create index "idempotencykey_created_at" to table: "idempotency_keys"
CREATE INDEX `idempotencykey_created_at` ON `idempotency_keys` (`created_at`)


-- Create trigger "appointments_changed"
CREATE TRIGGER appointments_changed AFTER UPDATE ON appointments BEGIN INSERT INTO changes (row_id, version, changed_at, columns) SELECT NEW.id, NEW.version, NEW.updated_at, json_group_array(name) FROM (SELECT 'time_slot' AS name WHERE NEW.`time_slot` IS NOT OLD.`time_slot` UNION ALL SELECT 'ends_at' AS name WHERE NEW.`ends_at` IS NOT OLD.`ends_at` UNION ALL SELECT 'status' AS name WHERE NEW.`status` IS NOT OLD.`status` UNION ALL SELECT 'provider_id' AS name WHERE NEW.`provider_id` IS NOT OLD.`provider_id`); END


-- Create trigger "clients_changed"
CREATE TRIGGER clients_changed AFTER UPDATE ON clients BEGIN INSERT INTO changes (row_id, version, changed_at, columns) SELECT NEW.id, NEW.version, NEW.updated_at, json_group_array(name) FROM (SELECT 'first_name' AS name WHERE NEW.`first_name` IS NOT OLD.`first_name` UNION ALL SELECT 'last_name' AS name WHERE NEW.`last_name` IS NOT OLD.`last_name` UNION ALL SELECT 'subject' AS name WHERE NEW.`subject` IS NOT OLD.`subject`); END


-- Create trigger "providers_changed"
CREATE TRIGGER providers_changed AFTER UPDATE ON providers BEGIN INSERT INTO changes (row_id, version, changed_at, columns) SELECT NEW.id, NEW.version, NEW.updated_at, json_group_array(name) FROM (SELECT 'first_name' AS name WHERE NEW.`first_name` IS NOT OLD.`first_name` UNION ALL SELECT 'last_name' AS name WHERE NEW.`last_name` IS NOT OLD.`last_name` UNION ALL SELECT 'time_zone' AS name WHERE NEW.`time_zone` IS NOT OLD.`time_zone` UNION ALL SELECT 'subject' AS name WHERE NEW.`subject` IS NOT OLD.`subject`); END


-- Create trigger "reservations_changed"
CREATE TRIGGER reservations_changed AFTER UPDATE ON reservations BEGIN INSERT INTO changes (row_id, version, changed_at, columns) SELECT NEW.id, NEW.version, NEW.updated_at, json_group_array(name) FROM (SELECT 'time_slot' AS name WHERE NEW.`time_slot` IS NOT OLD.`time_slot` UNION ALL SELECT 'ends_at' AS name WHERE NEW.`ends_at` IS NOT OLD.`ends_at` UNION ALL SELECT 'state' AS name WHERE NEW.`state` IS NOT OLD.`state` UNION ALL SELECT 'expiry' AS name WHERE NEW.`expiry` IS NOT OLD.`expiry` UNION ALL SELECT 'active_from' AS name WHERE NEW.`active_from` IS NOT OLD.`active_from` UNION ALL SELECT 'active_until' AS name WHERE NEW.`active_until` IS NOT OLD.`active_until` UNION ALL SELECT 'confirmed_at' AS name WHERE NEW.`confirmed_at` IS NOT OLD.`confirmed_at` UNION ALL SELECT 'cancelled_at' AS name WHERE NEW.`cancelled_at` IS NOT OLD.`cancelled_at` UNION ALL SELECT 'appointment_id' AS name WHERE NEW.`appointment_id` IS NOT OLD.`appointment_id` UNION ALL SELECT 'client_id' AS name WHERE NEW.`client_id` IS NOT OLD.`client_id` UNION ALL SELECT 'provider_id' AS name WHERE NEW.`provider_id` IS NOT OLD.`provider_id`); END


