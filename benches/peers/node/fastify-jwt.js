// Peer: Fastify with @fastify/jwt (fast-jwt underneath), HS256, its cache of verified tokens off,
// as it is by default.

import { randomBytes, randomUUID } from "node:crypto";
import jwt from "@fastify/jwt";
import Fastify from "fastify";
import {
  LIFETIME_S,
  address,
  claims,
  count,
  listening,
  logIn,
  loginOf,
  me,
  metrics,
  refusal,
  servedBy,
} from "./common.js";

const [iss, aud] = ["peer", "peer"];
const application = Fastify({ keepAliveTimeout: 5_000, bodyLimit: 4096 });
application.server.headersTimeout = 5_000;

application.addHook("onRequest", (request, reply, done) => {
  reply.header("x-served-by", servedBy).header("cache-control", "no-store");
  const status = refusal(request.raw);
  if (status) reply.code(status).send();
  else done();
});
application.addHook("onResponse", (request, reply, done) => {
  count(request.raw.url, reply.statusCode);
  done();
});

await application.register(jwt, {
  secret: randomBytes(32),
  sign: { algorithm: "HS256", iss, aud, kid: "k1", expiresIn: LIFETIME_S },
  verify: { algorithms: ["HS256"], allowedIss: iss, allowedAud: aud },
});

application.post("/login", (request, reply) => {
  const login = logIn(request.body);
  if (!login) return reply.code(401).send();
  const payload = { ...claims(login), sub: login.user, jti: randomUUID() };
  const access_token = application.jwt.sign(payload);
  return reply.send({ ...me(login), access_token });
});

application.get("/me", async (request, reply) => {
  try {
    await request.jwtVerify();
  } catch {
    return reply.code(401).send();
  }
  return me(loginOf(request.user));
});

application.get("/readyz", async () => ({}));

application.get("/metrics", async (_, reply) => reply.type("text/plain").send(await metrics()));

await application.listen(address);
listening(application.server);
