// PORT, DATABASE_URL, and POOL connections in each of WORKERS processes come from the environment.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { grafserv } from "postgraphile/grafserv/node";
import preset from "./graphile.config.mjs";

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
  cluster.on("exit", () => process.exit(1));
  for (const s of ["SIGINT", "SIGTERM"]) process.on(s, () => process.exit(0));
} else {
  const api = postgraphile(preset);
  const server = createServer();
  server.on("error", (e) => { console.error(e); process.exit(1); });
  await api.createServ(grafserv).addTo(server);
  await api.getSchema();
  server.listen(preset.grafserv.port, preset.grafserv.host);
}
