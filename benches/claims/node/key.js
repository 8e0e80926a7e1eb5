// How many HS256 tokens jsonwebtoken checks, or signs, in a second of CPU time, alone in a loop: on
// an idle machine a second of time, and neighbours count less.
// Arguments: what (verify or sign), release (8 or 9), key (string or object), seconds.
// Prints {"per_second": N}.

import { createSecretKey } from "node:crypto";
import jwt8 from "jsonwebtoken-8";
import jwt9 from "jsonwebtoken";

const [what, release, form, seconds] = process.argv.slice(2);
const jwt = { 8: jwt8, 9: jwt9 }[release];
const secret = "a-secret-of-at-least-thirty-two-bytes";
const key = form === "string" ? secret : createSecretKey(Buffer.from(secret));
const token = jwt9.sign({ sub: "load-00000" }, secret, { expiresIn: "1h" });

const once = {
  verify: () => jwt.verify(token, key, { algorithms: ["HS256"] }),
  sign: () => jwt.sign({ sub: "load-00000" }, key, { expiresIn: "1h" }),
}[what];

function rate(during_ms) {
  const start = performance.now();
  const before = process.cpuUsage();
  let count = 0;
  while (performance.now() - start < during_ms) {
    for (let i = 0; i < 50; i += 1) once();
    count += 50;
  }
  const { user, system } = process.cpuUsage(before);
  return count / ((user + system) / 1e6);
}

rate(300);
console.log(JSON.stringify({ per_second: rate(Number(seconds) * 1000) }));
