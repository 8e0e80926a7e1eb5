// Peer: Express with jsonwebtoken, HS256. The key is a KeyObject, made once: with a string,
// jsonwebtoken 9 parses it anew for each token, which is not what is to be compared.

import { createSecretKey, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import jwt from "jsonwebtoken";
import {
  LIFETIME_S,
  aroundExpress,
  claims,
  listen,
  logIn,
  loginOf,
  me,
  metrics,
} from "./common.js";

const key = createSecretKey(randomBytes(32));
const [issuer, audience] = ["peer", "peer"];

const application = express();
application.disable("x-powered-by").disable("etag");
application.use(aroundExpress);

application.post("/login", express.json({ limit: "4kb" }), (request, response) => {
  const login = logIn(request.body);
  if (!login) return response.status(401).end();
  const access_token = jwt.sign(claims(login), key, {
    algorithm: "HS256",
    issuer,
    audience,
    subject: login.user,
    expiresIn: LIFETIME_S,
    keyid: "k1",
    jwtid: randomUUID(),
  });
  response.json({ ...me(login), access_token });
});

application.get("/me", (request, response) => {
  const header = request.headers.authorization;
  if (!header?.startsWith("Bearer ")) return response.status(401).end();
  let checked;
  try {
    checked = jwt.verify(header.slice(7), key, { algorithms: ["HS256"], issuer, audience });
  } catch {
    return response.status(401).end();
  }
  response.json(me(loginOf(checked)));
});

application.get("/readyz", (_, response) => response.json({}));

application.get("/metrics", async (_, response) => {
  response.type("text/plain").send(await metrics());
});

listen(createServer(application));
