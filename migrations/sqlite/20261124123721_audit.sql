-- atlas:delimiter \n\n

-- Drop trigger "appointments_changed"
DROP TRIGGER IF EXISTS appointments_changed


-- Drop trigger "clients_changed"
DROP TRIGGER IF EXISTS clients_changed


-- Drop trigger "providers_changed"
DROP TRIGGER IF EXISTS providers_changed


-- Drop trigger "reservations_changed"
DROP TRIGGER IF EXISTS reservations_changed


-- Add columns to "changes": what is noted there already are updates
ALTER TABLE `changes` ADD COLUMN `action` text NOT NULL DEFAULT ('UPDATE')


ALTER TABLE `changes` ADD COLUMN `viewer` text NULL


ALTER TABLE `changes` ADD COLUMN `operation` text NULL


ALTER TABLE `changes` ADD COLUMN `database_user` text NULL


-- Create index "change_changed_at_id" to table: "changes"
CREATE INDEX `change_changed_at_id` ON `changes` (`changed_at`, `id`)


-- Create index "change_viewer_id" to table: "changes"
CREATE INDEX `change_viewer_id` ON `changes` (`viewer`, `id`)


-- Create "asking" table
CREATE TABLE `asking` (`id` integer NOT NULL, `viewer` text NULL, `operation` text NULL, PRIMARY KEY (`id`))


-- Create trigger "changes_kept_update"
CREATE TRIGGER changes_kept_update BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'changes is append-only: entries can be neither changed nor deleted (docs/audit.md tells how they are archived)'); END


-- Create trigger "changes_kept_delete"
CREATE TRIGGER changes_kept_delete BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'changes is append-only: entries can be neither changed nor deleted (docs/audit.md tells how they are archived)'); END


-- Create trigger "changes_kept_replace"
CREATE TRIGGER changes_kept_replace BEFORE INSERT ON changes WHEN NEW.id IN (SELECT id FROM changes) BEGIN SELECT RAISE(ABORT, 'changes is append-only: entries can be neither changed nor deleted (docs/audit.md tells how they are archived)'); END


-- Create trigger "appointments_created"
CREATE TRIGGER appointments_created AFTER INSERT ON appointments BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT NEW.id, NEW.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', '[]', 'CREATE', (SELECT viewer FROM asking), (SELECT operation FROM asking); END


-- Create trigger "appointments_changed"
CREATE TRIGGER appointments_changed AFTER UPDATE ON appointments BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT NEW.id, NEW.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', json_group_array(name), 'UPDATE', (SELECT viewer FROM asking), (SELECT operation FROM asking) FROM (SELECT 'ends_at' AS name WHERE NEW.`ends_at` IS NOT OLD.`ends_at` UNION ALL SELECT 'provider_id' AS name WHERE NEW.`provider_id` IS NOT OLD.`provider_id` UNION ALL SELECT 'status' AS name WHERE NEW.`status` IS NOT OLD.`status` UNION ALL SELECT 'time_slot' AS name WHERE NEW.`time_slot` IS NOT OLD.`time_slot`); END


-- Create trigger "appointments_deleted"
CREATE TRIGGER appointments_deleted AFTER DELETE ON appointments BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT OLD.id, OLD.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', '[]', 'DELETE', (SELECT viewer FROM asking), (SELECT operation FROM asking); END


-- Create trigger "clients_created"
CREATE TRIGGER clients_created AFTER INSERT ON clients BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT NEW.id, NEW.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', '[]', 'CREATE', (SELECT viewer FROM asking), (SELECT operation FROM asking); END


-- Create trigger "clients_changed"
CREATE TRIGGER clients_changed AFTER UPDATE ON clients BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT NEW.id, NEW.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', json_group_array(name), 'UPDATE', (SELECT viewer FROM asking), (SELECT operation FROM asking) FROM (SELECT 'first_name' AS name WHERE NEW.`first_name` IS NOT OLD.`first_name` UNION ALL SELECT 'last_name' AS name WHERE NEW.`last_name` IS NOT OLD.`last_name` UNION ALL SELECT 'subject' AS name WHERE NEW.`subject` IS NOT OLD.`subject`); END


