// Peer: Express with express-session and connect-redis, with their defaults but for the cookie's
// name and lifetime. Each read is one GET and, since connect-redis renews by default, one EXPIRE.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { LIFETIME_S, aroundExpress, listen, logIn, me, metrics, redisUrl } from "./common.js";

const client = await createClient({ url: redisUrl }).connect();

const application = express();
application.disable("x-powered-by").disable("etag");
application.use(aroundExpress);
application.use(session({
  name: "sid-peer",
  secret: randomBytes(32).toString("hex"),
  store: new RedisStore({ client, prefix: "peer:node:", ttl: LIFETIME_S }),
  cookie: { httpOnly: true, sameSite: "lax" },
  resave: false,
  saveUninitialized: false,
}));

application.post("/login", express.json({ limit: "4kb" }), (request, response, next) => {
  const login = logIn(request.body);
  if (!login) return response.status(401).end();
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.login = login;
    response.json(me(login));
  });
});

application.get("/me", (request, response) => {
  const { login } = request.session;
  if (!login) return response.status(401).end();
  response.json(me(login));
});

application.get("/readyz", (_, response) => response.json({}));

application.get("/metrics", async (_, response) => {
  response.type("text/plain").send(await metrics());
});

listen(createServer(application));
