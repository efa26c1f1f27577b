-- Modify "changes" table: what is noted there already are updates
ALTER TABLE "changes" ADD COLUMN "action" character varying NOT NULL DEFAULT 'UPDATE' COLLATE "C", ADD COLUMN "viewer" character varying NULL COLLATE "C", ADD COLUMN "operation" character varying NULL COLLATE "C", ADD COLUMN "database_user" character varying NULL COLLATE "C";
-- Create function "note_change"
CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS '
#variable_conflict use_variable
DECLARE
	noted timestamptz := clock_timestamp();
	viewer text := nullif(current_setting(''docket.viewer'', true), '''');
	operation text := nullif(current_setting(''docket.operation'', true), '''');
BEGIN
	IF TG_OP = ''INSERT'' THEN
		INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation, database_user)
		SELECT r.id, r.version, noted, ''[]'', ''CREATE'', viewer, operation, session_user FROM made r;
	ELSIF TG_OP = ''DELETE'' THEN
		INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation, database_user)
		SELECT r.id, r.version, noted, ''[]'', ''DELETE'', viewer, operation, session_user FROM gone r;
	ELSIF TG_OP = ''TRUNCATE'' THEN
		EXECUTE format(''INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation, database_user)
		SELECT id, version, $1, $2, $3, $4, $5, session_user FROM %I.%I ORDER BY id'', TG_TABLE_SCHEMA, TG_TABLE_NAME)
		USING noted, ''[]''::jsonb, ''DELETE'', viewer, operation;
	ELSE
		INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation, database_user)
		SELECT NEW.id, NEW.version, noted, coalesce(jsonb_agg(n.key ORDER BY n.key), ''[]''), ''UPDATE'', viewer, operation, session_user
		FROM jsonb_each(to_jsonb(NEW)) n JOIN jsonb_each(to_jsonb(OLD)) o USING (key)
		WHERE n.value <> o.value AND n.key NOT IN (''id'', ''created_at'', ''updated_at'', ''version'');
	END IF;
	RETURN NULL;
END';
-- Create function "keep_changes"
CREATE OR REPLACE FUNCTION keep_changes() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
	RAISE EXCEPTION ''changes is append-only: entries can be neither changed nor deleted (docs/audit.md tells how they are archived)'' USING ERRCODE = ''insufficient_privilege'';
END';
-- Create trigger "changes_kept"
CREATE TRIGGER changes_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON changes FOR EACH STATEMENT EXECUTE FUNCTION keep_changes();
-- Create trigger "appointments_created"
CREATE TRIGGER appointments_created AFTER INSERT ON appointments REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "appointments_deleted"
CREATE TRIGGER appointments_deleted AFTER DELETE ON appointments REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "clients_created"
CREATE TRIGGER clients_created AFTER INSERT ON clients REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "clients_deleted"
CREATE TRIGGER clients_deleted AFTER DELETE ON clients REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "providers_created"
CREATE TRIGGER providers_created AFTER INSERT ON providers REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "providers_deleted"
CREATE TRIGGER providers_deleted AFTER DELETE ON providers REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "reservations_created"
CREATE TRIGGER reservations_created AFTER INSERT ON reservations REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "reservations_deleted"
CREATE TRIGGER reservations_deleted AFTER DELETE ON reservations REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "appointments_truncated"
CREATE TRIGGER appointments_truncated BEFORE TRUNCATE ON appointments FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "clients_truncated"
CREATE TRIGGER clients_truncated BEFORE TRUNCATE ON clients FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "providers_truncated"
CREATE TRIGGER providers_truncated BEFORE TRUNCATE ON providers FOR EACH STATEMENT EXECUTE FUNCTION note_change();
-- Create trigger "reservations_truncated"
CREATE TRIGGER reservations_truncated BEFORE TRUNCATE ON reservations FOR EACH STATEMENT EXECUTE FUNCTION note_change();
