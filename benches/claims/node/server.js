// A server as the published set-ups have it: Express, GET /me, and one of three ways to know who
// asks. Flags choose the way; the versions are those of package.json.

import { createSecretKey } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { RedisStore } from "connect-redis";
import session from "express-session";
import jwt from "jsonwebtoken";
import { createClient } from "redis";

// The first five are what `cluster` gives to every instance.
const { values } = parseArgs({
  options: {
    listen: { type: "string", default: "127.0.0.1:0" },
    pool: { type: "string", default: "claims" },
    instance: { type: "string", default: "a" },
    "end-with-stdin": { type: "boolean", default: false },
    "redis-url": { type: "string", default: process.env.REDIS_URL ?? "" },
    /** timer, session or jwt */
    way: { type: "string", default: "jwt" },
    /** How jsonwebtoken gets its key: string or object */
    key: { type: "string", default: "object" },
    "sleep-ms": { type: "string", default: "10" },
    /** Which release of Express: 4 or 5 */
    express: { type: "string", default: "4" },
  },
});

const SECRET = "a-secret-of-at-least-thirty-two-bytes";
const key = values.key === "string" ? SECRET : createSecretKey(Buffer.from(SECRET));
const [host, port] = values.listen.split(":");

const { default: express } = await import(values.express === "5" ? "express-5" : "express");
const application = express();
application.get("/readyz", (_, response) => response.json({}));
const json = express.json();

// Each way answers /login with a credential and puts the user of a request into request.user.
const ways = {
  // What stands for a session store is a timer, and one id that is always there.
  timer() {
    const ids = new Set(Array.from({ length: 10_000 }, (_, i) => `session-${i}`));
    const sleep_ms = Number(values["sleep-ms"]);
    application.post("/login", json, (request, response) => {
      response.cookie("sid", "session-1").json({ user: request.body.username });
    });
    return async (request, response, next) => {
      await sleep(sleep_ms);
      const id = request.headers.cookie?.slice("sid=".length);
      if (!ids.has(id)) return response.status(401).end();
      request.user = "load-00000";
      next();
    };
  },

  async session() {
    const client = await createClient({ url: values["redis-url"] }).connect();
    const store = new RedisStore({ client });
    application.use(session({ store, secret: SECRET, resave: false, saveUninitialized: false }));
    application.post("/login", json, (request, response) => {
      request.session.user = request.body.username;
      response.json({ user: request.body.username });
    });
    return (request, response, next) => {
      if (!request.session.user) return response.status(401).end();
      request.user = request.session.user;
      next();
    };
  },

  jwt() {
    application.post("/login", json, (request, response) => {
      const user = request.body.username;
      response.json({ user, access_token: jwt.sign({ sub: user }, key, { expiresIn: "1h" }) });
    });
    return (request, response, next) => {
      try {
        request.user = jwt.verify(request.headers.authorization.slice("Bearer ".length), key).sub;
      } catch {
        return response.status(401).end();
      }
      next();
    };
  },
};

const known = await ways[values.way]();
application.get("/me", known, (request, response) => response.json({ user: request.user }));

const server = createServer(application);
server.listen({ host, port: Number(port) }, () => {
  const { address, port } = server.address();
  console.log(`LISTENING ${address}:${port}`);
});
if (values["end-with-stdin"]) process.stdin.on("end", () => process.exit(0)).resume();