-- Create trigger "clients_deleted"
CREATE TRIGGER clients_deleted AFTER DELETE ON clients BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT OLD.id, OLD.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', '[]', 'DELETE', (SELECT viewer FROM asking), (SELECT operation FROM asking); END


-- Create trigger "providers_created"
CREATE TRIGGER providers_created AFTER INSERT ON providers BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT NEW.id, NEW.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', '[]', 'CREATE', (SELECT viewer FROM asking), (SELECT operation FROM asking); END


-- Create trigger "providers_changed"
CREATE TRIGGER providers_changed AFTER UPDATE ON providers BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT NEW.id, NEW.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', json_group_array(name), 'UPDATE', (SELECT viewer FROM asking), (SELECT operation FROM asking) FROM (SELECT 'first_name' AS name WHERE NEW.`first_name` IS NOT OLD.`first_name` UNION ALL SELECT 'last_name' AS name WHERE NEW.`last_name` IS NOT OLD.`last_name` UNION ALL SELECT 'subject' AS name WHERE NEW.`subject` IS NOT OLD.`subject` UNION ALL SELECT 'time_zone' AS name WHERE NEW.`time_zone` IS NOT OLD.`time_zone`); END


-- Create trigger "providers_deleted"
CREATE TRIGGER providers_deleted AFTER DELETE ON providers BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT OLD.id, OLD.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', '[]', 'DELETE', (SELECT viewer FROM asking), (SELECT operation FROM asking); END


-- Create trigger "reservations_created"
CREATE TRIGGER reservations_created AFTER INSERT ON reservations BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT NEW.id, NEW.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', '[]', 'CREATE', (SELECT viewer FROM asking), (SELECT operation FROM asking); END


-- Create trigger "reservations_changed"
CREATE TRIGGER reservations_changed AFTER UPDATE ON reservations BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT NEW.id, NEW.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', json_group_array(name), 'UPDATE', (SELECT viewer FROM asking), (SELECT operation FROM asking) FROM (SELECT 'active_from' AS name WHERE NEW.`active_from` IS NOT OLD.`active_from` UNION ALL SELECT 'active_until' AS name WHERE NEW.`active_until` IS NOT OLD.`active_until` UNION ALL SELECT 'appointment_id' AS name WHERE NEW.`appointment_id` IS NOT OLD.`appointment_id` UNION ALL SELECT 'cancelled_at' AS name WHERE NEW.`cancelled_at` IS NOT OLD.`cancelled_at` UNION ALL SELECT 'client_id' AS name WHERE NEW.`client_id` IS NOT OLD.`client_id` UNION ALL SELECT 'confirmed_at' AS name WHERE NEW.`confirmed_at` IS NOT OLD.`confirmed_at` UNION ALL SELECT 'ends_at' AS name WHERE NEW.`ends_at` IS NOT OLD.`ends_at` UNION ALL SELECT 'expiry' AS name WHERE NEW.`expiry` IS NOT OLD.`expiry` UNION ALL SELECT 'provider_id' AS name WHERE NEW.`provider_id` IS NOT OLD.`provider_id` UNION ALL SELECT 'state' AS name WHERE NEW.`state` IS NOT OLD.`state` UNION ALL SELECT 'time_slot' AS name WHERE NEW.`time_slot` IS NOT OLD.`time_slot`); END


-- Create trigger "reservations_deleted"
CREATE TRIGGER reservations_deleted AFTER DELETE ON reservations BEGIN INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) SELECT OLD.id, OLD.version, rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00', '[]', 'DELETE', (SELECT viewer FROM asking), (SELECT operation FROM asking); END


