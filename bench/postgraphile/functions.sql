-- What PostGraphile needs beyond docket's tables; yoga uses reserve, too.

CREATE FUNCTION reservations_confirmed(reservation reservations) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT reservation.state = 'CONFIRMED'
$$;

-- ANY keeps the planner from the index of the exclusion, which would do at three
-- times the cost.
CREATE FUNCTION providers_available_appointments(provider providers, since timestamptz, until timestamptz)
RETURNS SETOF appointments LANGUAGE sql STABLE AS $$
	SELECT a.* FROM appointments a
	WHERE a.provider_id = provider.id AND a.status = 'OPEN'
	AND a.time_slot >= since AND a.time_slot < until AND a.time_slot >= now() + interval '1 day'
	AND NOT EXISTS (SELECT FROM reservations r WHERE r.appointment_id = ANY (ARRAY[a.id])
		AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > now()))
	ORDER BY a.id
$$;

-- The rows are locked so that of two who want the same the second waits.
CREATE FUNCTION reserve(client_id bigint, appointment_id bigint) RETURNS reservations LANGUAGE plpgsql AS $$
DECLARE
	wanted appointments;
	made reservations;
BEGIN
	PERFORM FROM clients c WHERE c.id = reserve.client_id FOR NO KEY UPDATE;
	SELECT * INTO wanted FROM appointments a
	WHERE a.id = reserve.appointment_id AND a.status = 'OPEN' AND a.time_slot >= now() + interval '1 day'
	FOR NO KEY UPDATE;
	IF NOT FOUND OR EXISTS (SELECT FROM reservations r WHERE r.appointment_id = wanted.id
		AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > now()))
	THEN
		RAISE EXCEPTION 'SLOT_HELD' USING ERRCODE = 'UV001';
	END IF;
	INSERT INTO reservations (created_at, updated_at, client_id, appointment_id, provider_id, time_slot, ends_at, expiry, active_from, active_until)
	VALUES (now(), now(), reserve.client_id, wanted.id, wanted.provider_id, wanted.time_slot, wanted.ends_at,
		now() + interval '30 minutes', now(), now() + interval '30 minutes')
	RETURNING * INTO made;
	RETURN made;
END
$$;
