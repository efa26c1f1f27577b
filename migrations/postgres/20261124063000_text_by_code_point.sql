-- Text is ordered and folded alike on every PostgreSQL, whatever its locale, and on SQLite.
ALTER TABLE "clients"
  ALTER COLUMN "first_name" TYPE character varying(100) COLLATE "C",
  ALTER COLUMN "last_name" TYPE character varying(100) COLLATE "C",
  ALTER COLUMN "subject" TYPE character varying COLLATE "C";
ALTER TABLE "providers"
  ALTER COLUMN "first_name" TYPE character varying(100) COLLATE "C",
  ALTER COLUMN "last_name" TYPE character varying(100) COLLATE "C",
  ALTER COLUMN "time_zone" TYPE character varying COLLATE "C",
  ALTER COLUMN "subject" TYPE character varying COLLATE "C";
ALTER TABLE "appointments" ALTER COLUMN "status" TYPE character varying COLLATE "C";
ALTER TABLE "reservations" ALTER COLUMN "state" TYPE character varying COLLATE "C";
