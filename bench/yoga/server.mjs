// Hand-written Node: graphql-yoga, graphql-jit, DataLoader, node-postgres with named statements.
// PORT, DATABASE_URL, and POOL connections in each of WORKERS processes come from the environment.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { createSchema, createYoga } from "graphql-yoga";
import { useGraphQlJit } from "@envelop/graphql-jit";
import { GraphQLError } from "graphql";
import DataLoader from "dataloader";
import pg from "pg";

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL),
  idleTimeoutMillis: 0, // a connection costs more to open than hundreds of queries: keep them
});
// Ids are docket's: the base64 of "Type:n", where each type has a range of 2^32 numbers.
const RANGE = 2 ** 32;
const write = (type) => (row) => btoa(`${type}:${row.id % RANGE}`);
const read = (range) => (id) => Number(atob(id).split(":")[1]) + range * RANGE;
const clientId = read(1), providerId = read(2), appointmentId = read(0);
const rows = async (name, text, values) => (await pool.query({ name, text, values })).rows;

const typeDefs = /* GraphQL */ `
  type PageInfo { hasNextPage: Boolean! endCursor: ID }
  type Provider {
    id: ID! firstName: String! lastName: String!
    appointments(first: Int!): AppointmentConnection!
    availableAppointments(since: String!, until: String!, first: Int!): AppointmentConnection!
  }
  type Client { id: ID! firstName: String! lastName: String! }
  type Appointment { id: ID! timeSlot: String! reservations: ReservationConnection! }
  type Reservation { id: ID! expiry: String! confirmed: Boolean! client: Client! appointment: Appointment! }
  type ProviderEdge { node: Provider! }
  type ClientEdge { node: Client! }
  type AppointmentEdge { node: Appointment! }
  type ReservationEdge { node: Reservation! }
  type ProviderConnection { edges: [ProviderEdge!]! pageInfo: PageInfo! }
  type ClientConnection { edges: [ClientEdge!]! pageInfo: PageInfo! }
  type AppointmentConnection { edges: [AppointmentEdge!]! pageInfo: PageInfo! }
  type ReservationConnection { edges: [ReservationEdge!]! }
  type ReservePayload { reservation: Reservation! }
  type Query {
    provider(id: ID!): Provider
    providers(first: Int!, after: ID): ProviderConnection!
    clients(first: Int!, after: ID): ClientConnection!
  }
  type Mutation { reserve(client: ID!, appointment: ID!): ReservePayload! }
`;

const PERSON = `id, first_name AS "firstName", last_name AS "lastName"`;
const page = (found, first) => {
  const list = found.length > first ? found.slice(0, first) : found;
  return {
    edges: list.map((node) => ({ node })),
    pageInfo: { hasNextPage: found.length > first, endCursor: list.at(-1)?.id ?? null },
  };
};
const group = (found, keys, key) => {
  const by = new Map(keys.map((k) => [k, []]));
  for (const row of found) by.get(row[key]).push(row);
  return keys.map((k) => by.get(k));
};
const byId = (name, text) =>
  new DataLoader(async (ids) => {
    const by = new Map((await rows(name, text, [ids])).map((r) => [r.id, r]));
    return ids.map((id) => by.get(id));
  });
const loaders = () => {
  const appointments = new Map();
  return {
    client: byId("clients", `SELECT ${PERSON} FROM clients WHERE id = ANY($1::bigint[])`),
    appointment: byId("apps", `SELECT id, time_slot AS "timeSlot" FROM appointments WHERE id = ANY($1::bigint[])`),
    appointments: (first) => {
      if (!appointments.has(first))
        appointments.set(first, new DataLoader(async (ids) =>
          group(await rows("provider_apps",
            `SELECT a.id, a.time_slot AS "timeSlot", a.provider_id FROM unnest($1::bigint[]) p(id),
             LATERAL (SELECT * FROM appointments WHERE provider_id = p.id ORDER BY id LIMIT $2) a`,
            [ids, first + 1]), ids, "provider_id")));
      return appointments.get(first);
    },
    reservations: new DataLoader(async (ids) =>
      group(await rows("app_res",
        `SELECT id, expiry, state, client_id, appointment_id FROM reservations
         WHERE appointment_id = ANY($1::bigint[]) ORDER BY id`, [ids]), ids, "appointment_id")),
  };
};

const resolvers = {
  Query: {
    provider: async (_, { id }) =>
      (await rows("provider", `SELECT ${PERSON} FROM providers WHERE id = $1`, [providerId(id)]))[0] ?? null,
    providers: async (_, { first, after }) =>
      page(await rows("providers", `SELECT ${PERSON} FROM providers WHERE id > $1 ORDER BY id LIMIT $2`,
        [after ?? 0, first + 1]), first),
    clients: async (_, { first, after }) =>
      page(await rows("clients_page", `SELECT ${PERSON} FROM clients WHERE id > $1 ORDER BY id LIMIT $2`,
        [after ?? 0, first + 1]), first),
  },
  Client: { id: write("Client") },
  Provider: {
    id: write("Provider"),
    appointments: async (p, { first }, ctx) => page(await ctx.appointments(first).load(p.id), first),
    availableAppointments: async (p, { since, until, first }) =>
      page(await rows("available",
        `SELECT a.id, a.time_slot AS "timeSlot" FROM appointments a
         WHERE a.provider_id = $1 AND a.status = 'OPEN' AND a.time_slot >= $2 AND a.time_slot < $3 AND a.time_slot >= now() + interval '1 day'
           AND NOT EXISTS (SELECT FROM reservations r
                           WHERE r.appointment_id = ANY (ARRAY[a.id])
                             AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > now()))
         ORDER BY a.id LIMIT $4`, [p.id, since, until, first + 1]), first),
  },
  Appointment: {
    id: write("Appointment"),
    timeSlot: (a) => a.timeSlot.toISOString(),
    reservations: async (a, _, ctx) => ({ edges: (await ctx.reservations.load(a.id)).map((node) => ({ node })) }),
  },
  Reservation: {
    id: write("Reservation"),
    confirmed: (r) => r.state === "CONFIRMED",
    expiry: (r) => r.expiry.toISOString(),
    client: (r, _, ctx) => ctx.client.load(r.client_id),
    appointment: (r, _, ctx) => ctx.appointment.load(r.appointment_id),
  },
  Mutation: {
    reserve: async (_, input) => {
      const client = await pool.connect(); // pool.query would close the connection after a refusal
      try {
        const values = [clientId(input.client), appointmentId(input.appointment)];
        return { reservation: (await client.query({ name: "reserve", text: "SELECT * FROM reserve($1, $2)", values })).rows[0] };
      } catch (e) {
        throw e.code === "UV001" ? new GraphQLError(e.message) : e;
      } finally {
        client.release();
      }
    },
  },
};

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
  cluster.on("exit", () => process.exit(1));
  for (const s of ["SIGINT", "SIGTERM"]) process.on(s, () => process.exit(0));
} else {
  const yoga = createYoga({
    schema: createSchema({ typeDefs, resolvers }),
    context: loaders,
    graphiql: false,
    landingPage: false,
    logging: false,
    plugins: [useGraphQlJit()],
  });
  createServer(yoga).listen(Number(process.env.PORT), "127.0.0.1");
}
