// What every Node peer does besides remembering a login: the same checks of a request's form, the
// same headers and the same counter as the other peers and our servers.

import { parseArgs } from "node:util";
import prometheus from "prom-client";

const HEADER_MAX_BYTES = 8 * 1024;
const HEADER_TIMEOUT_MS = 5_000;
/** How long a session lives without being used, or an access token in all. */
export const LIFETIME_S = 15 * 60;
// Peers do not hash passwords, since only /me is measured.
const PASSWORD = "load-users-share-one";

// The flags that `cluster` gives to an instance, and one more.
const { values } = parseArgs({
  options: {
    listen: { type: "string", default: "127.0.0.1:0" },
    pool: { type: "string", default: "peer" },
    instance: { type: "string", default: "a" },
    "end-with-stdin": { type: "boolean", default: false },
    "redis-url": { type: "string", default: "redis://127.0.0.1:6379" },
  },
});
const [host, port] = values.listen.split(":");

/** Where to listen. */
export const address = { host, port: Number(port) };
/** What stands in x-served-by. */
export const servedBy = `${values.pool}-${values.instance}`;
/** Redis, for the peers that keep their sessions there. */
export const redisUrl = values["redis-url"];

const requests = new prometheus.Counter({
  name: "http_requests_total",
  help: "Answers",
  labelNames: ["route", "status"],
});
const ROUTES = new Set(["/me", "/login", "/metrics"]);

/** Counts one answer. */
export function count(path, status) {
  requests.inc({ route: ROUTES.has(path) ? path : "other", status });
}

/** The page at /metrics. */
export const metrics = () => prometheus.register.metrics();

/** The status that refuses a request for its form, or 0. Looks at each header once. */
export function refusal(request) {
  const raw = request.rawHeaders;
  let bytes = 0;
  let hosts = 0;
  let credentials = 0;
  let framings = 0;
  for (let i = 0; i < raw.length; i += 2) {
    bytes += raw[i].length + raw[i + 1].length + 4;
    switch (raw[i].toLowerCase()) {
      case "host": hosts += 1; break;
      case "authorization": credentials += 1; break;
      case "content-length":
      case "transfer-encoding": framings += 1; break;
    }
  }
  if (bytes > HEADER_MAX_BYTES) return 431;
  return hosts !== 1 || credentials > 1 || framings > 1 ? 400 : 0;
}

/** The login that these credentials prove, or undefined. */
export function logIn(credentials) {
  const { username, password } = credentials ?? {};
  if (typeof username !== "string" || password !== PASSWORD) return undefined;
  return {
    user: username,
    name: username,
    role: "member",
    since_ms: Date.now(),
    login_instance: servedBy,
  };
}

/** The answer to /login and /me. */
export function me(login) {
  return {
    user: login.user,
    role: login.role,
    since: login.since_ms,
    login_instance: login.login_instance,
    answering_instance: servedBy,
  };
}

/** The claims that server-jwt signs, without those that a library adds. */
export function claims(login) {
  return {
    name: login.name,
    role: login.role,
    iat_ms: login.since_ms,
    since_ms: login.since_ms,
    login_instance: login.login_instance,
  };
}

/** The login that checked claims stand for. */
export function loginOf(claims) {
  return {
    user: claims.sub,
    name: claims.name,
    role: claims.role,
    since_ms: claims.since_ms,
    login_instance: claims.login_instance,
  };
}

/** The middleware that puts all of this around an Express application. */
export function aroundExpress(request, response, next) {
  response.set("x-served-by", servedBy);
  response.set("cache-control", "no-store");
  response.on("finish", () => count(request.path, response.statusCode));
  const status = refusal(request);
  if (status) response.status(status).end();
  else next();
}

/** Listens, with our servers' timeouts. */
export function listen(server) {
  server.headersTimeout = HEADER_TIMEOUT_MS;
  server.keepAliveTimeout = HEADER_TIMEOUT_MS;
  server.listen(address, () => listening(server));
}

/** Tells whoever started this peer where it listens, and ends with them if they asked for it. */
export function listening(server) {
  const { address, port } = server.address();
  console.log(`LISTENING ${address}:${port}`);
  if (values["end-with-stdin"]) process.stdin.on("end", () => process.exit(0)).resume();
}
