// PostGraphile 5: Amber and the Relay preset, nothing else; no GraphiQL, no watching, no websockets.
import "postgraphile";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { PostGraphileRelayPreset } from "postgraphile/presets/relay";
import { makePgService } from "postgraphile/adaptors/pg";
import { defaultMaskError } from "postgraphile/grafserv";
import { makePgSmartTagsPlugin } from "postgraphile/utils";

const tables = ["providers", "clients", "appointments", "reservations"];

export default {
  extends: [PostGraphileAmberPreset, PostGraphileRelayPreset],
  plugins: [
    makePgSmartTagsPlugin([
      { kind: "class", match: (e) => !tables.includes(e.relname), tags: { behavior: "-*" } },
      // The real key has four columns, three of them copies: joining by one is what a person would write.
      { kind: "class", match: "reservations", tags: { foreignKey: "(appointment_id) references appointments (id)" } },
      { kind: "constraint", match: "reservations_appointment_id_copies", tags: { behavior: "-*" } },
    ]),
  ],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["public"],
      // A connection costs more to open than hundreds of queries: keep them.
      poolConfig: { max: Number(process.env.POOL), idleTimeoutMillis: 0 },
    }),
  ],
  grafserv: {
    host: "127.0.0.1",
    port: Number(process.env.PORT),
    graphqlPath: "/graphql",
    graphiql: false,
    watch: false,
    websockets: false,
    // A refusal is an answer: it need not be logged, nor hidden.
    maskError: (error) => (error.message === "SLOT_HELD" ? error : defaultMaskError(error)),
  },
  grafast: { explain: false },
};
